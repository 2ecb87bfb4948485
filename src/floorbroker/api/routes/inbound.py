"""Where signals come in: one address a hook, open to whoever has its secret."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Header, Path, Request, Response
from starlette.exceptions import HTTPException

from floorbroker.api.body import BODY_TIMEOUT_S
from floorbroker.api.door import DoorDep, NoQuery, reply
from floorbroker.api.openapi import ACTING, VENUE, WITH_BODY, problems, returns
from floorbroker.api.problems import request_id_of
from floorbroker.api.views.hooks import ReceivedView
from floorbroker.domain.errors import NotFound
from floorbroker.hooks.inbox import Unauthorized
from floorbroker.hooks.signing import HEADER

router = APIRouter(prefix="/hooks", tags=["Webhooks"], dependencies=[NoQuery])
BODY = {"requestBody": {"required": True, "content": {
    "application/json": {"schema": {"type": "object"}, "example": {
        "secret": "fbhook_...", "id": "2026-03-02T15:00:00Z AAPL", "symbol": "AAPL", "side": "buy", "quantity": "1",
    }},
    "text/plain": {"schema": {"type": "string"}},
}}}  # fmt: skip


@router.post(
    "/{id}",
    operation_id="receive_signal",
    status_code=202,
    responses=returns(ReceivedView, "The signal's order is durable.", status=202)
    | problems(*WITH_BODY, *ACTING, *VENUE),
    openapi_extra=BODY,
)
async def receive_signal(
    request: Request,
    door: DoorDep,
    id: Annotated[str, Path(max_length=64, description="The hook's id.")],
    signature: Annotated[str, Header(alias=HEADER, max_length=400, description="For hooks whose senders sign.")] = "",
) -> Response:
    """A signal becomes an order, once.  The body is JSON, or text of `name=value`, whatever its content type says.

    Needs no token: the body holds the hook's secret, or the signature header proves it.  The answer comes as soon as the order is
    durable.  The same signal again is answered with the order that it led to.
    """
    if door.hooks is None:
        raise NotFound("this server takes no signals")
    address = request.client.host if request.client else ""
    try:
        received = await door.hooks.inbox.receive(
            id, await _body(request), signature=signature, address=address, request_id=request_id_of(request)
        )
    except Unauthorized as stranger:
        if door.keeper is not None:
            await door.keeper.acts.turned_away(
                via="webhook", action="door.hook", outcome="wrong secret", address=address
            )
        raise HTTPException(401, stranger.detail) from None
    order = None if received.submitted is None else received.submitted.order
    return reply(
        ReceivedView(
            signal=received.signal.id,
            order=received.intent_id,
            ord_status=None if order is None else order.ord_status.value,
            replayed=received.replayed,
        ),
        status=202,
    )


async def _body(request: Request) -> bytes:
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return await request.body()
    except TimeoutError as error:
        raise HTTPException(408, f"the body did not arrive within {BODY_TIMEOUT_S} s") from error
