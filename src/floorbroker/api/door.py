"""What every route needs: the desks, and the dependencies that find them.

A dependency is a coroutine function even where it waits for nothing: a plain one would be sent to a thread and back.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Path, Request, Response

from floorbroker.api.auth import Doorkeeper
from floorbroker.api.farewell import Farewell
from floorbroker.api.pace import Pace
from floorbroker.api.places import Places
from floorbroker.api.problems import request_id_of
from floorbroker.app.hooks import Hooks
from floorbroker.app.logins import LogIns
from floorbroker.app.people import People
from floorbroker.app.profiles import Profiles
from floorbroker.app.strategies import Strategies
from floorbroker.app.studies import Studies
from floorbroker.app.unlocking import Unlocking
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FieldError, Forbidden, InvalidRequest, NotFound
from floorbroker.domain.values import Environment, ProfileName
from floorbroker.gateway.desk import Caller, Desk
from floorbroker.people.identity import Identity, Kind
from floorbroker.store.audit.evidence import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Handed to the app once; routes reach it through the dependencies below."""

    desks: Mapping[Environment, Desk]
    clock: Clock
    version: str
    brokers: Sequence[BrokerInfo] = field(default=())
    vault: Unlocking | None = None
    prove: Callable[[Environment], Awaitable[Verdict]] | None = None  # the audit's verifier
    profiles: Profiles | None = None
    hooks: Hooks | None = None
    strategies: Strategies | None = None
    studies: Studies | None = None
    log_ins: LogIns | None = None  # of people, at venues
    keeper: Doorkeeper | None = None  # the ways in
    places: Places = field(default_factory=Places)  # for connections that stand
    pace: Pace | None = None
    farewell: Farewell = field(default_factory=Farewell)  # to those who follow streams, when the server stops


def door_of(request: Request) -> Door:
    """The door this app was made with."""
    return request.app.state.door


async def _the_door(request: Request) -> Door:
    return door_of(request)


DoorDep = Annotated[Door, Depends(_the_door)]


async def desk_of(door: DoorDep, env: Annotated[Environment, Path(description="The environment.")]) -> Desk:
    """The desk of the environment in the path; raises `NotFound`."""
    desk = door.desks.get(env)
    if desk is None:
        raise NotFound(f"there is no {env.value} environment here; there is {_listed(door)}")
    return desk


def _listed(door: Door) -> str:
    return " and ".join(env.value for env in door.desks) or "none"


DeskDep = Annotated[Desk, Depends(desk_of)]


async def caller_of(request: Request) -> Caller:
    """Who asks, for the audit.  Somebody who acts here uses the vault, and keeps it from locking by itself."""
    state = request.state
    if (vault := door_of(request).vault) is not None:
        vault.use()
    identity = identity_of(request)
    if identity is None or identity.kind is Kind.OPERATOR:
        return Caller(principal=state.principal, via=state.via, request_id=request_id_of(request))
    return Caller(
        principal=identity.principal,
        via=state.via,
        request_id=request_id_of(request),
        token=identity.principal if identity.kind is Kind.TOKEN else "",
        roles=frozenset(scope.value for scope in identity.scopes),
        proved_s=math.inf if identity.proved_s is None else identity.proved_s,
    )


def identity_of(request: Request) -> Identity | None:
    """Who asks; None for a stranger."""
    return getattr(request.state, "identity", None)


async def known_identity(request: Request) -> Identity:
    """Who asks.  Raises `Forbidden` for a stranger."""
    identity = identity_of(request)
    if identity is None:
        raise Forbidden("sign in first")
    return identity


async def people_of(door: DoorDep) -> People:
    """The people of this desk; raises `NotFound` where the door was opened without them."""
    if door.keeper is None or door.keeper.people is None:
        raise NotFound("this door keeps no people")
    return door.keeper.people


IdentityDep = Annotated[Identity, Depends(known_identity)]
PeopleDep = Annotated[People, Depends(people_of)]
CallerDep = Annotated[Caller, Depends(caller_of)]


async def no_query(request: Request) -> None:
    """Unknown request fields are errors, in the query as in the body."""
    if request.query_params:
        refuse_query(tuple(request.query_params))


def refuse_query(names: Sequence[str]) -> None:
    """Raise `InvalidRequest` naming query parameters that mean nothing here."""
    fields = tuple(
        FieldError(pointer="/query", code="unknown_field", detail=f"no such parameter: {name[:64]!a}")
        for name in names[:20]
    )
    raise InvalidRequest(fields[0].detail, fields=fields)


NoQuery = Depends(no_query)


async def profile_of(
    desk: DeskDep, name: Annotated[str, Path(max_length=64, description="The profile's name.")]
) -> ProfileName:
    """The profile named in the path; raises `NotFound`."""
    if all(status.profile.name != name for status in desk.profiles()):
        raise NotFound("no such profile")
    return ProfileName(name)


ProfileDep = Annotated[ProfileName, Depends(profile_of)]


def reply(view: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A view as ready bytes."""
    return Response(msgspec.json.encode(view), status_code=status, headers=headers, media_type="application/json")
