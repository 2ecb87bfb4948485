"""`backtest`: strategies over recorded data, on a simulated clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from floorbroker.cli.failures import usage
from floorbroker.cli.progressing import Bar
from floorbroker.cli.settings import Settings, settings_of
from floorbroker.cli.show import Column, say, show_json, show_one, show_table
from floorbroker.domain.values import NotExact, Word, decimal_of

if TYPE_CHECKING:
    from floorbroker.backtest import Costs, Feed, Happening, Result
    from floorbroker.strategy import Strategy


class SpanWord(Word):
    """How long a bar lasts."""

    DAY = "day"
    HOUR = "hour"
    MINUTE = "minute"


Name = Annotated[
    str, typer.Argument(help="A ready-made one (crossover reversion ranked rotation hedge), or file.py:Class.")
]
Data = Annotated[Path | None, typer.Option(envvar="FLOORBROKER_DATA", help="The folder of recorded prices.")]
Symbols = Annotated[str, typer.Option("--symbols", help="Comma-separated, like SPY,AAPL.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="A parameter, like fast=20; may be given again.")]
Span = Annotated[SpanWord, typer.Option("--span", help="How long a bar lasts.")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="A day, inclusive.")]
Amount = Annotated[str, typer.Option(help="In the account's currency.")]
Money = Annotated[str, typer.Option(help="What each unit costs, or each trade in basis points of its value.")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    noun = typer.Typer(help="Strategies over recorded data.", no_args_is_help=True)
    noun.command("run")(run)
    app.add_typer(noun, name="backtest")


def run(
    ctx: typer.Context,
    strategy: Name,
    *,
    symbols: Symbols,
    data: Data = None,
    settings: Set = None,
    span: Span = SpanWord.DAY,
    since: Day = None,
    until: Day = None,
    cash: Amount = "100000",
    fee_per_unit: Money = "0",
    fee_bps: Money = "0",
    slippage_bps: Annotated[str, typer.Option(help="How much worse a taker fares, in basis points.")] = "0",
    latency_ms: Annotated[int, typer.Option(min=0, max=3_600_000, help="How long a wish is on its way.")] = 0,
    borrow_percent: Annotated[str, typer.Option(help="What short units cost a year.")] = "0",
    leverage: Annotated[str, typer.Option(help="How many times its equity the account may hold.")] = "2",
    at_close: Annotated[bool, typer.Option("--at-close", help="Fill at the close that was decided on.")] = False,
) -> None:
    """Play recorded bars to a strategy: orders meet the next bar's open, splits and dividends happen on their days."""
    from floorbroker.backtest import Backtest
    from floorbroker.strategy.loading import settings_from, strategy_class

    chosen = settings_of(ctx)
    names = tuple(symbol.strip() for symbol in symbols.split(",") if symbol.strip())
    made = strategy_class(strategy)(symbols=names, **settings_from(pairs(settings or ())))
    costs = _costs(
        fee_per_unit=fee_per_unit, fee_bps=fee_bps, slippage_bps=slippage_bps, latency_ms=latency_ms,
        borrow_percent=borrow_percent, leverage=leverage, at_close=at_close,
    )  # fmt: skip
    feed, actions = _feed(data, made, span, since, until)
    with Bar(chosen, f"{made.called}: bars", total=feed.size) as bar:
        found = Backtest(
            made, feed, cash=_number("--cash", cash), costs=costs, actions=actions, sessions=True, told=bar.tell
        ).run()
    _show(chosen, found)


def pairs(words: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise usage(f"--set {word}: write a parameter as name=value")
        found[name.strip().replace("-", "_")] = value.strip()
    return found


def _number(flag: str, text: str) -> Decimal:
    try:
        return decimal_of(text)
    except NotExact as error:
        raise usage(f"{flag} {text}: {error}") from error


def _costs(
    *,
    fee_per_unit: str,
    fee_bps: str,
    slippage_bps: str,
    latency_ms: int,
    borrow_percent: str,
    leverage: str,
    at_close: bool,
) -> Costs:
    from floorbroker.backtest import Costs, Fixed
    from floorbroker.matching import NO_FEES, NO_SLIPPAGE, Bps, BpsSlippage, PerShare

    each, part = _number("--fee-per-unit", fee_per_unit), _number("--fee-bps", fee_bps)
    if each and part:
        raise usage("--fee-per-unit and --fee-bps: choose one of them")
    slip = _number("--slippage-bps", slippage_bps)
    return Costs(
        fees=PerShare(rate=each) if each else Bps(taker=part, maker=part) if part else NO_FEES,
        slippage=BpsSlippage(slip) if slip else NO_SLIPPAGE,
        latency=Fixed(ms=latency_ms),
        borrow_percent=_number("--borrow-percent", borrow_percent),
        leverage=_number("--leverage", leverage),
        at_close=at_close,
    )


def _feed(
    data: Path | None, strategy: Strategy, span: SpanWord, since: datetime | None, until: datetime | None
) -> tuple[Feed, list[Happening]]:
    from floorbroker.backtest import Span, recorded_feed
    from floorbroker.tape import NotRecorded, load

    if data is None:
        raise usage("--data: name a folder of recorded prices, or set FLOORBROKER_DATA")
    try:
        tape = load(data)
    except NotRecorded as error:
        raise usage(f"--data {data}: {error}") from error
    first, last = since.date() if since else None, until.date() if until else None
    return recorded_feed(tape, strategy.symbols, Span(span.value), since=first, until=last)


FILLS = (
    Column("TIME", "time"),
    Column("SYMBOL", "symbol"),
    Column("SIDE", "side"),
    Column("QUANTITY", "quantity", right=True),
    Column("PRICE", "price", right=True),
    Column("FEE", "fee", right=True),
)
SHOWN = 10


def _show(settings: Settings, found: Result) -> None:
    document = found.document()
    if settings.json:
        show_json(document)
        return
    if document["fills"]:
        show_table(settings, document["fills"][-SHOWN:], FILLS)
        say(settings, f"the last of {len(document['fills'])} fills; all of them with --json")
    rows: dict[str, Any] = {name: document[name] for name in ("strategy", "start", "end", "fees", "income", "pnl")}
    rows |= {"equity": document["equity"]["end"], **document["statistics"]}
    show_one(settings, rows)
