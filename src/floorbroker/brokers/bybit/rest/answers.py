"""Responses of the endpoints: wire values, or what went wrong.

A reader of a command never lets an answer pass that is not about the order we sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from floorbroker.brokers.bybit import wire
from floorbroker.brokers.bybit.errors import code_error, command_error, envelope_of, read_error
from floorbroker.brokers.bybit.info import BROKER
from floorbroker.domain.errors import ApiError, FloorbrokerError, Outcome
from floorbroker.transport.types import Response

T = TypeVar("T")


def result(response: Response, *, what: str) -> wire.Reply:
    """The envelope of a command that the venue received.  Anything else is raised for what it says."""
    envelope = envelope_of(response)
    if response.status != 200 or envelope is None or envelope.ret_code != 0:
        raise command_error(response, what=what)
    return envelope


def accepted(response: Response, *, what: str, order_id: str | None, cl_ord_id: str | None) -> wire.Accepted:
    """The ids of an order that the venue received a command about.  Another order's prove nothing (UNKNOWN)."""
    envelope = result(response, what=what)
    found = wire.decode(envelope.result, wire.Accepted, what=f"the reply to {what}")
    if not found.order_id or _differs(found.order_id, order_id) or _differs(found.order_link_id, cl_ord_id):
        raise ApiError(f"the reply to {what} is about another order", broker=BROKER, outcome=Outcome.UNKNOWN)
    return found


def _differs(told: str, ours: str | None) -> bool:
    return ours is not None and told != ours


def batch(response: Response, cl_ord_ids: Sequence[str], *, what: str) -> list[wire.Accepted | FloorbrokerError]:
    """How each order of a batch fared, in the order of the request.  The batch itself succeeds even if all of them failed.

    An answer with fewer or other orders than were sent says nothing about any of them (UNKNOWN).
    """
    envelope = result(response, what=what)
    page = wire.decode(envelope.result, wire.Page[wire.Accepted], what=f"the reply to {what}")
    outcomes = wire.decode(envelope.ret_ext_info, wire.Outcomes, what=f"the reply to {what}").items or []
    items = page.items or []
    if not len(items) == len(outcomes) == len(cl_ord_ids):
        raise ApiError(f"the reply to {what} does not tell of each order", broker=BROKER, outcome=Outcome.UNKNOWN)
    rows = list(zip(items, outcomes, cl_ord_ids, strict=True))
    is_in_order = all(item.order_link_id in ("", ours) for item, _, ours in rows)
    return [_fared(item, outcome, ours, is_in_order=is_in_order, what=what) for item, outcome, ours in rows]


def _fared(
    item: wire.Accepted, outcome: wire.Outcome, cl_ord_id: str, *, is_in_order: bool, what: str
) -> wire.Accepted | FloorbrokerError:
    """An acceptance names its order.  A refusal need not, and then it is taken by its place, where the others are in theirs."""
    is_ours = item.order_link_id == cl_ord_id or (outcome.code != 0 and not item.order_link_id and is_in_order)
    if not is_ours or (outcome.code == 0 and not item.order_id):
        return ApiError(f"the reply to {what} is about another order", broker=BROKER, outcome=Outcome.UNKNOWN)
    return item if outcome.code == 0 else code_error(outcome.code, outcome.msg, what=what)


def cancelled(response: Response) -> list[wire.Accepted]:
    """The orders that a mass cancel was asked of."""
    envelope = result(response, what="the mass cancel")
    return wire.decode(envelope.result, wire.Page[wire.Accepted], what="the reply to the mass cancel").items or []


def answer(response: Response, kind: type[T], *, what: str) -> T:
    """The result of a read as `kind`."""
    envelope = envelope_of(response)
    if response.status != 200 or envelope is None or envelope.ret_code != 0:
        raise read_error(response, what=what)
    return wire.decode(envelope.result, kind, what=what)
