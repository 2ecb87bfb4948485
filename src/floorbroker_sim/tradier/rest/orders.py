"""Reading, changing and canceling orders.

https://documentation.tradier.com/brokerage-api/accounts/get-account-orders and trading/change-order, trading/cancel-order
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.matching.calendar import NEW_YORK
from floorbroker_sim.http import Request
from floorbroker_sim.tradier import info
from floorbroker_sim.tradier.errors import Refused
from floorbroker_sim.tradier.mapping import order_object
from floorbroker_sim.tradier.rest import checks, families, working
from floorbroker_sim.tradier.rest.hours import session_start
from floorbroker_sim.tradier.rest.reading import Params, amount, choice, day, flag, paged, params_of
from floorbroker_sim.tradier.rest.records import Record
from floorbroker_sim.tradier.rest.rendering import Body, Listed

if TYPE_CHECKING:
    from floorbroker_sim.tradier.rest.state import State

_MONTH = timedelta(days=31)
_DAY = timedelta(days=1)


def list_orders(state: State, request: Request) -> Body:
    """The orders of the current session, the oldest first; `filter=all`, `date`, `start` and `end` look back, a month at most."""
    params = params_of(request)
    low, high = _window(state, params)
    tags = flag(params, "includeTags")
    found = [r for r in state.orders.values() if r.parent is None and low <= r.created_at < high]
    page = paged(params, found, limit=info.ORDERS_PAGE)
    return {"orders": Listed(name="order", items=[order_object(record, tags=tags) for record in page])}


def _window(state: State, params: Params) -> tuple[datetime, datetime]:
    which = choice(params, "filter", ("intraday", "all"), default="intraday")
    exact, start, end = (day(params, name) for name in ("date", "start", "end"))
    oldest, newest = state.clock.now() - _MONTH, state.clock.now() + _DAY
    if exact is not None:
        start = end = exact
    if start is None and end is None:
        return (oldest if which == "all" else session_start(state)), newest
    low = oldest if start is None else max(oldest, datetime.combine(start, time(), NEW_YORK))
    return low, newest if end is None else datetime.combine(end, time(), NEW_YORK) + _DAY


def get_order(state: State, request: Request, order_id: str) -> Body:
    """One order of any age, or one leg."""
    return {"order": order_object(known(state, order_id), tags=flag(params_of(request), "includeTags"))}


def known(state: State, order_id: str) -> Record:
    """Raises `Refused` 404."""
    number = int(order_id) if order_id.isascii() and order_id.isdigit() and len(order_id) < 19 else -1
    record = state.orders.get(number)
    if record is None:
        raise Refused(404, f"order not found: {order_id[:40]}")
    return record


def delete_order(state: State, _request: Request, order_id: str) -> Body:
    """Ask for the end of an order; a leg stands for its head.  "ok" means that it was asked."""
    record = known(state, order_id)
    _check_open(record)
    head = record if record.parent is None else record.parent
    cancel(state, head)
    return {"order": {"id": record.id, "status": "ok"}}


def _check_open(record: Record) -> None:
    if not record.is_open:
        raise Refused(400, f"order already in finalized state: {record.status}", plain=True)


def cancel(state: State, head: Record) -> None:
    """End an order with everything below it."""
    at = state.clock.now()
    if not head.is_family:
        working.end(state, head, at=at)
        return
    for leg in head.legs:
        if leg.is_open:
            working.end(state, leg, at=at)
    families.stand(state, head, at=at)


def put_order(state: State, request: Request, order_id: str) -> Body:
    """Another type, duration, price or stop; the id stays."""
    record, params = known(state, order_id), params_of(request)
    _check_open(record)
    if record.is_family:
        raise Refused(400, f"OrderContingentChangeNotAllowed: change the legs of an {record.kind}")
    if record.is_strategy_leg:
        raise Refused(400, "a leg of a multileg order is not changed alone")
    unknown = [name for name in ("quantity", "symbol", "side", "option_symbol", "class") if params.get(name)]
    if unknown:
        raise Refused(400, *(f"{name} can not be changed" for name in unknown))
    terms = _Terms(record, params)
    terms.check(record)
    terms.apply(record)
    if record.status == "held":
        state.tell(record)
    elif not working.reissue(state, record):
        raise Refused(400, f"order already in finalized state: {record.status}", plain=True)
    record.updated_at = state.clock.now()
    return {"order": {"id": record.id, "status": "ok"}}


class _Terms:
    """The terms an order is to have: what was asked for, and its own for the rest."""

    def __init__(self, record: Record, params: Params) -> None:
        self.type = params.get("type", "").strip().lower() or record.type
        self.duration = params.get("duration", "").strip().lower() or record.duration
        self.price: Decimal | None = amount(params, "price") or (record.price if self.type in info.PRICED else None)
        self.stop: Decimal | None = amount(params, "stop") or (record.stop if self.type in info.STOPPED else None)

    def check(self, record: Record) -> None:
        """Raises `Refused` for what the order cannot take."""
        found = list(
            checks.net_price(self.type, self.price)
            if record.is_strategy
            else checks.prices(record.kind, self.type, self.price, self.stop)
        )
        if self.duration not in info.DURATIONS:
            found.append(f"duration is invalid: {self.duration}")
        elif self.duration != record.duration and {self.duration, record.duration} & {"pre", "post"}:
            found.append("duration can not be changed for an order of an extended session")
        if self.duration == "gtc" and (self.type == "market" or record.side == "sell_short"):
            found.append("MarketOrderIsGtc" if self.type == "market" else "ShortOrderIsGtc")
        if found:
            raise Refused(400, *found)

    def apply(self, record: Record) -> None:
        """Give the record these terms, and its legs where they share them."""
        for one in (record, *record.legs):
            one.type, one.duration, one.price = self.type, self.duration, self.price
        record.stop = self.stop
