"""One's own account: password, second factor, sessions, tokens, and for an admin the other people.  Plain forms, no scripts."""

from __future__ import annotations

import io
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import segno
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from floorbroker.app.people import NewToken, NewUser, People, Refused
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FloorbrokerError, Forbidden, InvalidRequest, NotFound
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.gateway.desk import Caller
from floorbroker.people.identity import Identity, Kind, Role, Scope
from floorbroker.people.records import User
from floorbroker.people.second_factor import uri_of
from floorbroker.people.tokens import form_token
from floorbroker.web.way_in import (
    Keeper,
    Render,
    address_of,
    caller_of,
    form_of,
    is_own_form,
    reference_of,
    sentence,
    status_of,
    text_of,
)

DONE = {
    "setup": "You are signed in, and the token that was printed is spent. A second factor is worth the minute.",
    "proof": "Proved. For five minutes nothing asks again.",
    "password": "The password is changed, and every other session has ended.",
    "off": "The second factor is off.",
    "ended": "Ended.",
    "revoked": "The token opens nothing any more.",
    "user": "Done.",
}
DAYS_MAX = 3660


@dataclass(frozen=True, slots=True)
class Asked:
    """One form that somebody sent."""

    request: Request
    form: FormData
    people: People
    identity: Identity
    user: User

    def text(self, name: str) -> str:
        return text_of(self.form, name).strip()

    def secret(self, name: str) -> Secret:
        return Secret(text_of(self.form, name))

    def proved(self) -> None:
        """Raises `Forbidden` where a proof is too old."""
        if wrong := self.identity.why_not_proved():
            raise Forbidden(wrong)

    def admin(self) -> None:
        """Raises `Forbidden` for everybody else."""
        self.proved()
        if not self.identity.is_admin:
            raise Forbidden("this needs the scope admin")


Told = str | dict[str, Any]
"""What comes of a form: a word of `DONE`, or members that are shown this once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Handlers of `/account`."""

    keeper: Keeper
    render: Render
    clock: Clock

    async def show(self, request: Request) -> Response:
        """The page."""
        identity: Identity = request.state.identity
        people = self.keeper.people
        user = None if people is None else people.user(identity)
        if people is None or user is None or identity.kind is not Kind.PERSON:
            return RedirectResponse("/" if self.keeper.is_set_up or people is None else "/setup", status_code=303)
        done = DONE.get(request.query_params.get("done", ""), "")
        return self._page(request, people, user, done=done)

    async def act(self, request: Request) -> Response:
        """One of its forms."""
        identity: Identity = request.state.identity
        people = self.keeper.people
        user = None if people is None else people.user(identity)
        work = ACTS.get(request.path_params["act"])
        if people is None or user is None or identity.kind is not Kind.PERSON or work is None:
            return RedirectResponse("/account", status_code=303)
        form = await form_of(request)
        if not is_own_form(request, form, self.keeper):
            trouble = "This form was made for another session: try again."
            return self._page(request, people, user, status=403, trouble=trouble)
        try:
            told = await work(Asked(request, form, people, identity, user), self.clock)
        except FloorbrokerError as error:
            return self._page(request, people, user, status=status_of(error), trouble=sentence(error.detail))
        if isinstance(told, str):
            return RedirectResponse(f"/account?done={told}", status_code=303)
        return self._page(request, people, people.memory.users[user.id], **told)

    async def picture(self, request: Request) -> Response:
        """The second factor that is being set up, for an authenticator's camera; nobody keeps it."""
        identity: Identity = request.state.identity
        user = None if self.keeper.people is None else self.keeper.people.user(identity)
        if user is None or user.totp is None or user.totp_on or identity.kind is not Kind.PERSON:
            return Response(status_code=404)
        out = io.BytesIO()
        segno.make(uri_of(user.totp, user.name)).save(
            out, kind="svg", scale=5, light="#fff", svgclass=None, lineclass=None
        )
        return Response(out.getvalue(), media_type="image/svg+xml", headers={"Cache-Control": "no-store"})

    def _page(self, request: Request, people: People, user: User, *, status: int = 200, **told: Any) -> Response:
        identity: Identity = request.state.identity
        shown: dict[str, Any] = {"done": "", "trouble": "", "codes": (), "secret": "", "made": None} | told
        return self.render(
            "account.html",
            status=status,
            user=user,
            identity=identity,
            stale=bool(identity.why_not_proved()),
            sessions=people.visits.open_sessions(user.id),
            tokens=[(token, people.passes.state(token)) for token in people.passes.all(by=identity)],
            users=people.members.all() if identity.is_admin else (),
            owners={one.id: one.name for one in people.members.all()},
            scopes=[scope for scope in Scope if scope in identity.scopes],
            environments=[env for env in Environment if env in identity.environments],
            roles=list(Role),
            all_environments=list(Environment),
            form_token=form_token(reference_of(request, self.keeper)),
            **shown,
        )


# -- the forms ----------------------------------------------------------------------------------------------------------------


async def _prove(asked: Asked, clock: Clock) -> Told:
    del clock
    found = await asked.people.visits.prove(
        asked.identity,
        password=asked.secret("password"),
        code=asked.secret("code"),
        address=address_of(asked.request),
    )
    if isinstance(found, Refused):
        wait = f"; wait {found.wait_s:.0f} s" if found.wait_s else ""
        raise Forbidden(f"that does not prove it{wait}")
    return "proof"


async def _password(asked: Asked, clock: Clock) -> Told:
    del clock
    asked.proved()
    if text_of(asked.form, "password") != text_of(asked.form, "again"):
        raise InvalidRequest("the two passwords are not the same")
    await asked.people.members.set_password(
        asked.user.name, asked.secret("password"), caller=_caller(asked), keep_session=asked.identity.session_id
    )
    return "password"


async def _begin(asked: Asked, clock: Clock) -> Told:
    del clock
    asked.proved()
    secret = await asked.people.members.begin_second_factor(asked.user.name, caller=_caller(asked))
    return {"secret": secret.reveal()}


async def _confirm(asked: Asked, clock: Clock) -> Told:
    del clock
    asked.proved()
    code = asked.secret("code")
    codes = await asked.people.members.confirm_second_factor(asked.user.name, code, caller=_caller(asked))
    return {"codes": [one.reveal() for one in codes]}


async def _off(asked: Asked, clock: Clock) -> Told:
    del clock
    asked.proved()
    await asked.people.members.drop_second_factor(asked.user.name, caller=_caller(asked))
    return "off"


async def _end(asked: Asked, clock: Clock) -> Told:
    del clock
    await asked.people.visits.revoke(asked.user, asked.text("id"), caller=_caller(asked))
    return "ended"


async def _end_others(asked: Asked, clock: Clock) -> Told:
    del clock
    await asked.people.visits.revoke_others(asked.user, keep=asked.identity.session_id, caller=_caller(asked))
    return "ended"


async def _token(asked: Asked, clock: Clock) -> Told:
    asked.proved()
    days = _number(asked.text("days"), "days", most=DAYS_MAX)
    new = NewToken(
        name=asked.text("name"),
        environment=_environment(asked.text("environment")),
        scopes=frozenset(scope for scope in Scope if scope.value in asked.form.getlist("scope")),
        expires_at=None if days is None else clock.now() + timedelta(days=days),
        addresses=tuple(re.split(r"[,\s]+", asked.text("addresses"))) if asked.text("addresses") else (),
        per_minute=_number(asked.text("per_minute"), "requests a minute", most=100_000),
    )
    token, secret = await asked.people.passes.create(new, owner=asked.identity, caller=_caller(asked))
    return {"made": (token, secret.reveal())}


async def _revoke(asked: Asked, clock: Clock) -> Told:
    del clock
    await asked.people.passes.revoke(asked.text("id"), by=asked.identity, caller=_caller(asked))
    return "revoked"


async def _user_add(asked: Asked, clock: Clock) -> Told:
    del clock
    asked.admin()
    new = NewUser(
        name=asked.text("name"),
        password=asked.secret("password"),
        role=_role(asked.text("role")),
        environments=_environments(asked),
    )
    await asked.people.members.add(new, caller=_caller(asked))
    return "user"


async def _user_edit(asked: Asked, clock: Clock) -> Told:
    del clock
    asked.admin()
    await asked.people.members.edit(
        asked.text("name"),
        caller=_caller(asked),
        role=_role(asked.text("role")),
        environments=_environments(asked),
        disabled=asked.text("disabled") == "yes",
    )
    return "user"


async def _user_remove(asked: Asked, clock: Clock) -> Told:
    del clock
    asked.admin()
    if asked.text("confirm") != asked.text("name"):
        raise InvalidRequest("type the name once more to remove somebody")
    await asked.people.members.remove(asked.text("name"), caller=_caller(asked))
    return "user"


ACTS: dict[str, Callable[[Asked, Clock], Awaitable[Told]]] = {
    "proof": _prove,
    "password": _password,
    "second-factor": _begin,
    "confirm": _confirm,
    "off": _off,
    "end": _end,
    "end-others": _end_others,
    "token": _token,
    "revoke": _revoke,
    "user-add": _user_add,
    "user-edit": _user_edit,
    "user-remove": _user_remove,
}


def _caller(asked: Asked) -> Caller:
    return caller_of(asked.request, asked.identity)


def _number(text: str, what: str, *, most: int) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 6 and 0 < int(text) <= most):
        raise InvalidRequest(f"{what}: write a whole number from 1 to {most}, or nothing")
    return int(text)


def _environment(text: str) -> Environment:
    found = next((env for env in Environment if env.value == text), None)
    if found is None:
        raise NotFound("choose an environment")
    return found


def _environments(asked: Asked) -> frozenset[Environment]:
    chosen = frozenset(env for env in Environment if env.value in asked.form.getlist("environment"))
    if not chosen:
        raise InvalidRequest("choose at least one environment")
    return chosen


def _role(text: str) -> Role:
    found = next((role for role in Role if role.value == text), None)
    if found is None:
        raise InvalidRequest("choose a role")
    return found
