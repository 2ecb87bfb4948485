"""What the venue refuses before an order exists: each function gives the texts of the errors object, none when all is well.

https://docs.tradier.com/docs/error-responses; the texts follow the one that is known, `type is invalid for class option`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.instrument import OptionContract
from floorbroker_sim.tradier import info
from floorbroker_sim.tradier.mapping import inside
from floorbroker_sim.tradier.rest import hours
from floorbroker_sim.tradier.rest.form import Part, Wish

if TYPE_CHECKING:
    from floorbroker_sim.tradier.rest.state import State

_TAG = re.compile(r"[A-Za-z0-9-]*")
_PARTS = {
    "equity": (1, 1),
    "option": (1, 1),
    "multileg": (2, 4),
    "combo": (2, 3),
    "oto": (2, 2),
    "oco": (2, 2),
    "otoco": (3, 3),
}


def complaints(state: State, wish: Wish) -> list[str]:
    """Everything that is wrong with the form, in a fixed order."""
    low, high = _PARTS[wish.kind]
    if not low <= len(wish.parts) <= high:
        count = f"{low} to {high}" if low != high else f"{low}"
        return [f"class {wish.kind} needs {count} legs, {len(wish.parts)} given"]
    found = [*_common(wish)]
    for part in wish.parts:
        found += _part(state, wish, part)
    if not found and wish.kind in info.STRATEGIES:
        found += _strategy(wish)
    if not found and wish.kind in info.FAMILIES:
        found += _family(wish)
    if not found:
        found += _session(state, wish)
    return list(dict.fromkeys(found))


def _common(wish: Wish) -> Iterator[str]:
    if len(wish.tag) > info.MAX_TAG or not _TAG.fullmatch(wish.tag):
        yield f"tag is invalid: letters, digits and dashes, {info.MAX_TAG} at most"
    if not wish.duration:
        yield "duration is required"
    elif wish.duration not in info.DURATIONS:
        yield f"duration is invalid: {wish.duration}"


def _part(state: State, wish: Wish, part: Part) -> Iterator[str]:
    if not part.symbol:
        yield "symbol is required"
        return
    is_option = wish.kind in {"option", "multileg"} or bool(part.option_symbol)
    if is_option and not part.option_symbol:
        yield "option_symbol is required"
        return
    if wish.kind == "equity" and part.option_symbol:
        yield "option_symbol is invalid for class equity"
    yield from _symbol(state, part)
    sides = info.OPTION_SIDES if is_option else info.EQUITY_SIDES
    if part.side not in sides:
        yield f"side is invalid for class {wish.kind}" if part.side else "side is required"
    if part.quantity is None:
        yield "quantity is required"
    elif part.quantity % 1:
        yield "quantity is invalid: whole shares and contracts only"
    if wish.kind not in info.STRATEGIES:
        yield from prices(wish.kind, part.type, part.price, part.stop)


def _symbol(state: State, part: Part) -> Iterator[str]:
    try:
        state.market.instrument(inside(part.symbol))
        if part.option_symbol:
            state.market.instrument(inside(part.option_symbol))
    except KeyError:
        yield f"symbol is invalid: {part.option_symbol or part.symbol}"
        return
    contract = OptionContract.parse(part.option_symbol)
    if part.option_symbol and (contract is None or contract.root != part.symbol):
        yield f"option_symbol {part.option_symbol} does not belong to symbol {part.symbol}"


def prices(kind: str, word: str, price: Decimal | None, stop: Decimal | None) -> Iterator[str]:
    """Type, price and stop of a single order."""
    if word not in info.SINGLE_TYPES:
        yield f"type is invalid for class {kind}" if word else "type is required"
        return
    if (word in info.PRICED) != (price is not None):
        yield "price is required" if price is None else f"price is invalid for type {word}"
    if (word in info.STOPPED) != (stop is not None):
        yield "stop is required" if stop is None else f"stop is invalid for type {word}"
    for name, value in (("price", price), ("stop", stop)):
        if value is not None and not on_tick(value):
            yield f"{name} is invalid: too many decimals"


def on_tick(value: Decimal) -> bool:
    """Cents from one dollar up, four decimals below."""
    return value == round(value, 2 if value >= 1 else 4)


def net_price(word: str, price: Decimal | None) -> Iterator[str]:
    """Type and price of legs that trade together."""
    if word not in info.NET_TYPES:
        yield f"type is invalid: {word}" if word else "type is required"
    elif (word in info.PRICED) != (price is not None):
        yield "price is required" if price is None else f"price is invalid for type {word}"
    elif price is not None and not on_tick(price):
        yield "price is invalid: too many decimals"


def _strategy(wish: Wish) -> Iterator[str]:
    yield from net_price(wish.type, wish.price)
    if wish.duration in {"pre", "post"}:
        yield f"duration is invalid for class {wish.kind}: {wish.duration}"
    traded = [part.option_symbol or part.symbol for part in wish.parts]
    if len(set(traded)) != len(traded):
        yield "two legs name one symbol"
    if len({part.symbol for part in wish.parts}) != 1:
        yield "the legs belong to several symbols"
    shares = [part for part in wish.parts if not part.option_symbol]
    if wish.kind == "combo" and (len(shares) != 1 or wish.parts[0].option_symbol):
        yield "class combo needs one equity leg, the first"
    if any((part.quantity or Decimal(0)) % 100 for part in shares):
        yield "quantity is invalid: the equity leg of a combo counts in hundreds"


def _family(wish: Wish) -> Iterator[str]:
    if wish.kind != "oco" and wish.parts[0].type == "market":
        yield "OtoFirstLegIsMarketNotAllowed"
    pair = wish.parts if wish.kind == "oco" else wish.parts[1:] if wish.kind == "otoco" else ()
    if any(part.type == "market" for part in pair):
        yield "OtoOcoMarketNotAllowed"
    if pair and len({part.type for part in pair}) != len(pair):
        yield "the orders of an oco must have different types"
    if pair and len({part.option_symbol or part.symbol for part in pair}) != 1:
        yield "the orders of an oco must have the same symbol"
    if pair and len({part.duration for part in pair}) != 1:
        yield "OcoExpirationTypeNotTheSame"
    if pair and len({part.side.startswith("buy") for part in pair}) != 1:
        yield "OcoOrderWithOppositeLegs"
    if any(part.duration not in {"day", "gtc"} for part in wish.parts):
        yield f"duration is invalid for class {wish.kind}"


def _session(state: State, wish: Wish) -> Iterator[str]:
    if wish.duration not in {"pre", "post"}:
        return
    if wish.type != "limit":
        yield f"type is invalid for duration {wish.duration}"
    elif not hours.runs(state, wish.duration):
        yield f"Invalid parameter, duration: {wish.duration} market no longer available"
