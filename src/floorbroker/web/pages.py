"""The routes of the page: its screens, the way in and out, and the files it is made of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from jinja2 import Environment as Templates
from jinja2 import PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from floorbroker.app.profiles import Profiles
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import NotFound
from floorbroker.domain.values import Environment
from floorbroker.gateway.desk import Desk
from floorbroker.people.identity import Identity, Scope
from floorbroker.web import text
from floorbroker.web.frame import Ask, Screen, frame_of
from floorbroker.web.policy import new_nonce, policy_of
from floorbroker.web.screens import SCREENS

HERE = Path(__file__).parent
SESSION_MAX_S = 12 * 60 * 60


class Keeper(Protocol):
    """The way in, as the server's door keeps it."""

    async def login(self, token: str, address: str) -> str | None: ...

    async def refuse(self, address: str) -> None: ...

    def wait_s(self, address: str) -> float: ...

    async def logout(self, reference: str, address: str) -> None: ...

    def cookie_name(self, *, secure: bool) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Handlers of the page's routes."""

    desks: Mapping[Environment, Desk]
    clock: Clock
    version: str
    keeper: Keeper
    templates: Templates
    brokers: Sequence[BrokerInfo] = ()
    stored: Profiles | None = None

    def render(self, name: str, *, status: int = 200, **members: Any) -> Response:
        """A template as a reply."""
        html = self.templates.get_template(name).render(version=self.version, **members)
        return HTMLResponse(html, status_code=status)

    async def front(self, request: Request) -> Response:
        """The first page after the sign-in."""
        if request.state.principal is None:
            return RedirectResponse("/login", status_code=303)
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"/overview{query}", status_code=303)

    def showing(self, screen: Screen) -> Callable[[Request], Awaitable[Response]]:
        """The handler of one screen."""

        async def show(request: Request) -> Response:
            return await self._shown(request, screen)

        return show

    async def _shown(self, request: Request, screen: Screen) -> Response:
        seen = self._seen(request)
        if not seen:
            return self.render("turned_away.html", status=403, principal=request.state.principal)
        ask = self._asked(request, seen)
        seq = ask.desk.last_seq()  # read before the rest: an event seen twice is harmless, one missed is not
        here = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
        frame = frame_of(ask, environments=tuple(seen), seq=seq, here=here, path=request.url.path)
        members: dict[str, Any] = {"frame": frame, "screen": screen, "principal": request.state.principal}
        nonce = new_nonce()
        try:
            built = await screen.build(ask)
        except NotFound as error:
            reply = self.render("missing.html", status=404, nonce=nonce, detail=error.detail, **members)
        else:
            reply = self.render(screen.template, nonce=nonce, **members, **built)
        reply.headers["Content-Security-Policy"] = policy_of(nonce)
        return reply

    def _seen(self, request: Request) -> dict[Environment, Desk]:
        """The desks that whoever looks may see."""
        identity: Identity = request.state.identity
        if not identity.may(frozenset({Scope.READ})):
            return {}
        return {environment: desk for environment, desk in self.desks.items() if identity.sees(environment)}

    def _asked(self, request: Request, desks: Mapping[Environment, Desk]) -> Ask:
        """Whose desk, and what the address says; what it names and nobody knows is left out."""
        params = dict(request.query_params) | request.path_params
        asked, environments = params.get("env", ""), tuple(desks)
        environment = next((env for env in environments if env.value == asked), environments[0])
        desk = desks[environment]
        names = [status.profile.name for status in desk.profiles()]
        return Ask(
            desk=desk,
            environment=environment,
            profile=next((name for name in names if name == params.get("profile")), None),
            now=self.clock.now(),
            params=params,
            brokers=self.brokers,
            stored=self.stored,
        )

    async def login_form(self, request: Request) -> Response:
        """The form that asks for the token."""
        if request.state.principal is not None:
            return RedirectResponse("/", status_code=303)
        return self.render("login.html", trouble="")

    async def login(self, request: Request) -> Response:
        """Take the token, give a session; a wrong one is told, and slowed down after five."""
        address = request.client.host if request.client else ""
        wait_s = self.keeper.wait_s(address)
        if wait_s > 0:
            await self.keeper.refuse(address)
            reply = self.render(
                "login.html", status=429, trouble=f"Too many wrong tokens. Try again in {wait_s:.0f} s."
            )
            reply.headers["Retry-After"] = f"{wait_s:.0f}"
            return reply
        form = await request.form(max_files=0, max_fields=4)
        token = form.get("token")
        reference = await self.keeper.login(token.strip(), address) if isinstance(token, str) else None
        if reference is None:
            return self.render("login.html", status=401, trouble="That is not the token of this desk.")
        return self._with_session(request, reference)

    def _with_session(self, request: Request, reference: str) -> Response:
        secure = request.url.scheme == "https"
        reply = RedirectResponse("/", status_code=303)
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

    async def logout(self, request: Request) -> Response:
        """End the session."""
        name = self.keeper.cookie_name(secure=request.url.scheme == "https")
        address = request.client.host if request.client else ""
        await self.keeper.logout(request.cookies.get(name, ""), address)
        reply = RedirectResponse("/login", status_code=303)
        reply.delete_cookie(name, path="/", secure=request.url.scheme == "https", httponly=True, samesite="strict")
        return reply


class Files(StaticFiles):
    """The page's own files; the browser asks each time whether they changed."""

    def file_response(self, *args: Any, **members: Any) -> Response:
        reply = super().file_response(*args, **members)
        reply.headers["Cache-Control"] = "no-cache"
        return reply


def web_page(
    *,
    desks: Mapping[Environment, Desk],
    clock: Clock,
    version: str,
    brokers: Sequence[BrokerInfo] = (),
    stored: Profiles | None = None,
) -> Callable[[Keeper], Sequence[BaseRoute]]:
    """What `create_app(page=…)` takes: given the way in, the routes of the page.

    `brokers` are those a profile can be made for, `stored` the profiles that are written down.
    """

    def routes(keeper: Keeper) -> Sequence[BaseRoute]:
        page = Page(
            desks=desks,
            clock=clock,
            version=version,
            keeper=keeper,
            templates=_templates(),
            brokers=brokers,
            stored=stored,
        )
        return [
            Route("/", page.front, methods=["GET"]),
            *(Route(screen.path, page.showing(screen), methods=["GET"], name=screen.title) for screen in SCREENS),
            Route("/login", page.login_form, methods=["GET"]),
            Route("/login", page.login, methods=["POST"]),
            Route("/logout", page.logout, methods=["POST"]),
            Mount("/static", Files(directory=HERE / "static")),
        ]

    return routes


def _templates() -> Templates:
    made = Templates(loader=PackageLoader("floorbroker.web", "templates"), autoescape=True, undefined=StrictUndefined)
    shapes = (text.number, text.price, text.money, text.gain, text.clock, text.moment, text.plain, text.words)
    for shape in (*shapes, text.direction):
        made.filters[shape.__name__] = shape  # pyright: ignore[reportUnknownMemberType]
    return made
