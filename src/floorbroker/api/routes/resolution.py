"""Orders in doubt: what is known of one, and what a person decides about it.  Nothing here sends an order."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from floorbroker.api.body import read_json
from floorbroker.api.door import CallerDep, DeskDep, NoQuery, reply
from floorbroker.api.openapi import ACTING, VENUE, WITH_BODY, problems, reads, returns
from floorbroker.api.routes.orders import OrderId
from floorbroker.api.views.resolution import ResolutionView, resolution_view
from floorbroker.domain.errors import InvalidRequest
from floorbroker.oms.inquest import Act
from floorbroker.oms.schema import field_errors
from floorbroker.oms.schema_types import Reason

router = APIRouter(prefix="/{env}/orders/{id}/resolution", tags=["Orders"], dependencies=[NoQuery])
ACTIONS = {act.value: act for act in Act}


class ResolveSchema(BaseModel):
    """One action about a doubt.  `confirm` is the order's client order id once more, typed by a person, for `attribute`,
    `declare_not_placed` and `declare_ended`; `candidate` is the venue's id of the order that is ours.
    """

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"action": "ask", "reason": "the venue is back"}]},
    )

    action: Literal["ask", "attribute", "declare_not_placed", "declare_ended", "watch"]
    reason: Annotated[Reason, Field(min_length=1)]
    candidate: Annotated[str, Field(max_length=128)] = ""
    confirm: Annotated[str, Field(max_length=128)] = ""


def parse_resolve(data: object) -> ResolveSchema:
    """Raises `InvalidRequest` naming each wrong member."""
    try:
        return ResolveSchema.model_validate(data)
    except ValidationError as error:
        fields = field_errors(error, known=tuple(ResolveSchema.model_fields))
        raise InvalidRequest(f"{fields[0].pointer or 'the body'}: {fields[0].detail}", fields=fields) from error


@router.get(
    "", operation_id="get_resolution", responses=returns(ResolutionView, "The doubt as it stands.") | problems()
)
async def get_resolution(desk: DeskDep, id: OrderId) -> Response:
    """What is known about an order: which source was asked when, whether it answered, candidates, and what may be done."""
    return reply(resolution_view(desk.inquest(id)))


@router.post(
    "",
    operation_id="resolve_order",
    responses=returns(ResolutionView, "The doubt after it.") | problems(*WITH_BODY, *ACTING, *VENUE),
    openapi_extra=reads(ResolveSchema),
)
async def resolve_order(request: Request, desk: DeskDep, caller: CallerDep, id: OrderId) -> Response:
    """Ask the venue again, attribute one of its orders, declare an order not placed or ended, or take note, with a reason."""
    wish = parse_resolve(await read_json(request))
    found = await desk.resolve(
        id,
        ACTIONS[wish.action],
        caller=caller,
        reason=wish.reason,
        candidate=wish.candidate,
        confirm=wish.confirm,
    )
    return reply(resolution_view(found))
