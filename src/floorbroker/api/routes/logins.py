"""Logging in at a venue that wants it each day: the address of its page, and the code that it leads back with."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from floorbroker.api.body import read_json
from floorbroker.api.door import CallerDep, DoorDep, NoQuery, reply
from floorbroker.api.openapi import WITH_BODY, problems, reads, returns
from floorbroker.api.routes.stored import StoredDep, StoredView, stored_view
from floorbroker.api.views.shape import View
from floorbroker.app.logins import LogIns, code_in
from floorbroker.domain.errors import InvalidRequest, NotFound
from floorbroker.oms.schema import field_errors

router = APIRouter(prefix="/{env}/profiles", tags=["Profiles"])


class LogInView(View, frozen=True):
    """Open `url`, log in there, and bring back the code within ten minutes, with the same `state`."""

    url: str
    state: str


class LogInCodeSchema(BaseModel):
    """What the page led back with: the code, or the whole address."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"code": "mk404x", "state": "of the log-in"}]},
    )

    code: Annotated[SecretStr, Field(min_length=1, max_length=2048)]
    state: Annotated[str, Field(min_length=1, max_length=128)]


SCHEMAS = (LogInCodeSchema,)


async def log_ins_of(door: DoorDep) -> LogIns:
    """The log-ins of this door; raises `NotFound` where it was opened without profiles."""
    if door.log_ins is None:
        raise NotFound("this door changes no profiles")
    return door.log_ins


LogInsDep = Annotated[LogIns, Depends(log_ins_of)]


@router.post(
    "/{name}/login",
    operation_id="begin_login",
    dependencies=[NoQuery],
    responses=returns(LogInView, "Where to log in.") | problems(409, 503),
)
async def begin_login(log_ins: LogInsDep, stored: StoredDep) -> Response:
    """Begin a person's log-in at the venue of a profile; refused where the venue has none."""
    begun = await log_ins.begin(stored.name)
    return reply(LogInView(url=begun.url, state=begun.state))


@router.post(
    "/{name}/login/code",
    operation_id="finish_login",
    dependencies=[NoQuery],
    responses=returns(StoredView, "The profile after it.") | problems(*WITH_BODY, 409, 503),
    openapi_extra=reads(LogInCodeSchema),
)
async def finish_login(request: Request, log_ins: LogInsDep, stored: StoredDep, caller: CallerDep) -> Response:
    """Bring the code of a log-in that was begun here: it is changed for a token, which is sealed in the place of the old one."""
    try:
        wish = LogInCodeSchema.model_validate(await read_json(request))
    except ValidationError as error:
        fields = field_errors(error, known=tuple(LogInCodeSchema.model_fields))
        raise InvalidRequest(f"{fields[0].pointer or 'the body'}: {fields[0].detail}", fields=fields) from None
    code = code_in(wish.code.get_secret_value(), wish.state)
    return reply(stored_view(await log_ins.finish(stored.name, code=code, state=wish.state, caller=caller)))
