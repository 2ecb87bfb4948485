"""Brokers, profiles, and what can be asked of a profile's session."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from floorbroker.api.door import DeskDep, DoorDep, NoQuery, ProfileDep, reply
from floorbroker.api.listing import list_reply
from floorbroker.api.openapi import ACTING, VENUE, problems, returns, returns_list
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

brokers = APIRouter(tags=["Brokers"], dependencies=[NoQuery])
router = APIRouter(prefix="/{env}/profiles", tags=["Profiles"], dependencies=[NoQuery])


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


@router.post(
    "/{name}/reconcile",
    operation_id="reconcile_profile",
    responses=returns(RoundView, "The round.") | problems(*ACTING, *VENUE),
)
async def reconcile_profile(desk: DeskDep, name: ProfileDep) -> Response:
    """Compare what we believe with what the venue says, now."""
    return reply(round_view(await desk.reconcile(name)))


@router.get(
    "/{name}/adjustments",
    operation_id="list_adjustments",
    responses=returns_list(AdjustmentView, "Adjustments, newest first.") | problems(),
)
async def list_adjustments(request: Request, desk: DeskDep, name: ProfileDep) -> Response:
    """Differences between our fills and the venue's positions that nothing else explains, each with its cause."""
    return list_reply(request, [adjustment_view(found) for found in desk.adjustments(name)], None)
