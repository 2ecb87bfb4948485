"""Routes: how profiles are chosen, how each of them stands, and a person's word to demote or restore one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from floorbroker.api.body import read_json
from floorbroker.api.door import CallerDep, DeskDep, NoQuery, reply
from floorbroker.api.openapi import ACTING, WITH_BODY, problems, reads, returns
from floorbroker.api.views.routing import RoutingView, routing_view
from floorbroker.domain.errors import InvalidRequest
from floorbroker.domain.values import ProfileName
from floorbroker.oms.schema import field_errors
from floorbroker.oms.schema_types import ProfileWord, Reason

router = APIRouter(prefix="/{env}/routing", tags=["Routing"], dependencies=[NoQuery])


class StandingSchema(BaseModel):
    """Demote a profile until it is restored by hand, or restore it now.  Both need a reason."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"profile": "alpaca-paper", "demoted": True, "reason": "maintenance tonight"}]},
    )

    profile: ProfileWord
    demoted: bool
    reason: Annotated[Reason, Field(min_length=1)]


def parse_standing(data: object) -> StandingSchema:
    """Raises `InvalidRequest` naming each wrong member."""
    try:
        return StandingSchema.model_validate(data)
    except ValidationError as error:
        fields = field_errors(error, known=tuple(StandingSchema.model_fields))
        raise InvalidRequest(f"{fields[0].pointer or 'the body'}: {fields[0].detail}", fields=fields) from error


@router.get("", operation_id="get_routing", responses=returns(RoutingView, "Routes and standings.") | problems())
async def get_routing(desk: DeskDep) -> Response:
    """Which rules choose among which profiles, and how each profile stands."""
    return reply(routing_view(desk.routing()))


@router.patch(
    "",
    operation_id="set_standing",
    responses=returns(RoutingView, "Routes and standings after it.") | problems(*WITH_BODY, *ACTING, 503),
    openapi_extra=reads(StandingSchema),
)
async def set_standing(request: Request, desk: DeskDep, caller: CallerDep) -> Response:
    """Demote a profile, or restore it, by hand; it is audited.  Orders that name it are not concerned."""
    wish = parse_standing(await read_json(request))
    state = await desk.set_standing(ProfileName(wish.profile), demoted=wish.demoted, caller=caller, reason=wish.reason)
    return reply(routing_view(state))
