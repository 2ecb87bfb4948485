"""Between the socket's spelling and the matching engine's: order types, times in force, terms and changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from floorbroker.domain.orders import NewOrder, OrderChanges, OrderLeg
from floorbroker.domain.values import (
    LIMITED,
    TRIGGERED,
    ZERO,
    OrderClass,
    OrderType,
    Price,
    Quantity,
    Side,
    TimeInForce,
)
from floorbroker_sim.ibkr import info
from floorbroker_sim.ibkr.codec import BadMessage
from floorbroker_sim.ibkr.errors import invalid, tif_and_type, unsupported_type, untransmittable
from floorbroker_sim.ibkr.wire.orders import Placed

SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
TIFS = {
    "": TimeInForce.DAY, "DAY": TimeInForce.DAY, "GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK,
    "OPG": TimeInForce.OPG, "GTD": TimeInForce.GTD,
}  # fmt: skip
TYPES = {
    "MKT": OrderType.MARKET, "LMT": OrderType.LIMIT, "STP": OrderType.STOP, "STP LMT": OrderType.STOP_LIMIT,
    "TRAIL": OrderType.TRAILING_STOP, "MIT": OrderType.MARKET_IF_TOUCHED, "LIT": OrderType.LIMIT_IF_TOUCHED,
    "MOC": OrderType.MARKET, "LOC": OrderType.LIMIT, "MIDPRICE": OrderType.LIMIT,
    "TRAIL LIMIT": OrderType.TRAILING_STOP,
}  # fmt: skip
AT_THE_CLOSE = frozenset({"MOC", "LOC"})
_TYPES_OF = {"CASH": frozenset(TYPES) - {"MOC", "LOC", "MIDPRICE"}, "BAG": frozenset({"MKT", "LMT"})}
_IMMEDIATE = frozenset({TimeInForce.IOC, TimeInForce.FOK})

# Where an order stands on the control door, by the API's word.
PUBLIC_STATUS = {
    "ApiPending": "pending_new", "PendingSubmit": "pending_new", "PreSubmitted": "held", "Submitted": "new",
    "PendingCancel": "pending_cancel", "ApiCancelled": "canceled", "Cancelled": "canceled", "Filled": "filled",
    "Inactive": "rejected",
}  # fmt: skip


def order_type_of(placed: Placed) -> str:
    """The API's word for the type, in one spelling.  Raises `Refused` for one that this market does not take."""
    word = placed.text("orderType").upper().replace("TRAILLIMIT", "TRAIL LIMIT").replace("STPLMT", "STP LMT")
    if word not in _TYPES_OF.get(placed.contract.sec_type, TYPES.keys()):
        raise unsupported_type()
    return word


def side_of(placed: Placed) -> Side:
    """Raises `Refused`."""
    side = SIDES.get(placed.text("action").upper())
    if side is None:
        raise invalid(f"Invalid side:{placed.text('action')}")
    return side


def tif_of(placed: Placed, order_type: str) -> TimeInForce:
    """Raises `Refused` for an unknown word, and for a pair that does not go together."""
    tif = TIFS.get(placed.text("tif").upper())
    if tif is None:
        raise invalid(f"Invalid time in force:{placed.text('tif')}")
    if order_type in AT_THE_CLOSE:
        if tif is not TimeInForce.DAY:
            raise tif_and_type(order_type, placed.text("tif"))
        return TimeInForce.CLS
    if (tif in _IMMEDIATE or tif is TimeInForce.OPG) and order_type not in {"MKT", "LMT"}:
        raise tif_and_type(order_type, placed.text("tif"))
    return tif


def new_order(placed: Placed, *, symbol: str, legs: Sequence[tuple[str, Side, int]] = ()) -> NewOrder:
    """The engine's terms.  A sold combination is its legs turned round, at the negative price.  Raises `Refused`."""
    word, side = order_type_of(placed), side_of(placed)
    order_type = TYPES[word]
    terms = NewOrder(
        symbol=symbol,
        side=side,
        order_type=order_type,
        order_qty=Quantity(placed.number("totalQuantity") or ZERO),
        price=_price(placed, "lmtPrice") if order_type in LIMITED and word != "MIDPRICE" else None,
        stop_px=_price(placed, "auxPrice") if order_type in TRIGGERED else None,
        tif=tif_of(placed, word),
        expire_at=_good_till(placed) if placed.text("tif").upper() == "GTD" else None,
        extended_hours=placed.flag("outsideRth"),
    )
    if order_type is OrderType.TRAILING_STOP:
        return _trailing(placed, terms)
    return _combination(terms, legs) if legs else terms


def _price(placed: Placed, name: str) -> Price:
    value = placed.number(name)
    if value is None:
        raise untransmittable(f"{name} is missing")
    return Price(value)


def _trailing(placed: Placed, terms: NewOrder) -> NewOrder:
    """By an amount (`auxPrice`) or by a percent, never by both."""
    amount, percent = placed.number("auxPrice") or None, placed.number("trailingPercent") or None
    if (amount is None) == (percent is None):
        raise untransmittable("a trailing order needs a trailing amount or a trailing percent")
    return replace(terms, trail_amount=None if amount is None else Price(amount), trail_percent=percent)


def _combination(terms: NewOrder, legs: Sequence[tuple[str, Side, int]]) -> NewOrder:
    turned = terms.side is Side.SELL
    bought = tuple(
        OrderLeg(symbol=symbol, side=side.opposite if turned else side, ratio_qty=Quantity(Decimal(ratio)))
        for symbol, side, ratio in legs
    )
    price = None if terms.price is None else Price(-terms.price if turned else terms.price)
    return replace(terms, order_class=OrderClass.MULTILEG, legs=bought, price=price)


def _good_till(placed: Placed) -> datetime:
    """`20260116 16:00:00 US/Eastern`, `20260116-21:00:00` in UTC, or a day.  Raises `Refused`."""
    moment = moment_of(placed.text("goodTillDate"))
    if moment is None:
        raise invalid(f"Invalid good till date:{placed.text('goodTillDate')}")
    return moment


def moment_of(text: str) -> datetime | None:
    """A time as requests write it, UTC; None for anything else."""
    day, _, rest = text.replace("-", " UTC ", 1).partition(" ")
    clock, zone = rest.strip(), info.ZONE_NAME
    if clock.startswith("UTC "):
        clock, zone = clock[4:], "UTC"
    clock, _, named = clock.partition(" ")
    try:
        naive = datetime.strptime(f"{day} {clock or '23:59:59'}", "%Y%m%d %H:%M:%S")  # noqa: DTZ007 - the zone follows
        return naive.replace(tzinfo=ZoneInfo(named or zone)).astimezone(UTC)
    except (ValueError, ZoneInfoNotFoundError, OverflowError):
        return None


def changes_of(old: NewOrder, new: NewOrder) -> OrderChanges:
    """What a second `placeOrder` under the same id asks for."""
    trail = new.trail_amount if new.trail_amount is not None else new.trail_percent
    was = old.trail_amount if old.trail_amount is not None else old.trail_percent
    return OrderChanges(
        order_qty=new.order_qty if new.order_qty != old.order_qty else None,
        price=new.price if new.price != old.price else None,
        stop_px=new.stop_px if new.stop_px != old.stop_px else None,
        trail=trail if trail != was else None,
        tif=new.tif if new.tif is not old.tif else None,
    )


def legs_of(placed: Placed, symbol_of: dict[int, str]) -> list[tuple[str, Side, int]]:
    """The legs by canonical symbol.  Raises `BadMessage` for a side or a ratio that cannot be."""
    legs: list[tuple[str, Side, int]] = []
    for leg in placed.legs:
        side = SIDES.get(leg.action.upper())
        if side is None or leg.ratio < 1:
            raise BadMessage(f"leg {leg.con_id} has no side or no ratio")
        legs.append((symbol_of[leg.con_id], side, leg.ratio))
    return legs
