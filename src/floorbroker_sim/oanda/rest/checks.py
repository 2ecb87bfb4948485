"""Why an order is refused before it exists: one reason of the venue's list, the first that holds.

https://developer.oanda.com/rest-live-v20/transaction-df/#TransactionRejectReason
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.values import is_multiple
from floorbroker_sim.oanda import info, wire
from floorbroker_sim.oanda.rest import onfill
from floorbroker_sim.oanda.rest.records import Trade

if TYPE_CHECKING:
    from floorbroker_sim.oanda.rest.state import State

_STEMS = {"STOP_LOSS": "STOP_LOSS_ON_FILL", "GUARANTEED_STOP_LOSS": "STOP_LOSS_ON_FILL"}
MISSING = frozenset({"TRADE_DOESNT_EXIST", "ORDER_DOESNT_EXIST", "CLOSEOUT_POSITION_DOESNT_EXIST"})  # answered with 404


def refusal(state: State, wish: wire.Wish, flaws: list[str], *, replacing: str | None = None) -> str | None:
    """The reason, or None.  `replacing` is the id of the order whose place the new one takes."""
    if state.hands.rejects:
        return state.hands.rejects.popleft()
    found = _dependent(state, wish, flaws, replacing) if wish.type in info.DEPENDENT else _entry(state, wish, flaws)
    return next(found, None) or next(_common(state, wish, replacing), None)


def _entry(state: State, wish: wire.Wish, flaws: list[str]) -> Iterator[str]:
    if wish.instrument is None:
        yield "INSTRUMENT_MISSING"
    elif wish.instrument not in info.INSTRUMENTS:
        yield "INSTRUMENT_UNKNOWN"
    elif state.quote(wish.instrument) is None:
        yield "INSTRUMENT_PRICE_UNKNOWN"
    else:
        listed = info.INSTRUMENTS[wish.instrument]
        yield from _units(wish.units, listed)
        if wish.type != "MARKET":
            yield from _price(wish.price, listed, "PRICE")
        yield from flaws
        yield from _times(state, wish, "TIME_IN_FORCE")
        if wish.price_bound is not None:
            if wish.price_bound <= 0:
                yield "PRICE_BOUND_INVALID"
            if not is_multiple(wish.price_bound, listed.tick):
                yield "PRICE_BOUND_PRECISION_EXCEEDED"
        yield from words(wish.trade_client_extensions, "CLIENT_TRADE")
        for kind, details in onfill.wanted(wish):
            yield from _on_fill(state, kind, details, listed)
        yield from _twins(wish)


def _units(units: Decimal | None, listed: info.Listed) -> Iterator[str]:
    if units is None:
        yield "UNITS_MISSING"
    elif not units:
        yield "UNITS_INVALID"
    elif not is_multiple(units, listed.units_step):
        yield "UNITS_PRECISION_EXCEEDED"
    elif abs(units) > Decimal(listed.maximum):
        yield "UNITS_LIMIT_EXCEEDED"
    elif abs(units) < Decimal(listed.minimum):
        yield "UNITS_MIMIMUM_NOT_MET"  # the venue spells it so


def _price(price: Decimal | None, listed: info.Listed, stem: str) -> Iterator[str]:
    if price is None:
        yield f"{stem}_MISSING"
    elif price <= 0:
        yield f"{stem}_INVALID"
    elif not is_multiple(price, listed.tick):
        yield f"{stem}_PRECISION_EXCEEDED"


def _times(state: State, terms: wire.Wish | wire.Details, stem: str) -> Iterator[str]:
    if terms.time_in_force == "GTD" and terms.gtd_time is None:
        yield f"{stem}_GTD_TIMESTAMP_MISSING"
    elif terms.time_in_force == "GTD" and terms.gtd_time is not None and terms.gtd_time <= state.clock.now():
        yield f"{stem}_GTD_TIMESTAMP_IN_PAST"


def words(client: wire.ClientExtensions | None, stem: str) -> Iterator[str]:
    """What is wrong with a client's words: `stem` and the member."""
    for name in ("id", "tag", "comment"):
        value = None if client is None else getattr(client, name)
        if value is not None and (not value.strip() or len(value) > info.TEXT_MAX or not value.isprintable()):
            yield f"{stem}_{name.upper()}_INVALID"


def _distance(distance: Decimal | None, listed: info.Listed, stem: str) -> Iterator[str]:
    """Of a trailing stop."""
    if distance is None:
        yield f"{stem}_MISSING"
    elif distance <= 0:
        yield f"{stem}_INVALID"
    elif not is_multiple(distance, listed.tick):
        yield f"{stem}_PRECISION_EXCEEDED"
    elif distance > Decimal(listed.trail_max):
        yield f"{stem}_MAXIMUM_EXCEEDED"
    elif distance < Decimal(listed.trail_min):
        yield f"{stem}_MINIMUM_NOT_MET"


def _on_fill(state: State, kind: str, details: wire.Details, listed: info.Listed) -> Iterator[str]:
    stem = _STEMS.get(kind, f"{kind}_ON_FILL")
    if kind == "TRAILING_STOP_LOSS":
        yield from _distance(details.distance, listed, f"{stem}_PRICE_DISTANCE")
    elif kind == "TAKE_PROFIT":
        if details.distance is None or details.price is not None:
            yield from _price(details.price, listed, f"{stem}_PRICE")
    else:
        yield from _stop(details, listed, stem, maximum=f"{stem}_PRICE_DISTANCE_MAXIMUM_EXCEEDED")
        if (details.guaranteed or kind == "GUARANTEED_STOP_LOSS") and state.account.guaranteed == "DISABLED":
            yield f"{stem}_GUARANTEED_NOT_ALLOWED"
        if state.account.guaranteed == "REQUIRED" and not (details.guaranteed or kind == "GUARANTEED_STOP_LOSS"):
            yield f"{stem}_GUARANTEED_REQUIRED"
    yield from _times(state, details, stem)
    yield from words(details.client_extensions, f"{stem}_CLIENT_ORDER")


def _stop(terms: wire.Wish | wire.Details, listed: info.Listed, stem: str, *, maximum: str) -> Iterator[str]:
    """A stop has a price or a distance."""
    if terms.price is not None and terms.distance is not None:
        yield f"{stem}_PRICE_AND_DISTANCE_BOTH_SPECIFIED"
    if terms.price is None and terms.distance is None:
        yield f"{stem}_PRICE_AND_DISTANCE_BOTH_MISSING"
    plain = "" if stem == "STOP_LOSS_ORDER" else f"{stem}_"
    if terms.price is not None:
        yield from _price(terms.price, listed, f"{plain}PRICE")
    if terms.distance is not None:
        name = "PRICE_DISTANCE" if stem == "STOP_LOSS_ORDER" else f"{stem}_DISTANCE"
        if terms.distance <= 0:
            yield f"{name}_INVALID"
        if not is_multiple(terms.distance, listed.tick):
            yield f"{name}_PRECISION_EXCEEDED"
        if terms.distance > Decimal(listed.trail_max):
            yield maximum


def _twins(wish: wire.Wish) -> Iterator[str]:
    """One client id for several orders of one request."""
    all_words = [wish.client_extensions, *(details.client_extensions for _, details in onfill.wanted(wish))]
    ids = [client.id for client in all_words if client is not None and client.id is not None]
    if len(ids) != len(set(ids)):
        yield "ORDERS_ON_FILL_DUPLICATE_CLIENT_ORDER_IDS"


# --- Orders of a trade ------------------------------------------------------------------------------------------------


def trade_of(state: State, wish: wire.Wish) -> Trade | str:
    """The open trade a dependent order names, or the reason there is none."""
    if wish.trade_id is None and wish.client_trade_id is None:
        return "TRADE_ID_UNSPECIFIED"
    by_id = state.open_trades.get(wish.trade_id) if wish.trade_id is not None else None
    by_client = state.find_trade(f"@{wish.client_trade_id}") if wish.client_trade_id is not None else None
    if wish.trade_id is not None and wish.client_trade_id is not None and by_id is not by_client:
        return "TRADE_IDENTIFIER_INCONSISTENCY"
    found = by_id or by_client
    return found if found is not None and found.is_open else "TRADE_DOESNT_EXIST"


def _dependent(state: State, wish: wire.Wish, flaws: list[str], replacing: str | None) -> Iterator[str]:
    trade = trade_of(state, wish)
    if isinstance(trade, str):
        yield trade
        return
    if trade.orders.get(wish.type) not in {None, replacing}:
        kind = "STOP_LOSS" if wish.type == "GUARANTEED_STOP_LOSS" else wish.type
        yield f"{kind}_ORDER_ALREADY_EXISTS"
    listed = info.INSTRUMENTS[trade.instrument]
    if wish.type == "TAKE_PROFIT":
        yield from _price(wish.price, listed, "PRICE")
    elif wish.type == "TRAILING_STOP_LOSS":
        yield from _distance(wish.distance, listed, "PRICE_DISTANCE")
    else:
        yield from _stop(wish, listed, "STOP_LOSS_ORDER", maximum="PRICE_DISTANCE_MAXIMUM_EXCEEDED")
        yield from _guarantee(state, wish, trade)
    yield from flaws
    yield from _times(state, wish, "TIME_IN_FORCE")


def _guarantee(state: State, wish: wire.Wish, trade: Trade) -> Iterator[str]:
    stem = "STOP_LOSS_ORDER_GUARANTEED"
    if not wish.guaranteed and wish.type != "GUARANTEED_STOP_LOSS":
        if state.account.guaranteed == "REQUIRED":
            yield f"{stem}_REQUIRED"
        return
    if state.account.guaranteed == "DISABLED":
        yield f"{stem}_NOT_ALLOWED"
    if state.account.hedging and state.held(trade.instrument, long=not trade.is_long):
        yield f"{stem}_HEDGING_NOT_ALLOWED"
    if not state.is_tradeable(trade.instrument):
        yield f"{stem}_HALTED_CREATE_VIOLATION"
    touch = state.touch(trade.instrument)
    level = level_of(wish, touch.bid if trade.is_long else touch.ask, long=trade.is_long) if touch is not None else None
    if touch is not None and level is not None:
        if touch.bid <= level <= touch.ask:
            yield f"{stem}_PRICE_WITHIN_SPREAD"
        pip = info.INSTRUMENTS[trade.instrument].pip_size
        if abs((touch.bid if trade.is_long else touch.ask) - level) < info.GUARANTEED_DISTANCE_PIPS * pip:
            yield f"{stem}_MINIMUM_DISTANCE_NOT_MET"


def level_of(wish: wire.Wish, leaving: Decimal, *, long: bool) -> Decimal | None:
    """The price of a stop: its own, or its distance away from the closing price."""
    if wish.price is not None or wish.distance is None:
        return wish.price
    return leaving - wish.distance if long else leaving + wish.distance


def _common(state: State, wish: wire.Wish, replacing: str | None) -> Iterator[str]:
    yield from words(wish.client_extensions, "CLIENT_ORDER")
    mine = None if wish.client_extensions is None else wish.client_extensions.id
    if mine is not None and any(o.client_id == mine and o.id != replacing for o in state.pending.values()):
        yield "CLIENT_ORDER_ID_ALREADY_EXISTS"
    if wish.type != "MARKET" and replacing is None and len(state.pending) >= info.PENDING_MAX:
        yield "PENDING_ORDERS_ALLOWED_EXCEEDED"
