"""Brokers, profiles, and what can be asked of a profile's session."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from floorbroker.api.body import read_json
from floorbroker.api.door import CallerDep, DeskDep, DoorDep, NoQuery, ProfileDep, desk_of, profile_of, reply
from floorbroker.api.listing import list_reply
from floorbroker.api.openapi import ACTING, VENUE, WITH_BODY, problems, reads, returns, returns_list
from floorbroker.api.params import RoundsQuery
from floorbroker.api.views.operations import (
    AdjustmentView,
    BrokerView,
    ProfileView,
    RoundView,
    SelfCheckView,
    adjustment_view,
    broker_view,
    profile_view,
    round_view,
    self_check_view,
)
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.errors import InvalidRequest
from floorbroker.domain.values import Environment, ProfileName
from floorbroker.oms.schema import field_errors
from floorbroker.oms.schema_types import Reason

Env = Annotated[Environment, Path(description="The environment.")]
Name = Annotated[str, Path(max_length=64, description="The profile's name.")]
brokers = APIRouter(tags=["Brokers"], dependencies=[NoQuery])
router = APIRouter(prefix="/{env}/profiles", tags=["Profiles"], dependencies=[NoQuery])
of_rounds = APIRouter(prefix="/{env}/profiles", tags=["Profiles"])  # with a query


@brokers.get("/brokers", operation_id="list_brokers", responses=returns_list(BrokerView, "Brokers.") | problems())
async def list_brokers(request: Request, door: DoorDep) -> Response:
    """Every broker this installation knows: order types, abilities, and the fields a profile needs."""
    known: dict[str, BrokerInfo] = {info.code: info for info in door.brokers}
    for desk in door.desks.values():
        for status in desk.profiles():
            info = desk.broker_info(status.profile.name)
            known.setdefault(info.code, info)
    return list_reply(request, [broker_view(known[code]) for code in sorted(known)], None)


@router.get("", operation_id="list_profiles", responses=returns_list(ProfileView, "Profiles.") | problems())
async def list_profiles(request: Request, desk: DeskDep) -> Response:
    """Every profile of the environment and where its session stands."""
    return list_reply(request, [profile_view(status) for status in desk.profiles()], None)


@router.get("/{name}", operation_id="get_profile", responses=returns(ProfileView, "The profile.") | problems())
async def get_profile(desk: DeskDep, name: ProfileDep) -> Response:
    """One profile and where its session stands."""
    return reply(next(profile_view(s) for s in desk.profiles() if s.profile.name == name))


@router.get(
    "/{name}/status", operation_id="get_profile_status", responses=returns(ProfileView, "The profile.") | problems()
)
async def get_profile_status(desk: DeskDep, name: ProfileDep) -> Response:
    """The same under the name people look for."""
    return await get_profile(desk, name)


@router.post(
    "/{name}/self-check",
    operation_id="self_check_profile",
    responses=returns(SelfCheckView, "What was tried.") | problems(*ACTING, *VENUE),
)
async def self_check_profile(desk: DeskDep, name: ProfileDep) -> Response:
    """Prove connectivity, credentials, environment, clock and order entry without placing an order."""
    return reply(self_check_view(await desk.self_check(name)))


class LinkSchema(BaseModel):
    """Why a profile is connected or disconnected, for the record."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"reason": "the key is rotated tonight"}]},
    )

    reason: Annotated[Reason, Field(min_length=1)]


def parse_link(data: object) -> LinkSchema:
    """Raises `InvalidRequest` naming each wrong member."""
    try:
        return LinkSchema.model_validate(data)
    except ValidationError as error:
        fields = field_errors(error, known=tuple(LinkSchema.model_fields))
        raise InvalidRequest(f"{fields[0].pointer or 'the body'}: {fields[0].detail}", fields=fields) from error


@router.post(
    "/{name}/connect",
    operation_id="connect_profile",
    responses=returns(ProfileView, "The profile after it.") | problems(*WITH_BODY, *ACTING, 409, 503),
    openapi_extra=reads(LinkSchema),
)
async def connect_profile(request: Request, door: DoorDep, env: Env, caller: CallerDep, name: Name) -> Response:
    """Connect a profile that was disconnected, or log in anew; one that is stored and that the desk does not have, it takes up.

    Answers when it is ready or has said why it is not.
    """
    wish = parse_link(await read_json(request))
    desk = door.desks.get(env)
    if desk is not None and any(status.profile.name == name for status in desk.profiles()):
        await desk.connect(ProfileName(name), caller=caller, reason=wish.reason)
    elif door.profiles is not None and door.profiles.is_of(name, env):
        await door.profiles.connect(name, caller=caller, reason=wish.reason)
    return await get_profile(there := await desk_of(door, env), await profile_of(there, name))


@router.post(
    "/{name}/disconnect",
    operation_id="disconnect_profile",
    responses=returns(ProfileView, "The profile after it.") | problems(*WITH_BODY, *ACTING, 503),
    openapi_extra=reads(LinkSchema),
)
async def disconnect_profile(request: Request, desk: DeskDep, caller: CallerDep, name: ProfileDep) -> Response:
    """No new orders, no order stream and no rounds until it is connected again, restarts included; cancels pass."""
    wish = parse_link(await read_json(request))
    await desk.disconnect(name, caller=caller, reason=wish.reason)
    return await get_profile(desk, name)


@router.post(
    "/{name}/reconcile",
    operation_id="reconcile_profile",
    responses=returns(RoundView, "The round.") | problems(*ACTING, *VENUE),
)
async def reconcile_profile(desk: DeskDep, name: ProfileDep) -> Response:
    """Compare what we believe with what the venue says, now."""
    return reply(round_view(await desk.reconcile(name)))


@of_rounds.get(
    "/{name}/rounds",
    operation_id="list_rounds",
    responses=returns_list(RoundView, "Rounds, newest first.") | problems(),
)
async def list_rounds(
    request: Request, desk: DeskDep, name: ProfileDep, query: Annotated[RoundsQuery, Query()]
) -> Response:
    """Full rounds that came to an end, a page at a time.  One that failed changed nothing and is not kept."""
    found = desk.rounds(name, before=query.before, limit=query.limit + 1)  # one more tells whether there is more
    page = found[: query.limit]
    older = str(page[-1].seq) if len(found) > query.limit else None
    return list_reply(request, [round_view(kept.result) for kept in page], older)


@router.get(
    "/{name}/adjustments",
    operation_id="list_adjustments",
    responses=returns_list(AdjustmentView, "Adjustments, newest first.") | problems(),
)
async def list_adjustments(request: Request, desk: DeskDep, name: ProfileDep) -> Response:
    """Differences between our fills and the venue's positions that nothing else explains, each with its cause."""
    return list_reply(request, [adjustment_view(found) for found in desk.adjustments(name)], None)
