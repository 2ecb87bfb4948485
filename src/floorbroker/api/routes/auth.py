"""Who asks, signing in and out, proving again who one is, and one's own sessions."""

from __future__ import annotations

import math
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Request, Response
from pydantic import ConfigDict, Field, SecretStr

from floorbroker.api.auth import drop_session, set_session
from floorbroker.api.door import CallerDep, DoorDep, IdentityDep, NoQuery, PeopleDep, reply
from floorbroker.api.listing import list_reply
from floorbroker.api.openapi import WITH_BODY, problems, reads, returns, returns_list
from floorbroker.api.perimeter import address_of, is_secure
from floorbroker.api.views.people import AuthView, SessionView, auth_view, session_view
from floorbroker.api.wishes import Wish, secret_of, wish_of
from floorbroker.app.people import People, Refused
from floorbroker.domain.errors import Forbidden
from floorbroker.people.identity import Identity
from floorbroker.people.records import User

router = APIRouter(prefix="/auth", tags=["Auth"], dependencies=[NoQuery])
Word = Annotated[SecretStr, Field(max_length=1024)]
Code = Annotated[SecretStr, Field(max_length=32)]
SessionId = Annotated[str, Path(max_length=64, description="The session.")]
COOKIE = {"Set-Cookie": "The session."}


class LoginSchema(Wish):
    """Sign in.  `code` is that of the second factor, or a recovery code, where one is on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "ada", "password": "several words and more"}]})

    name: Annotated[str, Field(max_length=64)]
    password: Word
    code: Code | None = None


class ProofSchema(Wish):
    """Prove again who you are: `code` where a second factor is on, else `password`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"password": "several words and more"}]})

    password: Word | None = None
    code: Code | None = None


SCHEMAS = (LoginSchema, ProofSchema)


@router.get("", operation_id="get_auth", responses=returns(AuthView, "Who asks.") | problems())
async def get_auth(door: DoorDep, identity: IdentityDep) -> Response:
    """Who you are at this door, what you may do, and how long your last proof is good."""
    return reply(auth_view(identity, None if door.keeper is None else door.keeper.people))


@router.post(
    "/login",
    operation_id="log_in",
    responses=returns(AuthView, "Signed in; the session is in the cookie.", headers=COOKIE) | problems(*WITH_BODY, 503),
    openapi_extra=reads(LoginSchema),
)
async def log_in(request: Request, people: PeopleDep) -> Response:
    """Open a session.  A refusal does not say what was wrong; after five in a minute the next one waits."""
    wish = await wish_of(request, LoginSchema)
    found = await people.visits.sign_in(
        wish.name,
        secret_of(wish.password),
        secret_of(wish.code),
        address=address_of(request),
        agent=request.headers.get("user-agent", ""),
        via="page",
    )
    if isinstance(found, Refused):
        raise refused(found)
    answer = reply(auth_view(found.identity, people))
    set_session(answer, found.reference, secure=is_secure(request))
    return answer


@router.post("/logout", operation_id="log_out", status_code=204, responses=problems())
async def log_out(request: Request, people: PeopleDep, identity: IdentityDep) -> Response:
    """End the session that asks."""
    await people.visits.sign_out(identity, address=address_of(request))
    answer = Response(status_code=204)
    drop_session(answer, secure=is_secure(request))
    return answer


@router.post(
    "/proof",
    operation_id="prove",
    responses=returns(AuthView, "Proved.") | problems(*WITH_BODY, 409, 503),
    openapi_extra=reads(ProofSchema),
)
async def prove(request: Request, people: PeopleDep, identity: IdentityDep) -> Response:
    """Prove again who you are: for five minutes dangerous acts need no more."""
    wish = await wish_of(request, ProofSchema)
    found = await people.visits.prove(
        identity, password=secret_of(wish.password), code=secret_of(wish.code), address=address_of(request)
    )
    if isinstance(found, Refused):
        raise refused(found)
    return reply(auth_view(found, people))


@router.get(
    "/sessions",
    operation_id="list_sessions",
    responses=returns_list(SessionView, "Your sessions, the one used last first.") | problems(),
)
async def list_sessions(request: Request, people: PeopleDep, identity: IdentityDep) -> Response:
    """Where you are signed in."""
    mine = people.visits.open_sessions(me(identity, people).id)
    return list_reply(request, [session_view(session, identity) for session in mine], None)


@router.delete("/sessions/{id}", operation_id="revoke_session", status_code=204, responses=problems(503))
async def revoke_session(people: PeopleDep, identity: IdentityDep, caller: CallerDep, id: SessionId) -> Response:
    """End one of your sessions."""
    await people.visits.revoke(me(identity, people), id, caller=caller)
    return Response(status_code=204)


@router.delete("/sessions", operation_id="revoke_sessions", status_code=204, responses=problems(503))
async def revoke_sessions(people: PeopleDep, identity: IdentityDep, caller: CallerDep) -> Response:
    """End all your sessions but the one that asks."""
    await people.visits.revoke_others(me(identity, people), keep=identity.session_id, caller=caller)
    return Response(status_code=204)


def me(identity: Identity, people: People) -> User:
    """The person who asks.  Raises `Forbidden` for tokens and the operator, who have no sessions."""
    user = people.user(identity)
    if user is None or not identity.session_id:
        raise Forbidden("only a person who is signed in has sessions")
    return user


def refused(found: Refused) -> HTTPException:
    """The refusal of a sign-in or a proof."""
    if found.wait_s > 0:
        wait_s = math.ceil(found.wait_s)
        return HTTPException(429, f"too many tries: wait {wait_s} s", headers={"Retry-After": str(wait_s)})
    return HTTPException(401, "name, password or code is wrong")
