"""Orders that exist: list, find, replace, cancel.  https://docs.alpaca.markets/reference/getallorders and its neighbours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from floorbroker.domain.instrument import Instrument
from floorbroker.domain.orders import OrderChanges
from floorbroker.domain.values import (
    ZERO,
    AssetClass,
    OrderId,
    Price,
    Quantity,
    TimeInForce,
)
from floorbroker.matching import BadOrder, NotOpen
from floorbroker_sim.alpaca import info, wire
from floorbroker_sim.alpaca.errors import (
    Refused,
    bad_parameter,
    invalid,
    order_not_found,
    too_few_units,
    too_little_money,
    unprocessable,
)
from floorbroker_sim.alpaca.mapping import class_of, inside, outside
from floorbroker_sim.alpaca.rest import checks, money
from floorbroker_sim.alpaca.rest.entry import as_received
from floorbroker_sim.alpaca.rest.reading import Query, body, choice, flag, moment, names, number
from floorbroker_sim.alpaca.rest.records import Record
from floorbroker_sim.alpaca.rest.state import State
from floorbroker_sim.http import Reply, Request, json_reply

# --- List and find ---------------------------------------------------------------------------------------------------


def list_orders(state: State, request: Request) -> Reply:
    query = request.query
    status = choice(query, "status", ("open", "closed", "all"), default="open")
    limit = number(query, "limit", default=info.ORDERS_DEFAULT, low=1, high=info.ORDERS_MAX)
    nested = flag(query, "nested")
    newest_first = choice(query, "direction", ("asc", "desc"), default="desc") == "desc"
    found = [r for r in _between(state, query) if _wanted(r, query, status)]
    if nested:
        found = [r for r in found if r.parent is None or r.parent not in state.orders]
    else:
        found = [r for r in found if not (r.order_class == "mleg" and r.parent)]
    found.sort(key=lambda record: (record.created_at, record.number), reverse=newest_first)
    return json_reply([state.object_of(r, nested=nested or r.is_mleg_head) for r in found[:limit]])


def _between(state: State, query: Query) -> Iterable[Record]:
    before, behind = query.get("before_order_id"), query.get("after_order_id")
    if before and behind:
        raise bad_parameter("only one of before_order_id or after_order_id is accepted")
    if (before or behind) and (query.get("after") or query.get("until")):
        raise bad_parameter("before_order_id and after_order_id can not be used with after or until")
    if cursor := before or behind:
        mark = state.orders.get(cursor)
        if mark is None:
            raise order_not_found(cursor)
        key = (mark.created_at, mark.number)
        return [r for r in state.orders.values() if ((r.created_at, r.number) < key) == bool(before) and r is not mark]
    after, until = moment(query, "after"), moment(query, "until")
    return [r for r in state.orders.values() if _within(r.created_at, after, until)]


def _within(at: datetime, after: datetime | None, until: datetime | None) -> bool:
    return (after is None or at > after) and (until is None or at < until)


def _wanted(record: Record, query: Query, status: str) -> bool:
    if status != "all" and record.is_open != (status == "open"):
        return False
    symbols = {inside(name) for name in names(query, "symbols")}
    if symbols and record.order.symbol not in symbols:
        return False
    side = query.get("side")
    if side and record.order.side.value != side:
        return False
    classes = names(query, "asset_class")
    return not classes or "all" in classes or record.asset_class in classes


def get_order(state: State, request: Request, order_id: str) -> Reply:
    record = _known(state, order_id)
    return json_reply(state.object_of(record, nested=flag(request.query, "nested") or record.is_mleg_head))


def get_by_client_id(state: State, request: Request) -> Reply:
    name = request.query.get("client_order_id", "")
    order_id = state.client_ids.get(name)
    if order_id is None:
        raise order_not_found(name)
    record = state.orders[order_id]
    return json_reply(state.object_of(record, nested=record.is_mleg_head))


def _known(state: State, order_id: str) -> Record:
    record = state.orders.get(order_id)
    if record is None:
        raise order_not_found(order_id)
    return record


# --- Replace ---------------------------------------------------------------------------------------------------------


def patch_order(state: State, request: Request, order_id: str) -> Reply:
    wish = body(request, wire.PatchRequest)
    old = _known(state, order_id)
    _check_patch(state, old, wish)
    instrument = state.market.instrument(old.order.symbol)
    changes = _changes(wish, instrument)
    _check_patch_money(state, old, changes, instrument)
    return json_reply(_replace(state, old, changes, wish.client_order_id))


def _check_patch(state: State, old: Record, wish: wire.PatchRequest) -> None:
    if old.status in {"accepted", "pending_new", "pending_cancel", "pending_replace", "held"} and old.is_open:
        raise unprocessable(f"cannot replace order in {old.status} status")
    if old.status not in info.REPLACEABLE:
        raise unprocessable("unable to replace order, order is not open")
    if wish.notional is not None or old.order.notional is not None:
        raise unprocessable("unable to replace notional orders")
    if old.order_class == "oto":
        raise unprocessable("replace is not supported for oto orders")
    members = (wish.qty, wish.time_in_force, wish.limit_price, wish.stop_price, wish.trail, wish.client_order_id)
    if all(member is None for member in members):
        raise invalid("at least one field to replace is required")
    checks.check_client_id(wish.client_order_id, state.client_ids)
    _check_patch_numbers(old, wish)


def _check_patch_numbers(old: Record, wish: wire.PatchRequest) -> None:
    for name in ("qty", "limit_price", "stop_price", "trail"):
        checks.positive(name, getattr(wish, name))
    if wish.qty is not None and old.asset_class == "us_equity":
        if old.qty is not None and old.qty % 1:
            raise unprocessable("fractional order qty cannot be replaced")
        if wish.qty % 1:
            raise unprocessable("qty must be integer")


def _changes(wish: wire.PatchRequest, instrument: Instrument) -> OrderChanges:
    checks.check_tick("limit_price", wish.limit_price, instrument)
    checks.check_tick("stop_price", wish.stop_price, instrument)
    if wish.time_in_force is not None and wish.time_in_force not in info.TIFS[class_of(instrument)]:
        raise unprocessable(f"invalid {class_of(instrument)} time_in_force")
    return OrderChanges(
        order_qty=None if wish.qty is None else Quantity(wish.qty),
        price=None if wish.limit_price is None else Price(wish.limit_price),
        stop_px=None if wish.stop_price is None else Price(wish.stop_price),
        trail=wish.trail,
        tif=None if wish.time_in_force is None else TimeInForce(wish.time_in_force),
    )


def _check_patch_money(state: State, old: Record, changes: OrderChanges, instrument: Instrument) -> None:
    """Buying power is held for the larger of the two orders; an exit must still fit the position."""
    qty = changes.order_qty if changes.order_qty is not None else old.qty or ZERO
    left = qty if state.settings.whole_successors else qty - old.carried - old.filled_qty
    if not old.reserve_px:
        others = [r for r in state.open.on(old.order.symbol, old.order.side) if r is not old]
        blocked, related = money.held(others)
        position = state.position(old.order.symbol)
        if old.parent is None and left > max(abs(position) - blocked, ZERO):
            raise too_few_units(
                symbol=outside(old.order.symbol), requested=left, available=max(abs(position) - blocked, ZERO),
                existing=position, related=related,
            )  # fmt: skip
        return
    unit = old.reserve_px if changes.price is None else changes.price * instrument.multiplier
    more = left * unit - old.reserved
    standing = state.standing()
    power = standing.buying_power if instrument.asset_class is AssetClass.EQUITY else standing.cash_power
    if more > power:
        raise too_little_money(buying_power=power, cost_basis=left * unit)


def _replace(state: State, old: Record, changes: OrderChanges, client_order_id: str | None) -> wire.Order:
    at, new_id = state.clock.stamp(), state.uuid()
    asked = _over_the_chain(state, old, changes)
    try:
        events = state.engine.replace(OrderId(old.id), asked, new_order_id=OrderId(new_id), at=at)
    except NotOpen as error:
        raise unprocessable("unable to replace order, order is not open") from error
    except BadOrder as error:
        raise unprocessable(str(error)) from error
    terms = state.engine.order(OrderId(new_id)).order
    instrument = state.market.instrument(terms.symbol)
    fresh = state.record(new_id, terms, instrument, client_order_id=client_order_id or state.uuid(), at=at)
    fresh.order_class, fresh.parent, fresh.legs, fresh.replaces = old.order_class, old.parent, old.legs, old.id
    fresh.qty = changes.order_qty if changes.order_qty is not None else old.qty
    fresh.carried = ZERO if state.settings.whole_successors else old.carried + old.filled_qty
    fresh.hwm, fresh.stop_px = old.hwm, terms.stop_px or state.engine.order(OrderId(new_id)).stop_px
    priced = changes.price is not None and old.reserve_px
    fresh.reserve_px = changes.price * instrument.multiplier if priced and changes.price else old.reserve_px
    _take_over(state, old, fresh)
    state.add(fresh)
    state.absorb(events)
    return as_received(state, fresh)


def _over_the_chain(state: State, old: Record, changes: OrderChanges) -> OrderChanges:
    """The changes as the engine takes them: its quantity is the total over all ids, so a whole successor asks for more."""
    qty = changes.order_qty if changes.order_qty is not None else old.qty
    if not state.settings.whole_successors or qty is None:
        return changes
    past = state.engine.order(OrderId(old.id))
    return replace(changes, order_qty=Quantity(qty + past.carried + past.cum_qty))


def _take_over(state: State, old: Record, fresh: Record) -> None:
    """The new order stands in its family where the old one stood."""
    for leg in fresh.legs:
        state.orders[leg].parent = fresh.id
    if old.parent is not None:
        family = state.orders[old.parent].legs
        family[family.index(old.id)] = fresh.id


# --- Cancel ----------------------------------------------------------------------------------------------------------


def delete_order(state: State, _request: Request, order_id: str) -> Reply:
    cancel(state, _known(state, order_id))
    return Reply(status=204)


def cancel(state: State, record: Record) -> None:
    """Ask, and have it: `pending_cancel`, then `canceled`.  Raises `Refused` for an order that is over."""
    if not record.is_open:
        raise unprocessable(f'order is already in "{record.status}" state')
    if record.status == "pending_replace":
        raise unprocessable('order is already in "pending_replace" state')
    at, before = state.clock.stamp(), record.status
    try:
        events = state.engine.cancel(OrderId(record.id), at=at)
    except NotOpen as error:
        record.status = before
        raise unprocessable(f'order is already in "{error.status}" state') from error
    record.status = "pending_cancel"
    state.announce("pending_cancel", record, at=at)
    state.absorb(events)


def delete_orders(state: State, _request: Request) -> Reply:
    return json_reply(cancel_all(state), status=207)


def cancel_all(state: State, symbol: str | None = None) -> list[dict[str, object]]:
    """Cancel what is open; one line an order."""
    answer: list[dict[str, object]] = []
    for record in state.open.all():
        if symbol is not None and record.order.symbol != symbol:
            continue
        line: dict[str, object] = {"id": record.id, "status": 200}
        try:
            if record.is_open and not (record.order_class == "mleg" and record.parent):
                cancel(state, record)
        except Refused as refused:
            line = {"id": record.id, "status": 500, "body": refused.body}
        answer.append(line)
    return answer
