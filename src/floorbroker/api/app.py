"""The application: layers, routes and handlers joined once, from what it is handed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, Route

from floorbroker.api.access import OPEN_PAGES, allowed, assert_known, routes_of
from floorbroker.api.auth import Acts, Doorkeeper, TokenCheck
from floorbroker.api.cleaning import CleanReplies
from floorbroker.api.deprecation import DEPRECATED, Deprecations, assert_sound
from floorbroker.api.door import Door
from floorbroker.api.hurried import HurriedRoute
from floorbroker.api.metrics import PrometheusMeter
from floorbroker.api.openapi import document, methods_at
from floorbroker.api.pace import Pace, Rates
from floorbroker.api.perimeter import Envelope, Perimeter, host_names
from floorbroker.api.places import Places
from floorbroker.api.problems import on_bug, on_floorbroker_error, on_http_exception, on_validation_error
from floorbroker.api.routes import (
    accounts,
    auth,
    backtests,
    control,
    events,
    inbound,
    live,
    logins,
    market,
    orders,
    profiles,
    research,
    resolution,
    risk,
    routing,
    stored,
    system,
    tokens,
    users,
    vault,
    webhooks,
)
from floorbroker.api.routes import (
    strategies as strategy_routes,
)
from floorbroker.api.stream import Hubs, stream_route
from floorbroker.app.hooks import Hooks
from floorbroker.app.logins import LogIns
from floorbroker.app.people import People
from floorbroker.app.profiles import Profiles
from floorbroker.app.redactor import SecretFilter
from floorbroker.app.strategies import Strategies
from floorbroker.app.studies import Studies
from floorbroker.app.unlocking import Unlocking
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.ports import NO_TRACER, Log, NoLog, Tracer
from floorbroker.domain.values import Environment
from floorbroker.gateway.desk import Desk
from floorbroker.oms.schema import ChangeSchema, OrderSchema
from floorbroker.store.audit.evidence import Verdict

PREFIX = "/api/v1"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
OPEN_PATHS = ("/healthz", "/readyz", "/api/v1/auth/login", "/api/v1/hooks/*")  # hooks ask for their own secret
FORMS = ("/login", "/logout", "/setup", "/account/*")
API: tuple[APIRouter, ...] = (
    auth.router,
    users.router,
    tokens.router,
    profiles.brokers,
    live.router,  # before the routes whose first word is an environment
    orders.router,
    profiles.router,
    profiles.of_rounds,
    stored.router,
    logins.router,
    accounts.of_profile,
    accounts.router,
    risk.router,
    resolution.router,
    market.router,
    control.router,
    routing.router,
    events.router,
    vault.router,
    webhooks.router,
    webhooks.notifications,
    inbound.router,
    strategy_routes.router,
    research.router,
    backtests.router,
    control.audit,
)


def create_app(
    *,
    desks: Mapping[Environment, Desk],
    token: TokenCheck,
    clock: Clock,
    log: Log | None = None,
    meter: PrometheusMeter | None = None,
    tracer: Tracer = NO_TRACER,
    version: str,
    brokers: Sequence[BrokerInfo] = (),
    hosts: Iterable[str] = LOOPBACK,
    page: Callable[[Doorkeeper], Sequence[BaseRoute]] | None = None,
    unlocking: Unlocking | None = None,
    redactor: SecretFilter | None = None,
    prove: Callable[[Environment], Awaitable[Verdict]] | None = None,
    acts: Acts | None = None,
    stored_profiles: Profiles | None = None,
    people: People | None = None,
    hooks: Hooks | None = None,
    strategies: Strategies | None = None,
    studies: Studies | None = None,
    rates: Rates | None = None,
    places: Places | None = None,
    origins: Iterable[str] = (),
    deprecated: Deprecations = DEPRECATED,
) -> FastAPI:
    """The server over `desks`, one per environment.

    `token` turns a bearer token into its principal (`HashedToken` for the one of the first run).  `hosts` are the names this
    server answers to.  `page` makes the routes of the web page; it is handed the way to log in, and its paths need no token.
    `unlocking` is the vault of the process, `stored_profiles` what changes profiles, `hooks` webhooks and alerts,
    `strategies` bots and their decisions, `studies` research and backtests.
    `redactor` cleans what errors say, and looks at every reply once more.  `prove` verifies the audit of an environment; `acts`
    records who came in and who was turned away.  `people` are the users, sessions and tokens beside the one `token`; without
    them that is the only way in.  `rates` are how much callers and addresses may ask, without them as much as they like;
    `places` how many streams they may follow; `origins` are other sites whose pages may ask with a token;
    `deprecated` are routes that are to go.
    """
    keeper, meter, log = Doorkeeper.of(token, clock, acts, people), meter or PrometheusMeter(), log or NoLog()
    redactor = redactor or SecretFilter()
    assert_known((system.router, *API))
    assert_sound(deprecated, (route.name for route in routes_of((system.router, *API))))
    pace = None if rates is None else Pace(clock, rates)
    pages = list(page(keeper)) if page else []
    perimeter = Middleware(
        Perimeter,
        keeper=keeper,
        hosts=host_names(hosts),
        public=OPEN_PATHS + open_pages(pages),
        way_in="/login" if page else "",
        forms=FORMS,
        origins=frozenset(origin.lower() for origin in origins),
        pace=pace,
    )
    app = Application(
        title="Floorbroker",
        description="One order desk in front of every broker.",
        version=version,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(allowed)],
        middleware=[
            Middleware(Envelope, clock=clock, log=log, meter=meter, tracer=tracer, deprecated=deprecated),
            Middleware(CleanReplies, clean=redactor.clean_reply),
            perimeter,
        ],
        exception_handlers={
            FloorbrokerError: on_floorbroker_error,
            HTTPException: on_http_exception,
            RequestValidationError: on_validation_error,
            Exception: on_bug,
        },
    )
    known = tuple(brokers)
    app.state.door = Door(
        desks=desks,
        clock=clock,
        version=version,
        brokers=known,
        vault=unlocking,
        prove=prove,
        profiles=stored_profiles,
        log_ins=None if stored_profiles is None else LogIns(stored_profiles),
        keeper=keeper,
        hooks=hooks,
        strategies=strategies,
        studies=studies,
        pace=pace,
        places=places or Places(meter=meter),
    )
    app.state.meter = meter
    app.state.deprecated = deprecated
    app.state.clean = redactor.clean
    app.router.routes.append(HurriedRoute(desks, prefix=PREFIX))
    app.include_router(system.router)
    for router in API:
        app.include_router(router, prefix=PREFIX)
    app.router.routes.append(stream_route(Hubs(desks, clock, log), keeper, clock, app.state.door))
    app.router.routes.extend(pages)
    return app


def open_pages(routes: Iterable[BaseRoute]) -> tuple[str, ...]:
    """Paths of the web page that strangers may see."""
    paths = dict.fromkeys(route.path for route in routes if isinstance(route, Route | Mount))
    return tuple(_below(path) for path in paths if path in OPEN_PAGES)


def _below(path: str) -> str:
    """A folder is everything below."""
    return "/static/*" if path == "/static" else path


class Application(FastAPI):
    """FastAPI with our own OpenAPI document, made at first asking."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            models = (
                OrderSchema,
                ChangeSchema,
                resolution.ResolveSchema,
                control.KillSchema,
                profiles.LinkSchema,
                risk.LimitSchema,
                risk.StrategySchema,
                live.ArmingSchema,
                routing.StandingSchema,
                *vault.SCHEMAS,
                *stored.SCHEMAS,
                *logins.SCHEMAS,
                *auth.SCHEMAS,
                *users.SCHEMAS,
                *tokens.SCHEMAS,
                *webhooks.SCHEMAS,
                backtests.BacktestSchema,
            )
            self.openapi_schema = document(self, models=models, deprecated=self.state.deprecated)
        return self.openapi_schema

    def methods_at(self, path: str) -> list[str]:
        """The methods the document knows at a path, for `Allow`."""
        return methods_at(self.openapi(), path)
