"""Placing, watching, changing and cancelling orders."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Path, Query, Request, Response

from floorbroker.api.body import read_json
from floorbroker.api.door import CallerDep, DeskDep, NoQuery, reply
from floorbroker.api.listing import list_reply, page_of
from floorbroker.api.openapi import ACTING, VENUE, WITH_BODY, problems, reads, returns, returns_list
from floorbroker.api.params import CancelQuery, PagedQuery
from floorbroker.api.problems import of_submitted, reply_with
from floorbroker.api.views.orders import CancelledView, FactView, OrderView, cancelled_views, fact_view, order_view
from floorbroker.api.views.previews import PreviewView, ValidationView, preview_view, validation_view
from floorbroker.domain.errors import FieldError, InvalidRequest
from floorbroker.domain.orders import Order
from floorbroker.domain.values import Environment, OrdStatus, ProfileName, time_text
from floorbroker.gateway.desk import Caller, Desk, Submitted
from floorbroker.oms.schema import ChangeSchema, OrderSchema, parse_changes, parse_order
from floorbroker.oms.soundness import check_trail

router = APIRouter(prefix="/{env}/orders", tags=["Orders"])
OrderId = Annotated[str, Path(max_length=128, description="Our id of the order, or its client order id.")]
IfNoneMatch = Annotated[str | None, Header(max_length=200, description="Answers 304 when the order is this version.")]
IfMatch = Annotated[str | None, Header(max_length=200, description="Acts only when the order is this version.")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        description="1 to 128 printable characters, one per wish: a repeat returns the same order.  Required in live.",
        json_schema_extra={"pattern": "^[!-~]([ -~]{0,126}[!-~])?$"},
    ),
]
PRINTABLE = re.compile(r"[!-~](?:[ -~]{0,126}[!-~])?")
ETAG = {"ETag": "The version of the order.", "Location": "Where the order lives."}
REPLAYED = ETAG | {"Idempotency-Replayed": "`true`: the key had placed this order before."}
PLACED = (
    returns(OrderView, "The key had placed this order before.", headers=REPLAYED)
    | returns(OrderView, "The order is stored, and sent.", status=201, headers=ETAG)
    | returns(OrderView, "It left and no answer came: do not repeat it, watch it.", status=202, headers=REPLAYED)
)


def _etag(order: Order) -> str:
    return f'"{order.version}"'


def _order_reply(desk: Desk, order: Order, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return reply(
        order_view(order, desk.route_of(order)), status=status, headers={"ETag": _etag(order)} | (headers or {})
    )


def _place(request: Request, order: Order) -> str:
    return f"{request.scope['path'].rpartition('/orders')[0]}/orders/{order.intent_id}"


def key_of(raw: str | None, environment: Environment) -> str | None:
    """A usable idempotency key.  Raises `InvalidRequest` (400): a missing one in live, an unprintable one anywhere."""
    if raw is None and environment is not Environment.LIVE:
        return None
    if raw is None or not PRINTABLE.fullmatch(raw):
        detail = "send an Idempotency-Key of 1 to 128 printable characters, a fresh one for each order"
        wrong = FieldError(
            pointer="/headers/Idempotency-Key", code="missing" if raw is None else "not_valid", detail=detail
        )
        raise InvalidRequest(detail, fields=(wrong,), status_hint=400)
    return raw


def _submitted(request: Request, desk: Desk, done: Submitted) -> Response:
    """201 for a new order, 200 for a replay, 202 for an order in doubt, a problem for one that the venue did not take."""
    order = done.order
    headers = {"Location": _place(request, order)} | ({"Idempotency-Replayed": "true"} if done.replayed else {})
    if order.ord_status is OrdStatus.UNKNOWN:
        return _order_reply(desk, order, status=202, headers=headers)
    refused = of_submitted(request, order)
    if refused is not None:
        return reply_with(refused, headers)
    return _order_reply(desk, order, status=200 if done.replayed else 201, headers=headers)


async def place(request: Request, env: Environment, desk: Desk, caller: Caller, raw_key: str | None) -> Response:
    """Place the order in the body, at most once."""
    key = key_of(raw_key, env)
    wish = parse_order(await read_json(request))
    profile = None if wish.profile is None else ProfileName(wish.profile)
    done = await desk.submit(wish, profile=profile, caller=caller, key=key, body_hash=wish.digest())
    return _submitted(request, desk, done)


@router.post(
    "",
    operation_id="submit_order",
    dependencies=[NoQuery],
    status_code=201,
    responses=PLACED | problems(*WITH_BODY, *ACTING, *VENUE),
    openapi_extra=reads(OrderSchema),
)
async def submit_order(
    request: Request, env: Environment, desk: DeskDep, caller: CallerDep, idempotency_key: IdempotencyKey = None
) -> Response:
    """Place one order, at most once.

    A submit that ends without an answer is 202 with `ord_status` `unknown`: it is being found out, and must not be repeated.
    """
    return await place(request, env, desk, caller, idempotency_key)


@router.get("", operation_id="list_orders", responses=returns_list(OrderView, "Orders, newest first.") | problems())
async def list_orders(request: Request, desk: DeskDep, query: Annotated[PagedQuery, Query()]) -> Response:
    """Orders by filter, a page at a time."""
    return orders_page(request, desk, query, profile=None)


def orders_page(request: Request, desk: Desk, query: PagedQuery, *, profile: ProfileName | None) -> Response:
    """A page of orders of one profile or all."""
    page, following = page_of(
        lambda page: desk.orders(query.where(profile), page),
        key=lambda order: (time_text(order.created_at), order.intent_id),
        limit=query.limit,
        cursor=query.cursor,
        newest_first=query.newest_first,
    )
    return list_reply(request, [order_view(order) for order in page], following)


@router.delete(
    "",
    operation_id="cancel_orders",
    responses=returns_list(CancelledView, "The orders that were asked to be cancelled, each with its own answer.")
    | problems(*ACTING, *VENUE),
)
async def cancel_orders(
    request: Request, desk: DeskDep, caller: CallerDep, query: Annotated[CancelQuery, Query()]
) -> Response:
    """Cancel every open order the filter finds; without a filter, all of them."""
    done = await desk.cancel_all(query.where(), caller=caller, reason=query.reason)
    return list_reply(request, cancelled_views(done), None)


@router.post(
    "/validate",
    operation_id="validate_order",
    dependencies=[NoQuery],
    responses=returns(ValidationView, "The order is well formed.") | problems(*WITH_BODY, *VENUE),
    openapi_extra=reads(OrderSchema),
)
async def validate_order(request: Request, desk: DeskDep, caller: CallerDep) -> Response:
    """Everything that stands against an order at once: every control and the venue's rules.  Nothing is reserved or sent."""
    wish = parse_order(await read_json(request))
    profile = None if wish.profile is None else ProfileName(wish.profile)
    return reply(validation_view(await desk.preview(wish, profile=profile, caller=caller), wish.digest()))


@router.post(
    "/preview",
    operation_id="preview_order",
    dependencies=[NoQuery],
    responses=returns(PreviewView, "What the order would meet.") | problems(*WITH_BODY, *VENUE),
    openapi_extra=reads(OrderSchema),
)
async def preview_order(request: Request, desk: DeskDep, caller: CallerDep) -> Response:
    """Every control's verdict, the venue's objections, cost and margin; nothing is reserved, nothing is sent."""
    wish = parse_order(await read_json(request))
    profile = None if wish.profile is None else ProfileName(wish.profile)
    return reply(preview_view(await desk.preview(wish, profile=profile, caller=caller)))


@router.get(
    "/{id}",
    operation_id="get_order",
    dependencies=[NoQuery],
    responses=returns(OrderView, "The order.", headers={"ETag": ETAG["ETag"]})
    | {304: {"description": "It is still the version that If-None-Match names."}}
    | problems(),
)
async def get_order(desk: DeskDep, id: OrderId, if_none_match: IfNoneMatch = None) -> Response:
    """One order, by our id or its client order id."""
    order = desk.order(id)
    if _names(if_none_match, order):
        return Response(status_code=304, headers={"ETag": _etag(order)})
    return _order_reply(desk, order)


def _names(header: str | None, order: Order) -> bool:
    """Whether an If-Match or If-None-Match header names the order's version."""
    tags = [tag.strip().removeprefix("W/") for tag in (header or "").split(",")]
    return "*" in tags or _etag(order) in tags


def _checked(desk: Desk, id: str, if_match: str | None) -> Order:
    order = desk.order(id)
    if if_match is not None and not _names(if_match, order):
        raise HTTPException(412, f"the order is version {order.version} by now: read it again")
    return order


@router.patch(
    "/{id}",
    operation_id="modify_order",
    dependencies=[NoQuery],
    responses=returns(OrderView, "The order after the change.", headers={"ETag": ETAG["ETag"]})
    | returns(OrderView, "The change was asked for; the venue has not confirmed it.", status=202)
    | problems(*WITH_BODY, *ACTING, *VENUE, 412),
    openapi_extra=reads(ChangeSchema),
)
async def modify_order(
    request: Request, desk: DeskDep, caller: CallerDep, id: OrderId, if_match: IfMatch = None
) -> Response:
    """Change quantity, prices or time in force of a working order."""
    changes = parse_changes(await read_json(request))
    order = _checked(desk, id, if_match)
    check_trail(changes, order.terms)
    order = await desk.modify(order.intent_id, changes.to_changes(), caller=caller)
    return _order_reply(desk, order, status=202 if order.pending_replace else 200)


@router.delete(
    "/{id}",
    operation_id="cancel_order",
    dependencies=[NoQuery],
    responses=returns(OrderView, "The order after the cancel.", headers={"ETag": ETAG["ETag"]})
    | returns(OrderView, "The cancel was asked for; the venue has not confirmed it.", status=202)
    | problems(*ACTING, *VENUE, 412),
)
async def cancel_order(desk: DeskDep, caller: CallerDep, id: OrderId, if_match: IfMatch = None) -> Response:
    """Ask the venue to cancel.  A fill that crosses the cancel is kept."""
    order = await desk.cancel(_checked(desk, id, if_match).intent_id, caller=caller)
    return _order_reply(desk, order, status=202 if order.is_open else 200)


@router.get(
    "/{id}/events",
    operation_id="list_order_events",
    dependencies=[NoQuery],
    responses=returns_list(FactView, "The facts of the order, oldest first.") | problems(),
)
async def list_order_events(request: Request, desk: DeskDep, id: OrderId) -> Response:
    """Everything that is known about the order, with source and time."""
    records = desk.order_records(desk.order(id).intent_id)
    return list_reply(request, [view for view in map(fact_view, records) if view is not None], None)
