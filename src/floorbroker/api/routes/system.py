"""Health, readiness, metrics and the reference pages: what stands outside `/api/v1`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Request, Response

from floorbroker.api.door import DoorDep, IdentityDep, NoQuery, reply
from floorbroker.api.openapi import problems, returns
from floorbroker.api.problems import problem as problem_of
from floorbroker.api.problems import reply_with
from floorbroker.api.reference import error_page, reference_page
from floorbroker.api.views.shape import View
from floorbroker.domain.errors import NotFound
from floorbroker.domain.values import Environment
from floorbroker.gateway.desk import SessionState

router = APIRouter(tags=["System"], dependencies=[NoQuery])


class HealthView(View, frozen=True):
    """The process answers."""

    status: str
    version: str


class ReadyView(View, frozen=True):
    """Every environment has a profile that can trade; `profiles` and `ready` count the enabled ones."""

    status: str
    profiles: int
    ready: int


@router.get("/healthz", operation_id="get_health", responses=returns(HealthView, "The process answers."))
async def get_health(door: DoorDep) -> Response:
    """Whether the process answers.  Needs no token."""
    return reply(HealthView(status="ok", version=door.version))


@router.get(
    "/readyz", operation_id="get_readiness", responses=returns(ReadyView, "Orders can be taken.") | problems(503)
)
async def get_readiness(request: Request, door: DoorDep) -> Response:
    """Whether orders can be taken: each environment has at least one READY profile.  Needs no token."""
    by_desk = [[s for s in desk.profiles() if s.profile.enabled] for desk in door.desks.values()]
    ready = [[s for s in statuses if s.state is SessionState.READY and not s.reason] for statuses in by_desk]
    counts = sum(map(len, by_desk)), sum(map(len, ready))
    if not ready or not all(ready):
        detail = f"{counts[1]} of {counts[0]} profiles are ready"
        return reply_with(problem_of(request, status=503, code="not_ready", detail=detail))
    return reply(ReadyView(status="ready", profiles=counts[0], ready=counts[1]))


@router.get(
    "/metrics",
    operation_id="get_metrics",
    responses={200: {"description": "Prometheus text.", "content": {"text/plain": {"schema": {"type": "string"}}}}}
    | problems(),
)
async def get_metrics(request: Request, door: DoorDep, identity: IdentityDep) -> Response:
    """Metrics in the text format of Prometheus: of the environments that are yours, and of the process."""
    meter = request.app.state.meter
    for environment, desk in door.desks.items():
        for status in desk.profiles():
            meter.gauge(
                "profile_ready",
                float(status.state is SessionState.READY),
                environment=environment.value,
                profile=status.profile.name,
            )
    meter.serves({status.profile.name for desk in door.desks.values() for status in desk.profiles()})
    theirs = {word.value for word in Environment if identity.sees(word)}
    hidden = {
        status.profile.name
        for environment, desk in door.desks.items()
        if not identity.sees(environment)
        for status in desk.profiles()
    }

    def shows(labels: Mapping[str, str]) -> bool:
        word = labels.get("environment", "")
        return word in theirs if word else not hidden & {labels.get("profile"), labels.get("to")}

    return Response(meter.render(shows), media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/openapi.json", include_in_schema=False)
async def get_openapi(request: Request) -> Response:
    """The machine-readable description of this door."""
    return Response(msgspec.json.encode(request.app.openapi()), media_type="application/json")


@router.get("/docs", include_in_schema=False)
async def get_reference(request: Request) -> Response:
    """The same for people, without scripts."""
    return Response(reference_page(request.app.openapi()), media_type="text/html; charset=utf-8")


@router.get("/docs/errors/{code}", include_in_schema=False)
async def get_error_page(code: Annotated[str, Path(max_length=64)]) -> Response:
    """What an error code means, where the `type` of a problem points."""
    page = error_page(code)
    if page is None:
        raise NotFound("no such error code")
    return Response(page, media_type="text/html; charset=utf-8")
