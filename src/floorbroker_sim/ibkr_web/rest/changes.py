"""Changing and cancelling orders that exist.

https://www.interactivebrokers.com/campus/ibkr-api-page/cpapi-v1/#modify-order
"""

from __future__ import annotations

from dataclasses import replace

from floorbroker.domain.orders import NewOrder, OrderChanges
from floorbroker.domain.values import OrderId
from floorbroker.matching import BadOrder, NotOpen
from floorbroker_sim.http import Reply, Request, json_reply
from floorbroker_sim.ibkr_web import wire
from floorbroker_sim.ibkr_web.errors import no_such_order, order_error
from floorbroker_sim.ibkr_web.rest import checks, families, preview
from floorbroker_sim.ibkr_web.rest.entry import row
from floorbroker_sim.ibkr_web.rest.questions import Pending
from floorbroker_sim.ibkr_web.rest.reading import body
from floorbroker_sim.ibkr_web.rest.records import Record, Wanted
from floorbroker_sim.ibkr_web.rest.state import State

_ALL = "-1"
_ONE_STEP_OF_SIZE = 2  # a quantity that grows beyond this many times the old one is asked about


def post_order(state: State, request: Request, account: str, order_id: str) -> Reply:
    """Modify: one ticket with every member of the original, the changed ones new."""
    state.login.need_accounts()
    record = _known(state, account, order_id)
    _check_open(record)
    wish = checks.wanted(state, body(request, wire.Ticket), account)
    _check_same(record, wish)
    questions = [one for one in wish.questions if one != "o2137"]
    if record.qty and wish.order.order_qty and wish.order.order_qty > record.qty * _ONE_STEP_OF_SIZE:
        questions.append("o10138")
    return state.desk.begin(
        Pending(
            client_id=record.client_id,
            order_id=record.id,
            remaining=questions,
            act=lambda: _modify(state, record, wish),
        )
    )


def _known(state: State, account: str, order_id: str) -> Record:
    checks.account_of(state, account)
    record = state.find(order_id) if order_id.isdigit() else None
    if record is None or record.account != account:
        raise no_such_order(order_id)
    return record


def _check_open(record: Record) -> None:
    if not record.is_open:
        raise order_error(f"Order {record.id} is not active, its status is {record.status}")


def _check_same(record: Record, wish: Wanted) -> None:
    """What no change may touch."""
    if (record.conid, record.conidex.partition("@")[0]) != (wish.conid, wish.conidex.partition("@")[0]):
        raise order_error("The contract of an order cannot be changed")
    if record.side is not wish.side or record.kind != wish.kind:
        raise order_error("Side and type of an order cannot be changed")
    if wish.client_id is not None and wish.client_id != record.client_id:
        raise order_error("The local order ID of an order cannot be changed")
    if (record.order.notional is None) != (wish.order.notional is None):
        raise order_error("The size of an order cannot change its kind")


def _modify(state: State, record: Record, wish: Wanted) -> Reply:
    _check_open(record)
    if record.parent is None and not record.is_combination:
        _check_growth(state, record, wish.order)
    if record.is_held:
        record.order = wish.order
        state.announce(record, state.clock.stamp())
        return json_reply([row(record)])
    changes = _changes(record.order, wish.order)
    if changes == OrderChanges():
        return json_reply([row(record)])
    try:
        events = state.engine.replace(OrderId(str(record.id)), changes, at=state.clock.stamp())
    except (BadOrder, NotOpen) as error:
        raise order_error(f"Order {record.id} cannot be modified: {error}") from error
    record.tif = wish.tif
    state.absorb(events)
    return json_reply([row(record)])


def _check_growth(state: State, record: Record, terms: NewOrder) -> None:
    """The account carries what the new terms want beyond the old ones."""
    kept, record.reserve_px = record.reserve_px, record.reserve_px * 0
    left = (
        terms
        if terms.order_qty is None
        else replace(terms, order_qty=type(terms.order_qty)(terms.order_qty - record.filled))
    )
    try:
        unit = preview.check_money(state, record.account, left) if (left.order_qty or 1) > 0 else kept
    finally:
        record.reserve_px = kept
    record.reserve_px = unit


def _changes(old: NewOrder, new: NewOrder) -> OrderChanges:
    """What differs, as the engine takes it."""
    trail_old, trail_new = old.trail_amount or old.trail_percent, new.trail_amount or new.trail_percent
    return OrderChanges(
        order_qty=new.order_qty if new.order_qty != old.order_qty else None,
        price=new.price if new.price != old.price else None,
        stop_px=new.stop_px if new.stop_px != old.stop_px else None,
        trail=trail_new if trail_new != trail_old else None,
        tif=new.tif if new.tif is not old.tif else None,
    )


# --- Cancel ----------------------------------------------------------------------------------------------------------


def delete_order(state: State, _request: Request, account: str, order_id: str) -> Reply:
    """Ask for the end of one order, or of all with `-1`.  The answer says that it was asked for, no more."""
    state.login.need_accounts()
    if order_id == _ALL:
        checks.account_of(state, account)
        for record in [r for r in state.open.values() if r.account == account]:
            cancel(state, record)
        return json_reply({"msg": "Request was submitted", "order_id": -1, "conid": -1, "account": None})
    record = _known(state, account, order_id)
    _check_open(record)
    cancel(state, record)
    return json_reply(
        {"msg": "Request was submitted", "order_id": record.id, "conid": record.conid, "account": record.account}
    )


def cancel(state: State, record: Record) -> None:
    """First the wish is known, then its end."""
    if not record.is_open:
        return
    if not record.is_held:
        record.status = "PendingCancel"
        state.announce(record, state.clock.stamp())
    families.end(state, record, reason="user")
