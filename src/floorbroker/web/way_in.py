"""The ways in: set-up by the operator's token and the first user, and signing in.  Plain forms, no scripts."""

from __future__ import annotations

import hmac
import math
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from floorbroker.app.people import NewUser, People, Refused
from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.secret import Secret
from floorbroker.gateway.desk import Caller
from floorbroker.people.identity import Identity, Kind
from floorbroker.people.tokens import form_token

SESSION_MAX_S = 12 * 60 * 60
FIELDS_MAX = 24
STATUS = {"invalid_request": 422, "conflict": 409, "forbidden": 403, "not_found": 404}


class Keeper(Protocol):
    """The way in, as the server's door keeps it."""

    @property
    def people(self) -> People | None: ...

    @property
    def is_set_up(self) -> bool: ...

    async def login(self, token: str, address: str) -> str | None: ...

    async def refuse(self, address: str) -> None: ...

    def wait_s(self, address: str) -> float: ...

    async def logout(self, reference: str, address: str) -> None: ...

    def cookie_name(self, *, secure: bool) -> str: ...


class Render(Protocol):
    """Makes a reply of a template."""

    def __call__(self, name: str, *, status: int = 200, **members: Any) -> Response: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WayIn:
    """Handlers of `/login`, `/logout` and `/setup`."""

    keeper: Keeper
    render: Render

    async def login_form(self, request: Request) -> Response:
        """The form that asks for the token, or for name and password once there are users."""
        if request.state.identity is not None:
            return RedirectResponse("/", status_code=303)
        return self._form()

    async def login(self, request: Request) -> Response:
        """Give a session for what was typed; a wrong try is told, and slowed down after five."""
        form = await form_of(request)
        people = self.keeper.people
        if people is None or not self.keeper.is_set_up:
            return await self._by_token(request, form)
        found = await people.visits.sign_in(
            text_of(form, "name"),
            Secret(text_of(form, "password")),
            Secret(text_of(form, "code")),
            address=address_of(request),
            agent=request.headers.get("user-agent", ""),
            via="page",
        )
        if isinstance(found, Refused):
            return self._refused(found.wait_s, "Name, password or code is wrong.")
        return self._with_session(request, found.reference, to="/")

    async def _by_token(self, request: Request, form: FormData) -> Response:
        address = address_of(request)
        wait_s = self.keeper.wait_s(address)
        if wait_s > 0:
            await self.keeper.refuse(address)
            return self._refused(wait_s, "")
        reference = await self.keeper.login(text_of(form, "token").strip(), address)
        if reference is None:
            return self._refused(0.0, "That is not the token of this desk.")
        return self._with_session(request, reference, to="/" if self.keeper.people is None else "/setup")

    def _refused(self, wait_s: float, wrong: str) -> Response:
        if wait_s <= 0:
            return self._form(status=401, trouble=wrong)
        reply = self._form(status=429, trouble=f"Too many tries. Try again in {math.ceil(wait_s)} s.")
        reply.headers["Retry-After"] = f"{math.ceil(wait_s)}"
        return reply

    def _form(self, *, status: int = 200, trouble: str = "") -> Response:
        return self.render("login.html", status=status, trouble=trouble, by_name=self.keeper.is_set_up)

    async def logout(self, request: Request) -> Response:
        """End the session."""
        await self.keeper.logout(reference_of(request, self.keeper), address_of(request))
        reply = RedirectResponse("/login", status_code=303)
        secure = is_secure(request)
        name = self.keeper.cookie_name(secure=secure)
        reply.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="strict")
        return reply

    # -- the first user ---------------------------------------------------------------------------------------------------

    async def setup_form(self, request: Request) -> Response:
        """The form for the first user, for whoever came in by the operator's token."""
        if (elsewhere := self._elsewhere(request)) is not None:
            return elsewhere
        return self._setup(request)

    async def setup(self, request: Request) -> Response:
        """Make the first user and sign them in: the token is spent."""
        people = self.keeper.people
        if (elsewhere := self._elsewhere(request)) is not None or people is None:
            return elsewhere or RedirectResponse("/", status_code=303)
        form = await form_of(request)
        if not is_own_form(request, form, self.keeper):
            return self._setup(request, status=403, trouble="This form was made for another session: try again.")
        name, password = text_of(form, "name"), text_of(form, "password")
        if password != text_of(form, "again"):
            return self._setup(request, status=422, typed=name, trouble="The two passwords are not the same.")
        try:
            user = await people.members.add(
                NewUser(name=name, password=Secret(password)), caller=caller_of(request, request.state.identity)
            )
        except FloorbrokerError as error:
            return self._setup(request, status=status_of(error), typed=name, trouble=sentence(error.detail))
        agent = request.headers.get("user-agent", "")
        signed = await people.visits.open_for(user, address=address_of(request), agent=agent)
        return self._with_session(request, signed.reference, to="/account?done=setup")

    def _elsewhere(self, request: Request) -> Response | None:
        """Where set-up is not the thing to do."""
        identity: Identity | None = request.state.identity
        if self.keeper.people is None or (self.keeper.is_set_up and identity is not None):
            return RedirectResponse("/", status_code=303)
        if self.keeper.is_set_up or identity is None or identity.kind is not Kind.OPERATOR:
            return RedirectResponse("/login", status_code=303)
        return None

    def _setup(self, request: Request, *, status: int = 200, trouble: str = "", typed: str = "") -> Response:
        token = form_token(reference_of(request, self.keeper))
        return self.render("setup.html", status=status, trouble=trouble, typed=typed, form_token=token)

    def _with_session(self, request: Request, reference: str, *, to: str) -> Response:
        secure = is_secure(request)
        reply = RedirectResponse(to, status_code=303)
        reply.set_cookie(
            self.keeper.cookie_name(secure=secure),
            reference,
            max_age=SESSION_MAX_S,
            path="/",
            secure=secure,
            httponly=True,
            samesite="strict",
        )
        return reply


# -- what forms and their senders are ---------------------------------------------------------------------------------------


async def form_of(request: Request) -> FormData:
    """What was filled in; files are refused."""
    return await request.form(max_files=0, max_fields=FIELDS_MAX)


def text_of(form: FormData, name: str) -> str:
    """One field; empty where there is none."""
    found = form.get(name)
    return found if isinstance(found, str) else ""


def is_own_form(request: Request, form: FormData, keeper: Keeper) -> bool:
    """Whether a form was made for the session it comes with."""
    reference = reference_of(request, keeper)
    given = text_of(form, "form_token").encode("utf-8", "surrogatepass")
    return bool(reference) and hmac.compare_digest(given, form_token(reference).encode())


def reference_of(request: Request, keeper: Keeper) -> str:
    """What the cookie says; empty without one."""
    return request.cookies.get(keeper.cookie_name(secure=is_secure(request)), "")


def is_secure(request: Request) -> bool:
    """Whether it came over TLS."""
    return request.url.scheme == "https"


def address_of(request: Request) -> str:
    """Where somebody comes from."""
    return request.client.host if request.client else ""


def caller_of(request: Request, identity: Identity) -> Caller:
    """Who asks, for the audit."""
    return Caller(principal=identity.principal, via="page", request_id=str(getattr(request.state, "request_id", "")))


def status_of(error: FloorbrokerError) -> int:
    """The status of a page that tells of an error."""
    return STATUS.get(error.code, 503)


def sentence(detail: str) -> str:
    """One of our errors as a sentence of its own."""
    return f"{detail[:1].upper()}{detail[1:]}."
