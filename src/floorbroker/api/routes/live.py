"""Arming live trading: whether it is on, and a person's word to let a profile trade for a while."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from floorbroker.api.body import read_json
from floorbroker.api.door import CallerDep, DoorDep, NoQuery, reply
from floorbroker.api.openapi import ACTING, WITH_BODY, problems, reads, returns
from floorbroker.api.params import DisarmQuery
from floorbroker.api.views.operations import ArmingsView, armings_view
from floorbroker.domain.errors import FieldError, InvalidRequest, NotFound
from floorbroker.domain.values import Environment, ProfileName
from floorbroker.gateway.arming import DEFAULT_S, LEAST_S, MOST_S
from floorbroker.gateway.desk import ArmingState, Desk
from floorbroker.oms.schema import field_errors
from floorbroker.oms.schema_types import ProfileWord, Reason

router = APIRouter(prefix="/live/arming", tags=["Live"])


class ArmingSchema(BaseModel):
    """Let a live profile trade for `for_s` seconds.  `confirm` is the profile's name once more, typed by a person."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"reason": "the open", "confirm": "alpaca-live", "for_s": 3600}]},
    )

    reason: Annotated[Reason, Field(min_length=1)]
    confirm: Annotated[str, Field(max_length=64)]
    for_s: int = Field(default=DEFAULT_S, ge=LEAST_S, le=MOST_S)
    profile: ProfileWord | None = None


def parse_arming(data: object) -> ArmingSchema:
    """Raises `InvalidRequest` naming each wrong member."""
    try:
        return ArmingSchema.model_validate(data)
    except ValidationError as error:
        fields = field_errors(error, known=tuple(ArmingSchema.model_fields))
        raise InvalidRequest(f"{fields[0].pointer or 'the body'}: {fields[0].detail}", fields=fields) from error


async def live_desk(door: DoorDep) -> Desk:
    """The live desk; raises `NotFound` where there is none."""
    desk = door.desks.get(Environment.LIVE)
    if desk is None:
        raise NotFound("there is no live environment here")
    return desk


LiveDep = Annotated[Desk, Depends(live_desk)]


def chosen(states: tuple[ArmingState, ...], name: str | None) -> ProfileName:
    """The profile named, or the only one there is; arming several at once would confirm none of them."""
    if name is not None:
        return ProfileName(name)
    if len(states) != 1:
        detail = f"name the profile to arm; there are: {', '.join(state.profile for state in states) or 'none'}"
        raise InvalidRequest(detail, fields=(FieldError(pointer="/profile", code="missing", detail=detail),))
    return states[0].profile


@router.get(
    "",
    operation_id="get_live_arming",
    responses=returns(ArmingsView, "Every live profile, armed or not.") | problems(),
    dependencies=[NoQuery],
)
async def get_live_arming(desk: LiveDep) -> Response:
    """Which live profiles may trade, until when, and why the others may not."""
    return reply(armings_view(desk.arming()))


@router.put(
    "",
    operation_id="arm_live",
    responses=returns(ArmingsView, "Every live profile after it.") | problems(*WITH_BODY, *ACTING, 503),
    openapi_extra=reads(ArmingSchema),
    dependencies=[NoQuery],
)
async def arm_live(request: Request, desk: LiveDep, caller: CallerDep) -> Response:
    """Arm one live profile.  It ends by itself, at a restart too, and a kill ends it at once."""
    wish = parse_arming(await read_json(request))
    profile = chosen(desk.arming(), wish.profile)
    states = await desk.arm(profile, for_s=wish.for_s, confirm=wish.confirm, caller=caller, reason=wish.reason)
    return reply(armings_view(states))


@router.delete(
    "",
    operation_id="disarm_live",
    responses=returns(ArmingsView, "Every live profile after it.") | problems(*ACTING, 503),
)
async def disarm_live(desk: LiveDep, caller: CallerDep, query: Annotated[DisarmQuery, Query()]) -> Response:
    """Disarm one live profile, or all of them.  Cancels go on."""
    profile = None if query.profile is None else ProfileName(query.profile)
    return reply(armings_view(await desk.disarm(profile, caller=caller, reason=query.reason)))
