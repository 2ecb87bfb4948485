"""The way to a desk: the running server of this home, else the same door inside this process for one command.

Both are the REST door, so a verb cannot tell which one answered it.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from floorbroker.cli.failures import CONFLICT, Trouble, usage
from floorbroker.cli.passphrases import asker
from floorbroker.cli.settings import Settings
from floorbroker.client import DeskClient, DeskError, Door, Refused
from floorbroker.client.desk import API
from floorbroker.client.door import open_door, segment
from floorbroker.domain.errors import Conflict
from floorbroker.domain.values import Environment, ProfileName

if TYPE_CHECKING:
    from fastapi import FastAPI

    from floorbroker.app.home import Home

T = TypeVar("T")
PROBE_S = 2.0
INSIDE = "http://localhost"
FLAGS = {"limit": "limit-rows", "span-s": "span"}  # where a flag has another name than the member of the query


@dataclass(frozen=True, slots=True)
class Reached:
    """A desk that answers.  `by_server` tells whether it goes on after this command."""

    client: DeskClient
    settings: Settings
    profile: str | None
    by_server: bool
    url: str

    @property
    def is_live(self) -> bool:
        return self.client.environment == Environment.LIVE.value

    async def get(self, path: str, **params: str | int | None) -> Any:
        """The document at a path below the environment."""
        return (await self.client.door.call("GET", self.client.at(path), params=params)).json()

    async def named_profile(self) -> str:
        """The profile asked for, or the only one there is.  Raises a usage error."""
        if self.profile is not None:
            return self.profile
        names = [profile.name for profile in await self.client.profiles()]
        if len(names) != 1:
            raise usage(f"name a profile with --profile; there are: {', '.join(names) or 'none'}")
        return names[0]


def on_desk(settings: Settings, work: Callable[[Reached], Awaitable[T]]) -> T:
    """Reach a desk, do the work, leave.  Raises `Trouble` for everything that can be explained."""

    async def whole() -> T:
        async with reach(settings) as desk:
            return await work(desk)

    return run(settings, whole)


def on_desk_of(settings: Settings, order: str, work: Callable[[Reached], Awaitable[T]]) -> T:
    """The same on the desk that has an order: no environment has to be named where one alone knows that id."""

    async def whole() -> T:
        async with AsyncExitStack() as stack:
            door, url = await _door(stack, settings)
            there = await _environments(door, settings)
            if len(there) > 1:
                there = await _having(door, there, order)
            return await work(_reached(door, url, _only_one(there), settings))

    return run(settings, whole)


def on_desks(settings: Settings, work: Callable[[list[Reached]], Awaitable[T]]) -> T:
    """The same for the desks of every environment, of the one that is named, or of that of the profile."""

    async def whole() -> T:
        async with AsyncExitStack() as stack:
            door, url = await _door(stack, settings)
            there = await _environments(door, settings)
            return await work([_reached(door, url, environment, settings) for environment in there])

    return run(settings, whole)


def at_door(settings: Settings, work: Callable[[Door], Awaitable[T]]) -> T:
    """The same for what belongs to no environment: none has to be named where there are several."""

    async def whole() -> T:
        async with AsyncExitStack() as stack:
            door, _ = await _door(stack, settings)
            return await work(door)

    return run(settings, whole)


def run(settings: Settings, work: Callable[[], Awaitable[T]]) -> T:
    """Run to the end; what the client raises becomes `Trouble`."""

    async def awaited() -> T:
        return await work()

    try:
        return asyncio.run(awaited())
    except DeskError as error:
        raise trouble_of_desk(error, settings) from error


def trouble_of_desk(error: DeskError, settings: Settings) -> Trouble:
    """A problem of the REST door, with what to do about it."""
    problem = error.problem
    members: dict[str, Any] = msgspec.to_builtins(problem)
    for name in ("detail", "code", "outcome", "type"):
        members.pop(name, None)
    where = f"profile {settings.profile}" if settings.profile else ""
    trouble = Trouble(problem.code, as_typed(problem.detail), problem.outcome, where=where, members=members)
    if problem.idempotency_key and problem.outcome == "unknown":
        trouble.fix = (
            f"look it up: floorbroker order list; the same order with --idempotency-key {problem.idempotency_key}"
            " returns what became of it and is never placed twice"
        )
    return trouble


def as_typed(detail: str) -> str:
    """What the door says about a member of the query, with the name that was typed: its members are our flags."""

    def flag(found: re.Match[str]) -> str:
        name = found[1].replace("_", "-")
        return f"--{FLAGS.get(name, name)}: "

    return re.sub(r"^/query/([a-z_]+): ", flag, detail)


@asynccontextmanager
async def reach(settings: Settings) -> AsyncGenerator[Reached]:
    """The desk that the settings mean.  Raises `Trouble` and `DeskError`."""
    async with AsyncExitStack() as stack:
        door, url = await _door(stack, settings)
        yield _reached(door, url, await _environment(door, settings), settings)


def _reached(door: Door, url: str, environment: str, settings: Settings) -> Reached:
    return Reached(
        client=DeskClient(door, environment),
        settings=settings,
        profile=settings.profile,
        by_server=bool(url),
        url=url or "this process",
    )


async def _door(stack: AsyncExitStack, settings: Settings) -> tuple[Door, str]:
    """The door of the server with its address, else one inside this process without."""
    home = settings.open_home()
    if (door := await server_of(stack, home, settings)) is not None:
        return door, str(door.http.base_url)
    return await _inside(stack, home, settings), ""


# -- the server -----------------------------------------------------------------------------------------------------------


async def server_of(stack: AsyncExitStack, home: Home, settings: Settings) -> Door | None:
    """The door of the server that runs on this home; None when there is none."""
    for url in addresses(home, settings):
        if await is_ours(url, home):
            token = _token_of(home) or ""
            settings.redactor.learn(token)
            return await stack.enter_async_context(open_door(url, token, timeout_s=settings.timeout_s))
    return None


def addresses(home: Home, settings: Settings) -> list[str]:
    """Where a server of this home may listen: where it said it does, then where the configuration says."""
    from floorbroker.app.config import load

    server = load(home, path=settings.config).server
    host = f"[{server.host}]" if ":" in server.host else server.host
    told = told_address(home)
    return list(dict.fromkeys([*([told] if told else []), f"http://{host}:{server.port}"]))


def told_address(home: Home) -> str:
    """The address that a running server left in `lock`: process number, then URL."""
    try:
        lines = (home.root / "lock").read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    return lines[1] if len(lines) > 1 and lines[1].startswith("http://") else ""


async def is_ours(url: str, home: Home) -> bool:
    """Whether a server answers there that knows this home's token; the token is shown to a Floorbroker alone.

    Raises `ConfigInvalid` where the file of the token holds none.
    """
    token = _token_of(home)
    if token is None:
        return False
    try:
        async with open_door(url, "", timeout_s=PROBE_S) as stranger:
            health = (await stranger.call("GET", "/healthz")).json()
        if not isinstance(health, dict) or "version" not in health:
            return False
        async with open_door(url, token, timeout_s=PROBE_S) as door:
            await door.call("GET", f"{API}/brokers")
    except (DeskError, msgspec.MsgspecError):
        return False
    return True


def _token_of(home: Home) -> str | None:
    from floorbroker.app.home import known_token

    token = known_token(home)
    return None if token is None else token.reveal()


# -- inside this process --------------------------------------------------------------------------------------------------


async def _inside(stack: AsyncExitStack, home: Home, settings: Settings) -> Door:
    """The same application around a floor that lives as long as this command."""
    from floorbroker import __version__
    from floorbroker.api import create_app
    from floorbroker.api.auth import HashedToken, token_digest
    from floorbroker.api.hooking import hooks_at
    from floorbroker.app.compose import BROKERS
    from floorbroker.app.floor import open_floor

    outside = settings.outside()
    outside.passphrase = asker(settings, home)
    if settings.verbose:
        from floorbroker.app.logs import open_log

        outside.log = open_log(outside.redactor, level="debug" if settings.verbose > 1 else "info")
    opening = open_floor(home, outside=outside, config_path=settings.config, only=_only(home, settings))
    floor = await _opened(stack, opening, home)
    with suppress(TimeoutError):
        async with asyncio.timeout(settings.timeout_s):
            await asyncio.gather(*(desk.until_settled() for desk in floor.desks.values()))
    token = secrets.token_urlsafe(32)
    outside.redactor.learn(token)
    hooks = hooks_at(floor, outside)
    stack.push_async_callback(hooks.close)
    app = create_app(
        desks=floor.desks,
        token=HashedToken(token_digest(token)),
        clock=outside.clock,
        log=outside.log,
        version=__version__,
        brokers=tuple(BROKERS.values()),
        unlocking=floor.vault,
        redactor=outside.redactor,
        prove=floor.prove,
        hooks=hooks,
    )
    return await door_inside(stack, app, token, settings)


async def door_inside(stack: AsyncExitStack, app: FastAPI, token: str, settings: Settings) -> Door:
    """A door to an application of this process, without a socket."""
    import httpx2

    http = httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app, raise_app_exceptions=False),
        base_url=INSIDE,
        headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
        timeout=settings.timeout_s,
        trust_env=False,
    )
    return Door(await stack.enter_async_context(http))


def _only(home: Home, settings: Settings) -> frozenset[ProfileName] | None:
    """The profiles to open: a command for one environment connects to no other."""
    from floorbroker.app.config import load
    from floorbroker.app.credentials import read_bot
    from floorbroker.app.floor import profiles_in

    if settings.profile is None and settings.env is None:
        return None
    profiles = profiles_in(load(home, path=settings.config), read_bot(home.env_bot))
    if settings.profile is not None:
        if settings.profile not in profiles:
            there = ", ".join(profiles) or "none"
            raise Trouble(
                code="not_found", detail=f"no enabled profile {settings.profile!r}; there are: {there}",
                fix="see: floorbroker broker list",
            )  # fmt: skip
        return frozenset({ProfileName(settings.profile)})
    names = frozenset(name for name, profile in profiles.items() if profile.environment.value == settings.env)
    if not names:
        there = ", ".join(sorted({profile.environment.value for profile in profiles.values()}))
        raise Trouble(
            code="not_found", detail=f"no profile of environment {settings.env!r}; there is: {there or 'none'}"
        )
    return names


async def _opened(stack: AsyncExitStack, opening: Any, home: Home) -> Any:
    try:
        return await stack.enter_async_context(opening)
    except Conflict as held:
        raise Trouble(
            code="conflict",
            detail=f"{held.detail}, and no server of this home answers",
            where=f"home {home.root}",
            fix="wait for the other command, or stop the process that hangs: its number stands in the .lock file",
            exit_code=CONFLICT,
        ) from held


# -- which environment ----------------------------------------------------------------------------------------------------


async def _environment(door: Door, settings: Settings) -> str:
    """The environment asked for, that of the profile, or the only one there is.  Raises a usage error."""
    return _only_one(await _environments(door, settings))


def _only_one(found: list[str]) -> str:
    if len(found) != 1:
        raise usage(f"name an environment with --env; there are: {', '.join(found) or 'none'}")
    return found[0]


async def _having(door: Door, there: list[str], order: str) -> list[str]:
    """The one environment that has an order.  Raises `Trouble` where none has, and where several do: venues number alike."""
    found = [name for name in there if await _has(DeskClient(door, name), order)]
    if not found:
        raise Trouble(code="not_found", detail=f"no order {order!r} in {', '.join(there)}")
    if len(found) > 1:
        raise usage(f"name an environment with --env; an order {order!r} is in: {', '.join(found)}")
    return found


async def _has(desk: DeskClient, order: str) -> bool:
    try:
        await desk.door.call("GET", desk.at(f"/orders/{segment(order)}"))
    except Refused as error:
        if error.problem.status == 404:
            return False
        raise
    return True


async def _environments(door: Door, settings: Settings) -> list[str]:
    """The environment asked for, those of the profile, or all there are.  Raises `Trouble` for a profile nobody has."""
    if settings.env is not None:
        return [settings.env]
    there = {environment.value: await _profiles_of(door, environment.value) for environment in Environment}
    found = [word for word, names in there.items() if names and settings.profile in (None, *names)]
    if settings.profile and not found:
        known = ", ".join(name for names in there.values() for name in names)
        raise Trouble(code="not_found", detail=f"no profile {settings.profile!r}; there are: {known or 'none'}")
    return found


async def _profiles_of(door: Door, environment: str) -> list[str]:
    try:
        return [profile.name for profile in await DeskClient(door, environment).profiles()]
    except Refused as error:
        if error.problem.status == 404:
            return []
        raise
