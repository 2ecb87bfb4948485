"""Batches: one answer for each order, in their order, twice - what became of it in `result`, its code in `retExtInfo`.

https://bybit-exchange.github.io/docs/v5/order/batch-place
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from floorbroker_sim.bybit import errors, info, wire
from floorbroker_sim.bybit.mapping import ms_text
from floorbroker_sim.bybit.rest import changes, entry, reading
from floorbroker_sim.bybit.rest.state import State

W = TypeVar("W", wire.CreateOrder, wire.AmendOrder, wire.CancelOrder)
Lists = tuple[dict[str, object], dict[str, object]]


def items(batch: wire.Batch) -> list[msgspec.Raw]:
    """The orders of a batch.  Raises `Refused` for none, and for too many."""
    category, found = reading.known_category(batch.category), batch.request or []
    if not 1 <= len(found) <= info.BATCH_MAX[category]:
        raise errors.parameter("params error: the size of request is out of range")
    return found


def create_batch(state: State, batch: wire.Batch, passed: int) -> Lists:
    return _each(state, batch, wire.CreateOrder, entry.create, passed, is_create=True)


def amend_batch(state: State, batch: wire.Batch, passed: int) -> Lists:
    return _each(state, batch, wire.AmendOrder, changes.amend, passed)


def cancel_batch(state: State, batch: wire.Batch, passed: int) -> Lists:
    return _each(state, batch, wire.CancelOrder, changes.cancel, passed)


def _each(
    state: State,
    batch: wire.Batch,
    kind: type[W],
    act: Callable[[State, W], dict[str, object]],
    passed: int,
    *,
    is_create: bool = False,
) -> Lists:
    """The first `passed` are acted on; the rest is beyond the limit."""
    results: list[dict[str, object]] = []
    codes: list[dict[str, object]] = []
    for number, raw in enumerate(items(batch)):
        line: dict[str, object] = {"category": batch.category, "symbol": "", "orderId": "", "orderLinkId": ""}
        code, message = 0, "OK"
        try:
            wish = msgspec.structs.replace(reading.body(bytes(raw), kind), category=batch.category)
            line |= {"symbol": wish.symbol, "orderLinkId": wish.order_link_id or ""}
            if number >= passed:
                raise errors.too_many()
            line |= act(state, wish)
        except errors.Refused as refused:
            code, message = refused.code, refused.message
        if is_create:
            line["createAt"] = "" if code else ms_text(state.clock.now())
        results.append(line)
        codes.append({"code": code, "msg": message})
    return {"list": results}, {"list": codes}
