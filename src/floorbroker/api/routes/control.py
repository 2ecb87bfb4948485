"""The kill switch and the audit."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from floorbroker.api.access import RESET, assert_may
from floorbroker.api.body import read_json
from floorbroker.api.door import CallerDep, DeskDep, DoorDep, NoQuery, reply
from floorbroker.api.listing import list_reply
from floorbroker.api.openapi import ACTING, VENUE, WITH_BODY, problems, reads, returns, returns_list
from floorbroker.api.params import AuditQuery, AuditVerifyQuery
from floorbroker.api.views.audit import AuditVerdictView, verdict_view
from floorbroker.api.views.operations import AuditView, KillView, audit_view, kill_view
from floorbroker.domain.errors import FieldError, InvalidRequest, NotFound
from floorbroker.domain.values import Environment
from floorbroker.gateway.scopes import NAME_MAX, named, scope_of
from floorbroker.oms.schema import field_errors
from floorbroker.oms.schema_types import ProfileWord, Reason, plain_text

router = APIRouter(prefix="/{env}/kill-switch", tags=["Kill switch"], dependencies=[NoQuery])
audit = APIRouter(tags=["Audit"])


ScopeName = Annotated[str, StringConstraints(min_length=1, max_length=NAME_MAX), BeforeValidator(plain_text)]


class KillSchema(BaseModel):
    """Trip or reset the kill switch: 0 resets, 1 blocks new orders and replaces, 2 also cancels, 3 also flattens.

    Of `profile`, `account`, `strategy` and `token` one at most is named; without any it is about everything.
    """

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"level": 1, "reason": "prices look wrong"}]},
    )

    level: int = Field(ge=0, le=3)
    reason: Annotated[Reason, Field(min_length=1)]
    profile: ProfileWord | None = None
    account: ScopeName | None = None
    strategy: ScopeName | None = None
    token: ScopeName | None = None


def parse_kill(data: object) -> KillSchema:
    """Raises `InvalidRequest` naming each wrong member."""
    try:
        return KillSchema.model_validate(data)
    except ValidationError as error:
        fields = field_errors(error, known=tuple(KillSchema.model_fields))
        raise InvalidRequest(f"{fields[0].pointer or 'the body'}: {fields[0].detail}", fields=fields) from error


@router.get("", operation_id="get_kill_switch", responses=returns(KillView, "The kill switch.") | problems())
async def get_kill_switch(desk: DeskDep) -> Response:
    """Where the kill switch stands."""
    return reply(kill_view(desk.kill_state()))


@router.put(
    "",
    operation_id="set_kill_switch",
    responses=returns(KillView, "The kill switch after it.") | problems(*WITH_BODY, *ACTING, *VENUE),
    openapi_extra=reads(KillSchema),
)
async def set_kill_switch(request: Request, desk: DeskDep, caller: CallerDep) -> Response:
    """Trip it, for the environment or what is named, or reset it with level 0.  Both need a reason."""
    wish = parse_kill(await read_json(request))
    scope = named(scope_of(profile=wish.profile, account=wish.account, strategy=wish.strategy, token=wish.token))
    if wish.level == 0:
        assert_may(request, RESET)
        return reply(kill_view(await desk.reset_kill(caller=caller, reason=wish.reason, **scope)))
    return reply(kill_view(await desk.kill(wish.level, caller=caller, reason=wish.reason, **scope)))


@audit.get(
    "/audit", operation_id="list_audit", responses=returns_list(AuditView, "Audit rows, oldest first.") | problems()
)
async def list_audit(request: Request, door: DoorDep, query: Annotated[AuditQuery, Query()]) -> Response:
    """Who did what, from one environment's journal, behind a sequence."""
    environment = _environment(door, query)
    rows = door.desks[environment].audit(after=query.after, limit=query.limit)
    return list_reply(request, [v for v in (audit_view(r, environment.value) for r in rows) if v is not None], None)


@audit.post(
    "/audit/verify",
    operation_id="verify_audit",
    responses=returns(AuditVerdictView, "What the verifier found.") | problems(409, 503),
)
async def verify_audit(door: DoorDep, query: Annotated[AuditVerifyQuery, Query()]) -> Response:
    """Prove the exported audit of one environment against its keys, its journal and its copy; changes nothing.

    Older segments that were moved away are told of in `remarks`.  One verification runs at a time.
    """
    environment = _environment(door, query)
    if door.prove is None:
        raise NotFound("this server exports no audit")
    return reply(verdict_view(await door.prove(environment)))


def _environment(door: DoorDep, query: AuditVerifyQuery) -> Environment:
    if query.environment is None and len(door.desks) != 1:
        wrong = FieldError(
            pointer="/query/environment", code="missing", detail="name the environment: each has its own journal"
        )
        raise InvalidRequest(wrong.detail, fields=(wrong,))
    environment = next(iter(door.desks)) if query.environment is None else Environment(query.environment)
    if environment not in door.desks:
        raise NotFound(f"there is no {environment.value} environment here")
    return environment
