"""What the demo says at its end: the document of `--json`, its checks, its digest, and the tables for people."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from decimal import Decimal
from itertools import pairwise
from typing import Any

import rfc8785
from rich.console import Console
from rich.table import Table

from floorbroker.cli.demo.run import Played
from floorbroker.domain.values import ZERO, Side, text_of
from floorbroker.gateway.desk import Fill
from floorbroker.matching.calendar import NEW_YORK

_CENT = Decimal("0.01")


def run_document(played: Played) -> dict[str, Any]:
    """One run as the demo's document has it; numbers are text, times UTC to the second."""
    return {
        "profile": played.profile,
        "fills": fill_lines(played),
        "positions": [{"symbol": s, "quantity": text_of(q)} for s, q in sorted(played.positions.items())],
        "cash": {"start": text_of(played.start.cash), "end": text_of(played.end.cash)},
        "fees": text_of(_fees(played)),
        "pnl": text_of(played.end.equity - played.start.equity),
    }


def document(runs: list[Played]) -> dict[str, Any]:
    """The whole demo; `digest` is the SHA-256 of the runs in canonical JSON."""
    documents = [run_document(played) for played in runs]
    return {"digest": hashlib.sha256(rfc8785.dumps(documents)).hexdigest(), "runs": documents}


def fill_lines(played: Played) -> list[dict[str, str]]:
    """The fills by time, and within one second by symbol and side: venues stamp what they do at once in orders of their own."""
    return sorted(
        map(_fill, played.fills), key=lambda line: (line["time"], line["symbol"], line["side"], line["price"])
    )


def _fill(fill: Fill) -> dict[str, str]:
    execution = fill.execution
    return {
        "symbol": execution.symbol,
        "side": execution.side.value,
        "quantity": text_of(execution.last_qty),
        "price": text_of(execution.last_px),
        "fee": text_of(execution.fee.amount) if execution.fee else "0",
        "time": execution.transact_time.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _fees(played: Played) -> Decimal:
    return sum((fill.execution.fee.amount for fill in played.fills if fill.execution.fee), ZERO)


def complaints(runs: list[Played]) -> list[str]:
    """What does not hold: positions against fills, cash to the cent, one venue against the other."""
    found = [text for played in runs for text in (*_positions(played), *_cash(played))]
    for one, other in pairwise(runs):
        if fill_lines(one) != fill_lines(other):
            found.append(f"{one.profile} and {other.profile} do not give the same fills")
    return found


def _positions(played: Played) -> list[str]:
    summed: dict[str, Decimal] = defaultdict(Decimal)
    for fill in played.fills:
        summed[fill.execution.symbol] += fill.execution.side.sign * fill.execution.last_qty
    symbols = set(summed) | set(played.positions)
    return [
        f"{played.profile}: {symbol} holds {played.positions.get(symbol, ZERO)}, its fills sum to {summed[symbol]}"
        for symbol in sorted(symbols)
        if played.positions.get(symbol, ZERO) != summed[symbol]
    ]


def _cash(played: Played) -> list[str]:
    flow = sum((-f.execution.side.sign * f.execution.last_qty * f.execution.last_px for f in played.fills), ZERO)
    wanted = played.start.cash + flow - _fees(played)
    if wanted.quantize(_CENT) == played.end.cash.quantize(_CENT):
        return []
    return [f"{played.profile}: cash is {played.end.cash}, the fills say {wanted}"]


def show(console: Console, runs: list[Played], *, source: str, digest: str) -> None:
    """Tables for people."""
    console.print(f"market: {source}")
    for played in runs:
        console.print(_days(played))
        console.print(_end(played), soft_wrap=True)
    console.print(f"digest {digest}")


def _days(played: Played) -> Table:
    """Orders, fills, volume and realised profit by day."""
    table = Table(title=f"{played.profile}", title_justify="left")
    table.add_column("day")
    for name in ("orders", "fills", "bought", "sold", "cash flow USD"):
        table.add_column(name, justify="right")
    orders: dict[str, int] = defaultdict(int)
    fills: dict[str, list[Fill]] = defaultdict(list)
    for order in played.orders:
        orders[order.created_at.astimezone(NEW_YORK).date().isoformat()] += 1
    for fill in played.fills:
        fills[fill.execution.transact_time.astimezone(NEW_YORK).date().isoformat()].append(fill)
    for day in sorted(set(orders) | set(fills)):
        table.add_row(day, str(orders[day]), *_row(fills[day]))
    table.add_section()
    table.add_row("all", str(len(played.orders)), *_row(list(played.fills)))
    return table


def _end(played: Played) -> str:
    """The account at the end, on one line."""
    held = ", ".join(f"{symbol} {text_of(qty)}" for symbol, qty in sorted(played.positions.items())) or "flat"
    pnl = played.end.equity - played.start.equity
    return (
        f"  cash {played.start.cash:,.2f} -> {played.end.cash:,.2f} USD, fees {_fees(played):,.2f}, "
        f"profit and loss {pnl:+,.2f}, positions: {held}"
    )


def _row(fills: list[Fill]) -> tuple[str, str, str, str]:
    bought = sum((f.execution.last_qty for f in fills if f.execution.side is Side.BUY), ZERO)
    sold = sum((f.execution.last_qty for f in fills if f.execution.side is Side.SELL), ZERO)
    flow = sum((-f.execution.side.sign * f.execution.last_qty * f.execution.last_px for f in fills), ZERO)
    return str(len(fills)), text_of(bought), text_of(sold), f"{flow:+,.2f}"
