"""Entering orders: every check the venue makes, its questions, then the engine.

https://www.interactivebrokers.com/campus/ibkr-api-page/cpapi-v1/#place-order
"""

from __future__ import annotations

from floorbroker_sim.http import Reply, Request, json_reply
from floorbroker_sim.ibkr_web.errors import order_error, taken_id
from floorbroker_sim.ibkr_web.rest import checks, families, preview
from floorbroker_sim.ibkr_web.rest.questions import Pending
from floorbroker_sim.ibkr_web.rest.records import Record, Wanted
from floorbroker_sim.ibkr_web.rest.state import State
from floorbroker_sim.ibkr_web.rest.tickets import tickets_in


def post_orders(state: State, request: Request, account: str) -> Reply:
    """Place one order, a bracket or a group: its rows, a question, or a refusal."""
    state.login.need_accounts()
    checks.account_of(state, account)
    wishes = [checks.wanted(state, ticket, account) for ticket in tickets_in(request)]
    _check_family(state, wishes)
    _check_ids(state, wishes)
    order_ids = [state.order_id() for _ in wishes]
    return state.desk.begin(
        Pending(
            client_id=wishes[0].client_id,
            order_id=order_ids[0],
            remaining=[one for wish in wishes for one in wish.questions],
            act=lambda: _enter(state, wishes, order_ids),
        )
    )


def _check_family(state: State, wishes: list[Wanted]) -> None:
    """Several tickets are a bracket or a group; a single child names a parent that is there."""
    head, others = wishes[0], wishes[1:]
    is_group = all(wish.in_group for wish in wishes)
    is_bracket = head.client_id is not None and all(wish.parent == head.client_id for wish in others)
    if others and not is_group and not is_bracket:
        raise order_error("Several orders in one request are a bracket or a group")
    if head.parent is not None:
        parent = state.find(head.parent)
        if parent is None or parent.account != head.account:
            raise order_error(f"The parent order {head.parent} doesn't exist")
        if not parent.is_open and parent.status != "Filled":
            raise order_error(f"The parent order {head.parent} is not active")


def _check_ids(state: State, wishes: list[Wanted]) -> None:
    seen: set[str] = set()
    for wish in wishes:
        if wish.client_id is not None and (wish.client_id in seen or state.is_taken(wish.client_id)):
            raise taken_id(wish.client_id)
        if wish.client_id is not None:
            seen.add(wish.client_id)


def _enter(state: State, wishes: list[Wanted], order_ids: list[int]) -> Reply:
    """All of it or nothing: the money of the first is looked at before any of them exists."""
    _check_ids(state, wishes)
    units = [preview.check_money(state, wish.account, wish.order) if wish.parent is None else None for wish in wishes]
    group = state.group() if any(wish.in_group for wish in wishes) else None
    records: list[Record] = []
    for wish, order_id, unit in zip(wishes, order_ids, units, strict=True):
        record = state.add(wish, order_id=order_id, at=state.clock.stamp())
        record.group = group if wish.in_group else None
        record.reserve_px = unit or record.reserve_px
        if wish.parent is not None:
            _adopt(state, record, wish.parent)
        records.append(record)
    for record in [r for r in records if not r.is_held]:
        families.submit(state, record)
    return json_reply([row(record) for record in records])


def _adopt(state: State, record: Record, name: str) -> None:
    """A child waits, unless its parent is filled by now."""
    parent = state.find(name)
    assert parent is not None
    record.parent = parent.id
    record.is_held = parent.status != "Filled"
    if record.is_held:
        record.status = "PreSubmitted"
        state.announce(record, record.created_at)


def row(record: Record) -> dict[str, str]:
    """The venue's answer for one order that it took."""
    return {"order_id": str(record.id), "order_status": record.status, "encrypt_message": "1"}
