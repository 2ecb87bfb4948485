"""Orders, their executions and their facts as JSON."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from floorbroker.api.views.shape import View, plain, text, when, word
from floorbroker.domain.facts import Fact
from floorbroker.domain.orders import Execution, Order
from floorbroker.domain.ports import FactEntry, Record
from floorbroker.domain.values import text_of, time_text
from floorbroker.gateway.desk import CancelledAll, Fill
from floorbroker.gateway.routing.parents import Parent, PlannedPart
from floorbroker.gateway.routing.record import RouteRecord, Seen
from floorbroker.gateway.routing.shown import NOT_ROUTED, OrderRoute


class ExecutionView(View, frozen=True):
    """One execution: `quantity` units at `price`."""

    exec_id: str
    order_id: str | None
    symbol: str
    side: str
    quantity: str
    price: str
    time: str
    fee: str | None
    fee_currency: str | None
    version: int
    synthetic: bool


class TakeProfitView(View, frozen=True):
    """The winning exit of a group."""

    limit_price: str


class StopLossView(View, frozen=True):
    """The losing exit of a group."""

    stop_price: str
    limit_price: str | None


class LegView(View, frozen=True):
    """One leg of a multi-leg order."""

    symbol: str
    side: str
    ratio_qty: str
    position_intent: str | None


class CandidateView(View, frozen=True):
    """One profile as a route saw it: `reason` is why it stood there or was dropped, `arithmetic` the numbers of its score."""

    profile: str
    taken: bool
    reason: str
    score: str | None
    arithmetic: dict[str, str]


class PartView(View, frozen=True):
    """One part of an order that is split, as it is planned: `profile` is to have `quantity` units; `arithmetic` says why.

    `left` is why it got no order; empty otherwise.
    """

    part: int
    profile: str
    quantity: str
    arithmetic: dict[str, str]
    left: str = ""


class ChildView(View, frozen=True):
    """One child of a split order as it stands; a part whose child moved on has several."""

    id: str
    part: int
    profile: str
    ord_status: str
    quantity: str | None
    cum_qty: str
    leaves_qty: str | None
    avg_px: str | None
    reject_reason: str | None


class RouteView(View, frozen=True):
    """Why an order went where it went.  `tried` are the profiles it has been at, `moves` how often it moved on.

    `parts` are there where it was split.
    """

    rule: str
    strategy: str
    reason: str
    candidates: tuple[CandidateView, ...]
    moves: int
    tried: tuple[str, ...]
    parts: tuple[PartView, ...] = ()


class OrderView(View, frozen=True):
    """A stored order.  `id` is ours, `order_id` the venue's; `quantity == cum_qty + leaves_qty` while it works.

    `ord_status` is `unknown` while nobody can tell what became of it; `evidence` says why.  `alerts` are contradictions kept
    for people.  `version` is what the ETag carries.  `routing` comes where one order is shown, and one that named no profile:
    `moved_from` was proven dead before this one took its place, `moved_to` took the place of this one; while `moving`, it is dead
    and may be given to another broker any moment: do not place it anew.

    An order that was split over several brokers has `children`, is at no profile (`*`), and is their sum: `leaves_qty` is what
    may still fill, and what was refused or never sent is in neither number.  A child names it in `split_of`.
    """

    id: str
    cl_ord_id: str
    order_id: str | None
    profile: str
    ord_status: str
    symbol: str
    side: str
    type: str
    quantity: str | None
    notional: str | None
    limit_price: str | None
    stop_price: str | None
    trail_price: str | None
    trail_percent: str | None
    time_in_force: str
    expire_at: str | None
    order_class: str
    take_profit: TakeProfitView | None
    stop_loss: StopLossView | None
    legs: tuple[LegView, ...]
    position_intent: str | None
    extended_hours: bool
    reduce_only: bool
    post_only: bool
    display_quantity: str | None
    cum_qty: str
    leaves_qty: str | None
    avg_px: str | None
    route: str
    strategy: str
    reason: str
    client_tag: str
    is_open: bool
    in_doubt: bool
    pending_cancel: bool
    pending_replace: bool
    presumed: bool
    done_for_day: bool
    external: bool
    parent_id: str | None
    reject_reason: str | None
    venue_text: str | None
    evidence: tuple[str, ...]
    alerts: tuple[str, ...]
    fills: tuple[ExecutionView, ...]
    version: int
    created_at: str
    updated_at: str
    routing: RouteView | None
    moved_from: str | None
    moved_to: str | None
    moving: bool
    split_of: str | None
    children: tuple[ChildView, ...]


def execution_view(execution: Execution) -> ExecutionView:
    return ExecutionView(
        exec_id=execution.exec_id,
        order_id=execution.order_id,
        symbol=execution.symbol,
        side=execution.side.value,
        quantity=text_of(execution.last_qty),
        price=text_of(execution.last_px),
        time=time_text(execution.transact_time),
        fee=None if execution.fee is None else text_of(execution.fee.amount),
        fee_currency=None if execution.fee is None else execution.fee.currency,
        version=execution.version,
        synthetic=execution.synthetic,
    )


def candidate_view(seen: Seen) -> CandidateView:
    """One candidate of a route."""
    return CandidateView(
        profile=seen.profile,
        taken=seen.taken,
        reason=seen.reason,
        score=seen.score or None,
        arithmetic=dict(seen.arithmetic),
    )


def _route_view(record: RouteRecord) -> RouteView:
    return RouteView(
        rule=record.rule,
        strategy=record.strategy,
        reason=record.reason,
        candidates=tuple(candidate_view(seen) for seen in record.seen),
        moves=record.journey.moves,
        tried=record.journey.tried,
    )


def part_view(part: PlannedPart, left: str = "") -> PartView:
    """One part of a plan."""
    return PartView(
        part=part.number, profile=part.profile, quantity=text_of(part.qty), arithmetic=dict(part.arithmetic), left=left
    )


def _split_view(parent: Parent) -> RouteView:
    return RouteView(
        rule=parent.rule,
        strategy=parent.strategy,
        reason=parent.reason,
        candidates=tuple(candidate_view(seen) for seen in parent.seen),
        moves=0,
        tried=tuple(dict.fromkeys(child.profile for child in parent.children)),
        parts=tuple(part_view(part, parent.left.get(part.number, "")) for part in parent.parts),
    )


def _routing_view(route: OrderRoute) -> RouteView | None:
    if route.split is not None:
        return _split_view(route.split)
    return None if route.record is None else _route_view(route.record)


def _children_views(route: OrderRoute) -> tuple[ChildView, ...]:
    numbers = {} if route.split is None else {child.intent_id: child.number for child in route.split.children}
    return tuple(
        ChildView(
            id=child.intent_id,
            part=numbers[child.intent_id],
            profile=child.profile,
            ord_status=child.ord_status.value,
            quantity=text(child.order_qty),
            cum_qty=text_of(child.cum_qty),
            leaves_qty=text(child.leaves_qty),
            avg_px=text(child.avg_px),
            reject_reason=child.reject_reason,
        )
        for child in route.children
    )


def order_view(order: Order, route: OrderRoute = NOT_ROUTED) -> OrderView:
    """The order as the door shows it: what was asked for, where it stands, and what is known."""
    terms, stop = order.terms, order.terms.stop_loss
    return OrderView(
        id=order.intent_id,
        cl_ord_id=order.cl_ord_id,
        order_id=order.order_id,
        profile=order.profile,
        ord_status=order.ord_status.value,
        symbol=terms.symbol,
        side=terms.side.value,
        type=terms.order_type.value,
        quantity=text(order.order_qty),
        notional=text(terms.notional),
        limit_price=text(order.price),
        stop_price=text(order.stop_px),
        trail_price=text(terms.trail_amount),
        trail_percent=text(terms.trail_percent),
        time_in_force=order.tif.value,
        expire_at=when(terms.expire_at),
        order_class=terms.order_class.value,
        take_profit=None if terms.take_profit is None else TakeProfitView(limit_price=text_of(terms.take_profit)),
        stop_loss=None
        if stop is None
        else StopLossView(stop_price=text_of(stop.stop_px), limit_price=text(stop.price)),
        legs=tuple(
            LegView(
                symbol=leg.symbol,
                side=leg.side.value,
                ratio_qty=text_of(leg.ratio_qty),
                position_intent=word(leg.position_intent),
            )
            for leg in terms.legs
        ),
        position_intent=word(terms.position_intent),
        extended_hours=terms.extended_hours,
        reduce_only=terms.reduce_only,
        post_only=terms.post_only,
        display_quantity=text(terms.display_qty),
        cum_qty=text_of(order.cum_qty),
        leaves_qty=text(order.leaves_qty),
        avg_px=text(order.avg_px),
        route=order.route,
        strategy=terms.strategy,
        reason=terms.reason,
        client_tag=terms.client_tag,
        is_open=order.is_open,
        in_doubt=order.in_doubt,
        pending_cancel=order.pending_cancel,
        pending_replace=order.pending_replace,
        presumed=order.presumed,
        done_for_day=order.done_for_day,
        external=order.external,
        parent_id=order.parent_id,
        reject_reason=order.reject_reason,
        venue_text=order.venue_text,
        evidence=order.evidence,
        alerts=order.alerts,
        fills=tuple(execution_view(e) for e in order.executions),
        version=order.version,
        created_at=time_text(order.created_at),
        updated_at=time_text(order.updated_at),
        routing=_routing_view(route),
        moved_from=route.moved_from,
        moved_to=route.moved_to,
        moving=route.moving,
        split_of=route.record.part.parent if route.record is not None and route.record.part is not None else None,
        children=_children_views(route),
    )


class CancelledView(OrderView, frozen=True):
    """An order that was asked to be cancelled; `cancel_refused` says why that did not get through, and is empty when it did."""

    cancel_refused: str


def cancelled_views(done: CancelledAll) -> list[CancelledView]:
    """One view for each order, with what became of its own cancel."""
    views = [(order.intent_id, order_view(order)) for order in done.orders]
    return [
        CancelledView(
            **{name: getattr(view, name) for name in OrderView.__struct_fields__},
            cancel_refused=f"{refused.code}: {refused.venue_text or refused.detail}"
            if (refused := done.refused.get(intent_id)) is not None
            else "",
        )
        for intent_id, view in views
    ]


class FillView(View, frozen=True):
    """One execution with the order and profile it belongs to."""

    id: str
    profile: str
    strategy: str
    exec_id: str
    order_id: str | None
    symbol: str
    side: str
    quantity: str
    price: str
    time: str
    fee: str | None
    fee_currency: str | None
    synthetic: bool


def fill_view(fill: Fill) -> FillView:
    seen = execution_view(fill.execution)
    return FillView(
        id=fill.intent_id,
        profile=fill.profile,
        strategy=fill.strategy,
        exec_id=seen.exec_id,
        order_id=seen.order_id,
        symbol=seen.symbol,
        side=seen.side,
        quantity=seen.quantity,
        price=seen.price,
        time=seen.time,
        fee=seen.fee,
        fee_currency=seen.fee_currency,
        synthetic=seen.synthetic,
    )


class FactView(View, frozen=True):
    """One fact of an order's life as committed: `seq` is its place in the journal, `data` its own members."""

    seq: int
    epoch: int
    committed_at: str
    kind: str
    source: str
    at: str
    venue_time: str | None
    data: dict[str, Any]


def fact_view(record: Record) -> FactView | None:
    """None for records that are no facts."""
    if not isinstance(record.entry, FactEntry):
        return None
    fact = record.entry.fact
    common = {f.name for f in fields(Fact)}
    return FactView(
        seq=record.seq,
        epoch=record.epoch,
        committed_at=time_text(record.at),
        kind=fact.kind,
        source=fact.source.value,
        at=time_text(fact.at),
        venue_time=when(fact.venue_time),
        data={f.name: plain(getattr(fact, f.name)) for f in fields(fact) if f.name not in common},
    )
