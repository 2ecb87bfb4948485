"""Flags of an order into the document that the REST door reads.  Numbers stay text: the door judges them."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from floorbroker.cli.failures import usage

Body = dict[str, Any]

_FLAGS = ("extended_hours", "reduce_only", "post_only", "allow_duplicate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What was typed about one order."""

    symbol: str
    side: str
    quantity: str | None = None
    notional: str | None = None
    limit: str | None = None
    stop: str | None = None
    touch: str | None = None
    trail: str | None = None
    tif: str | None = None
    expire_at: str | None = None
    take_profit: str | None = None
    stop_loss: str | None = None
    profile: str | None = None
    route: str | None = None
    broker: str | None = None
    tag: str | None = None
    strategy: str | None = None
    reason: str | None = None
    extended_hours: bool = False
    reduce_only: bool = False
    post_only: bool = False
    display: str | None = None
    allow_duplicate: bool = False
    effect: str | None = None
    legs: tuple[str, ...] = ()


def body_of(ticket: Ticket) -> Body:
    """The order as a document.  Raises a usage error where flags contradict each other."""
    if ticket.quantity is not None and ticket.notional is not None:
        raise usage("give QTY or --notional, not both")
    if ticket.quantity is None and ticket.notional is None:
        raise usage("say how much: QTY in units, or --notional in money")
    body: Body = {
        "symbol": ticket.symbol,
        "side": ticket.side,
        "type": type_of(ticket),
        "quantity": ticket.quantity,
        "notional": ticket.notional,
        "limit_price": ticket.limit,
        "stop_price": ticket.stop if ticket.touch is None else ticket.touch,
        "display_quantity": ticket.display,
        "time_in_force": ticket.tif,
        "expire_at": ticket.expire_at,
        "profile": ticket.profile,
        "route": ticket.route,
        "broker": None if ticket.broker is None else ticket.broker.upper(),
        "client_tag": ticket.tag,
        "strategy": ticket.strategy,
        "reason": ticket.reason,
        "position_intent": _intent(ticket.side, ticket.effect),
        **_trail(ticket.trail),
        **_exits(ticket),
        **_legs(ticket.legs),
    }
    if ticket.legs:
        del body["symbol"], body["side"]
    flags = {name: True for name in _FLAGS if getattr(ticket, name)}
    return {name: value for name, value in body.items() if value is not None} | flags


def _intent(side: str, effect: str | None) -> str | None:
    """`buy` and `open` are `buy_to_open`.  Raises a usage error for another effect."""
    if effect not in (None, "open", "close"):
        raise usage(f"--effect {effect}: write open or close")
    return None if effect is None else f"{side}_to_{effect}"


def _legs(written: tuple[str, ...]) -> Body:
    """`buy:1:AAPL260320P00150000:open`, the effect left out where the venue may guess.  Raises a usage error."""
    if not written:
        return {}
    return {"order_class": "mleg", "legs": [_leg(text) for text in written]}


def _leg(text: str) -> Body:
    side, ratio, symbol, *effect = text.split(":")[:4] if text.count(":") in (2, 3) else ("", "", "")
    if side not in ("buy", "sell") or not ratio or not symbol:
        raise usage(f"--leg {text}: write SIDE:RATIO:SYMBOL[:open|close], like buy:1:AAPL260320P00150000:open")
    leg: Body = {"symbol": symbol, "side": side, "ratio_qty": ratio}
    intent = _intent(side, effect[0] if effect else None)
    return leg if intent is None else leg | {"position_intent": intent}


def type_of(ticket: Ticket) -> str:
    """The order type that the price flags mean.  Raises a usage error for a trail beside a price, and for two triggers."""
    if ticket.trail is not None:
        if any(price is not None for price in (ticket.limit, ticket.stop, ticket.touch)):
            raise usage("--trail stands alone: it follows the market by itself, without --limit, --stop or --touch")
        return "trailing_stop"
    if ticket.touch is not None:
        if ticket.stop is not None:
            raise usage("give --stop or --touch, not both: one waits for a worse price, the other for a better one")
        return "market_if_touched" if ticket.limit is None else "limit_if_touched"
    if ticket.stop is not None:
        return "stop" if ticket.limit is None else "stop_limit"
    return "market" if ticket.limit is None else "limit"


def _trail(text: str | None) -> Body:
    """`1.50` trails by money, `2%` by percent."""
    if text is None:
        return {}
    return {"trail_percent": text[:-1]} if text.endswith("%") else {"trail_price": text}


def _exits(ticket: Ticket) -> Body:
    """Exits that begin to work when the entry is filled: both make a bracket, one an OTO."""
    exits: Body = {}
    if ticket.take_profit is not None:
        exits["take_profit"] = {"limit_price": ticket.take_profit}
    if ticket.stop_loss is not None:
        stop, _, limit = ticket.stop_loss.partition(":")
        exits["stop_loss"] = {"stop_price": stop} | ({"limit_price": limit} if limit else {})
    if exits:
        exits["order_class"] = "bracket" if len(exits) == 2 else "oto"
    return exits


def body_from(path: Path, profile: str | None) -> Body:
    """An order document from a file, or from standard input when the path is `-`.  Raises a usage error."""
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise usage(f"--file {path}: {error}") from error
    try:
        found: object = json.loads(text, parse_float=str)  # a number with a point stays the digits that were written
    except (ValueError, RecursionError) as error:
        raise usage(f"--file {path} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise usage(f"--file {path}: write one JSON object, an order")
    body = cast("Body", found)
    return body if profile is None else {**body, "profile": profile}


def changes_of(
    *, quantity: str | None, limit: str | None, stop: str | None, trail: str | None, tif: str | None
) -> Body:
    """The changes as a document.  Raises a usage error when there is none."""
    given: Body = {"quantity": quantity, "limit_price": limit, "stop_price": stop, "time_in_force": tif}
    changes = {name: value for name, value in given.items() if value is not None} | _trail(trail)
    if not changes:
        raise usage("name something to change: --qty --limit --stop --trail --tif")
    return changes
