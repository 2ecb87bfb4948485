"""The routes of the page: its screens, the way in and out, and the files it is made of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment as Templates
from jinja2 import PackageLoader, StrictUndefined
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from floorbroker.app.hooks import Hooks
from floorbroker.app.profiles import Profiles
from floorbroker.app.strategies import Strategies
from floorbroker.app.studies import Studies
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import NotFound
from floorbroker.domain.values import Environment
from floorbroker.gateway.desk import Desk
from floorbroker.people.identity import Identity, Scope
from floorbroker.web import text
from floorbroker.web.account import Account
from floorbroker.web.frame import Ask, Screen, frame_of
from floorbroker.web.looks import Looks
from floorbroker.web.policy import new_nonce, policy_of
from floorbroker.web.screens import SCREENS
from floorbroker.web.way_in import Keeper, WayIn

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Handlers of the page's routes."""

    desks: Mapping[Environment, Desk]
    clock: Clock
    version: str
    templates: Templates
    looks: Looks
    brokers: Sequence[BrokerInfo] = ()
    stored: Profiles | None = None
    hooks: Hooks | None = None
    strategies: Strategies | None = None
    studies: Studies | None = None

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
        seq = ask.desk.told_seq()  # read before the rest: an event seen twice is harmless, one missed is not
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
            looks=self.looks,
            ids=tuple(request.query_params.getlist("id")),
            running=tuple(self.desks),
            sees=request.state.identity.environments,
            brokers=self.brokers,
            stored=self.stored,
            hooks=self.hooks,
            strategies=self.strategies,
            studies=self.studies,
        )


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
    hooks: Hooks | None = None,
    strategies: Strategies | None = None,
    studies: Studies | None = None,
) -> Callable[[Keeper], Sequence[BaseRoute]]:
    """What `create_app(page=…)` takes: given the way in, the routes of the page.

    `brokers` are those a profile can be made for, `stored` the profiles that are written down, `hooks` webhooks and alerts,
    `strategies` the bots of the home, `studies` its research and backtests.
    """

    def routes(keeper: Keeper) -> Sequence[BaseRoute]:
        page = Page(
            desks=desks,
            clock=clock,
            version=version,
            templates=_templates(),
            looks=Looks(clock),
            brokers=brokers,
            stored=stored,
            hooks=hooks,
            strategies=strategies,
            studies=studies,
        )
        way = WayIn(keeper=keeper, render=page.render)
        account = Account(keeper=keeper, render=page.render, clock=clock)
        return [
            Route("/", page.front, methods=["GET"]),
            *(Route(screen.path, page.showing(screen), methods=["GET"], name=screen.title) for screen in SCREENS),
            Route("/login", way.login_form, methods=["GET"]),
            Route("/login", way.login, methods=["POST"]),
            Route("/logout", way.logout, methods=["POST"]),
            Route("/setup", way.setup_form, methods=["GET"]),
            Route("/setup", way.setup, methods=["POST"]),
            Route("/account", account.show, methods=["GET"]),
            Route("/account/code.svg", account.picture, methods=["GET"]),
            Route("/account/{act}", account.act, methods=["POST"]),
            Mount("/static", GZipMiddleware(Files(directory=HERE / "static"), minimum_size=1000, compresslevel=6)),
        ]

    return routes


def _templates() -> Templates:
    made = Templates(loader=PackageLoader("floorbroker.web", "templates"), autoescape=True, undefined=StrictUndefined)
    shapes = (
        text.number,
        text.price,
        text.average,
        text.money,
        text.gain,
        text.clock,
        text.stamp,
        text.moment,
        text.plain,
    )
    for shape in (*shapes, text.words, text.direction):
        made.filters[shape.__name__] = shape  # pyright: ignore[reportUnknownMemberType]
    return made
