"""What becomes of placed orders: change, cancel, and the books of the day.

https://upstox.com/developer/api-documentation/v3/modify-order and its neighbours
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from floorbroker_sim.http import Reply, json_reply
from floorbroker_sim.upstox import info
from floorbroker_sim.upstox.errors import Refused, entry
from floorbroker_sim.upstox.mapping import order_object, trade_object
from floorbroker_sim.upstox.rest import checks, life, sandbox
from floorbroker_sim.upstox.rest.answers import Call, ok, timed
from floorbroker_sim.upstox.rest.reading import body_of, order_id_of
from floorbroker_sim.upstox.rest.records import Order, Position, Terms
from floorbroker_sim.upstox.wire import ModifyWish

if TYPE_CHECKING:
    from floorbroker_sim.upstox.rest.state import State


def modify_v3(state: State, call: Call) -> Reply:
    return timed({"order_id": _modified(state, call)})


def modify_v2(state: State, call: Call) -> Reply:
    return ok({"order_id": _modified(state, call)})


def _modified(state: State, call: Call) -> str:
    wish = body_of(call.request, ModifyWish)
    order_id = order_id_of(wish.order_id, missing="UDAPI1003")
    order = sandbox.find(state, order_id) if call.is_sandbox else find(state, order_id)
    if not order.is_open:
        raise Refused("UDAPI100041", path="order_id", value=order_id)
    terms = checks.changed_terms(state, order, wish)
    if order.sandbox:
        order.terms = terms
    else:
        life.modify(state, order, terms)
    return order_id


def cancel_v3(state: State, call: Call) -> Reply:
    return timed({"order_id": _canceled(state, call)})


def cancel_v2(state: State, call: Call) -> Reply:
    return ok({"order_id": _canceled(state, call)})


def _canceled(state: State, call: Call) -> str:
    order_id = order_id_of(call.query.get("order_id"))
    if call.is_sandbox:
        sandbox.cancel(sandbox.find(state, order_id))
        return order_id
    order = find(state, order_id)
    if not order.is_open or not life.cancel(state, order):
        raise Refused("UDAPI100040", path="order_id", value=order_id)
    return order_id


def find(state: State, order_id: str) -> Order:
    """An order of the day.  Raises `Refused`."""
    found = state.orders.get(order_id)
    if found is None:
        raise Refused("UDAPI100010", path="order_id", value=order_id)
    return found


# --- Several at once ---------------------------------------------------------------------------------------------------


def cancel_multi(state: State, call: Call) -> Reply:
    """Cancel what is open, of a segment, of a tag, or all."""
    segment, tag = _scope(call)
    found = [
        one for one in state.open.values() if segment in {None, one.listed.segment} and tag in {None, one.terms.tag}
    ]
    if not found:
        raise Refused("UDAPI1109")
    if len(found) > info.MAX_BULK:
        raise Refused("UDAPI1121", value=len(found))
    done, failed = list[str](), list[dict[str, object]]()
    for order in found:
        if life.cancel(state, order):
            done.append(order.id)
        else:
            failed.append(entry(Refused("UDAPI100040"), order_id=order.id, instrument_key=order.listed.key))
    return _bulk_reply(done, failed)


def exit_positions(state: State, call: Call) -> Reply:
    """Close what is open with orders at the market, buys first."""
    segment, tag = _scope(call)
    if not state.is_open():
        raise Refused("UDAPI1113")
    found = [one for one in state.positions.values() if one.quantity and segment in {None, one.listed.segment}]
    found = [one for one in found if tag is None or _tagged(state, one, tag)]
    found = [one for one in found if one.quantity > 0 or one.product != "D" or one.listed.is_option]
    if not found:
        raise Refused("UDAPI1111")
    ids = [order.id for one in sorted(found, key=lambda p: p.quantity > 0) for order in close(state, one, tag)]
    return _bulk_reply(ids, [])


def close(state: State, position: Position, tag: str | None = None) -> list[Order]:
    """Orders that close a position, no larger than the exchange takes."""
    left, orders = abs(position.quantity), list[Order]()
    side = "SELL" if position.quantity > 0 else "BUY"
    while left:
        size = min(left, position.listed.freeze)
        terms = Terms(
            quantity=size, product=position.product, validity="DAY", order_type="MARKET", side=side, tag=tag
        )  # fmt: skip
        order = life.create(state, position.listed, terms)
        life.begin(state, order)
        orders.append(order)
        left -= size
    return orders


def _tagged(state: State, position: Position, tag: str) -> bool:
    return any(
        one.order.terms.tag == tag
        and one.order.listed is position.listed
        and one.order.terms.product == position.product
        for one in state.executions
    )


def _scope(call: Call) -> tuple[str | None, str | None]:
    segment, tag = call.query.get("segment") or None, call.query.get("tag") or None
    if segment is not None and segment not in info.SEGMENTS:
        raise Refused("UDAPI1105", path="segment", value=segment)
    return segment, tag


def _bulk_reply(done: list[str], failed: list[dict[str, object]]) -> Reply:
    status = "success" if not failed else "partial_success" if done else "error"
    summary = {"total": len(done) + len(failed), "success": len(done), "error": len(failed)}
    body = {"status": status, "data": {"order_ids": done}, "errors": failed or None, "summary": summary}
    return json_reply(body, status=200 if done else 400, exact_numbers=True)


# --- Books -------------------------------------------------------------------------------------------------------------


def get_book(state: State, _call: Call) -> Reply:
    return ok([order_object(order) for order in state.orders.values()])


def get_details(state: State, call: Call) -> Reply:
    return ok(order_object(find(state, order_id_of(call.query.get("order_id")))))


def get_history(state: State, call: Call) -> Reply:
    """One line for each state; of an order, of everything with a tag, or of an order that has the tag."""
    order_id, tag = call.query.get("order_id"), call.query.get("tag")
    if not order_id and not tag:
        raise Refused("UDAPI100059")
    wanted = [find(state, order_id_of(order_id))] if order_id else list(state.orders.values())
    found = [order for order in wanted if not tag or order.terms.tag == tag]
    if not found:
        raise Refused("UDAPI100010", path="tag", value=tag)
    return ok([row for order in found for row in order.history])


def get_trades(state: State, call: Call) -> Reply:
    order = find(state, order_id_of(call.query.get("order_id")))
    return ok([trade_object(one) for one in state.executions if one.order is order])


def get_day_trades(state: State, _call: Call) -> Reply:
    return ok([trade_object(one) for one in state.executions])
