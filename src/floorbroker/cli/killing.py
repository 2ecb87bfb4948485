"""The steps behind `kill`: each is tried, none waits for another, and each says what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from floorbroker.app.config import load
from floorbroker.app.credentials import profile_of, read_bot
from floorbroker.app.home import Home, known_token
from floorbroker.app.permits import FilePermits
from floorbroker.cli.failures import Trouble
from floorbroker.cli.reach import addresses, is_ours, on_desk, told_address
from floorbroker.cli.settings import Settings
from floorbroker.client import DeskClient, DeskError
from floorbroker.client.door import open_door
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.errors import ConfigInvalid, FloorbrokerError, NotFound
from floorbroker.domain.ports import Journal, NoLog, NoteEntry, Record
from floorbroker.domain.values import Environment, ProfileName, time_text
from floorbroker.gateway.desk import Caller, KillState
from floorbroker.gateway.kill import LATCH, KillSwitch, Sentinel
from floorbroker.gateway.scopes import GLOBAL, NARROW, Kind, in_words, named, parted
from floorbroker.gateway.scopes import scope_of as one_scope

SERVER_S = 2.0
POLL_S = 0.1
HELD = "open in another process"
HANGS = (
    "nothing is sent, and open orders stay until that process goes on; not to wait: kill -9 {pid}, then kill on again"
)
CALLER = Caller(principal="operator", via="cli")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried.  `blocks`: new orders are refused because of it alone."""

    name: str
    done: bool
    detail: str
    blocks: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """Whom it is about: everything, or the scopes named (profiles, or one account, strategy or token).

    `profiles` are all that are known, by environment.
    """

    home: Home
    named: tuple[ProfileName, ...]
    profiles: dict[ProfileName, Environment | None]

    @property
    def targets(self) -> tuple[ProfileName, ...]:
        """The scopes of latches and sentinels."""
        return self.named or (GLOBAL,)

    @property
    def is_narrow(self) -> bool:
        """Whether no profile is named and yet not everything is meant: then there is no permit to take away."""
        return any(parted(name)[0] in NARROW for name in self.named)

    @property
    def word(self) -> str:
        return ", ".join(self.named) or "*"

    def of(self, environment: Environment) -> tuple[ProfileName, ...]:
        """The targets that the desk of an environment knows."""
        if not self.named or self.is_narrow:
            return self.targets
        return tuple(name for name in self.named if self.profiles.get(name) in (environment, None))

    def known(self, environment: Environment) -> tuple[ProfileName, ...]:
        """Every profile of an environment."""
        return tuple(name for name, found in self.profiles.items() if found is environment)


def scope_of(
    settings: Settings, *, account: str | None = None, strategy: str | None = None, token: str | None = None
) -> Scope:
    """What `--profile`, `--env`, `--account`, `--strategy` and `--token` mean.

    Raises `NotFound` for a profile nobody has heard of, `InvalidRequest` for two scopes at once.
    """
    home = settings.open_home()
    profiles = _profiles(home, settings)
    narrow = one_scope(profile=settings.profile, account=account, strategy=strategy, token=token)
    if parted(narrow)[0] in NARROW:
        return Scope(home, (narrow,), profiles)
    if settings.profile is not None:
        name = ProfileName(settings.profile)
        if name not in profiles:
            raise NotFound(f"no profile {settings.profile!r}; there are: {', '.join(profiles) or 'none'}")
        return Scope(home, (name,), profiles)
    if settings.env is not None:
        named = tuple(name for name, found in profiles.items() if found and found.value == settings.env)
        if not named:
            raise NotFound(f"no profile of environment {settings.env!r}; there are: {', '.join(profiles) or 'none'}")
        return Scope(home, named, profiles)
    return Scope(home, (), profiles)


def _profiles(home: Home, settings: Settings) -> dict[ProfileName, Environment | None]:
    """Configured profiles and those that hold a permit; a configuration that does not parse must not stop a kill."""
    found: dict[ProfileName, Environment | None] = {
        ProfileName(path.name): None for path in sorted(home.permits.glob("*")) if not path.name.startswith(".")
    }
    try:
        found |= {p.name: p.environment for p in load(home, path=settings.config).enabled()}
        found |= _described(home)
    except (ConfigInvalid, OSError):
        return found
    return found


def _described(home: Home) -> dict[ProfileName, Environment | None]:
    from floorbroker.app.compose import BROKERS

    profile = profile_of(read_bot(home.env_bot), BROKERS)
    return {} if profile is None else {profile.name: profile.environment}


# -- on -------------------------------------------------------------------------------------------------------------------


def trip(settings: Settings, scope: Scope, *, level: int, reason: str) -> list[Step]:
    """Permits, sentinel, server, journal, cancels: in this order, whatever becomes of each.

    A running server cancels by itself; without one the desk is opened here until nothing is open, or the time is up.
    """
    steps = [_withdraw(scope), _write_sentinels(scope, level, reason)]
    asked = asyncio.run(_ask_server(settings, scope, level, reason))
    steps += asked
    if not any(step.done for step in asked):
        latched = _on_journals(scope, lambda switch, target: _trip(switch, target, level, reason))
        steps += latched
        if level > 1:
            steps += [_cancelled(settings, scope.home, step) for step in latched]
    return steps


def _withdraw(scope: Scope) -> Step:
    permits = FilePermits(scope.home)
    if scope.is_narrow:
        return Step("permits", True, f"{in_words(scope.named[0])} has none: the file below stops it")
    try:
        permits.withdraw_all(scope.named or None)
    except OSError as error:
        return Step("permits", False, f"{error.filename}: {error.strerror}")
    return Step("permits", True, f"withdrawn: {scope.word}", blocks=True)


def _write_sentinels(scope: Scope, level: int, reason: str) -> Step:
    permits = FilePermits(scope.home)
    try:
        for target in scope.targets:
            permits.write_sentinel(Sentinel(level=level, scope=target, reason=reason, by=CALLER.principal))
    except (OSError, UnicodeDecodeError) as error:
        return Step("sentinel", False, str(error))
    return Step("sentinel", True, f"written: {scope.home.kill}", blocks=True)


async def _trip(switch: KillSwitch, target: ProfileName, level: int, reason: str) -> None:
    await switch.trip(level, scope=target, caller=CALLER, reason=reason)


def _cancelled(settings: Settings, home: Home, latched: Step) -> Step:
    """Open the desk of an environment, whose latch cancels what is open, and wait for it; else say who would have to cancel."""
    environment = latched.name.removeprefix("journal ")
    name, inside = f"cancel {environment}", replace(settings, env=environment, profile=None)
    if not latched.done:
        return Step(
            name, False, HANGS.format(pid=_holder(home)) if HELD in latched.detail else "not without its journal"
        )
    try:
        left = on_desk(inside, lambda desk: _until_none_is_open(desk.client, settings.timeout_s))
    except (Trouble, FloorbrokerError, OSError) as error:
        return Step(name, False, str(error))
    return Step(name, not left, f"still open: {', '.join(left)}" if left else "no order is open")


def _holder(home: Home) -> str:
    """The process that runs on this home, as `lock` names it."""
    try:
        first = (home.root / "lock").read_text("utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError):
        first = ""
    return first if first.isdecimal() else "PID"


async def _until_none_is_open(desk: DeskClient, timeout_s: float) -> tuple[str, ...]:
    clock = SystemClock()
    until_s = clock.monotonic() + timeout_s
    while left := (await desk.kill_switch()).remaining:
        if clock.monotonic() > until_s:
            break
        await clock.sleep(POLL_S)
    return left


# -- off ------------------------------------------------------------------------------------------------------------------


def reset(settings: Settings, scope: Scope, *, reason: str) -> list[Step]:
    """Through the server where one runs, else on the journals themselves."""
    asked = asyncio.run(_ask_server(settings, scope, 0, reason))
    if asked and asked[0].name.startswith("server "):
        return asked
    steps = _on_journals(scope, lambda switch, target: _reset(switch, target, reason), is_reset=True)
    if not steps:
        for target in scope.targets:
            FilePermits(scope.home).clear_sentinels(target)
        steps = [Step("sentinel", True, "cleared; no journal in this home yet")]
    return steps


async def _reset(switch: KillSwitch, target: ProfileName, reason: str) -> None:
    """Without a server nobody has taken the kills written beside it: they are latches of their own from now on."""
    for sentinel in switch.pending_sentinels():
        caller = Caller(principal=sentinel.by, via="file")
        await switch.trip(sentinel.level, scope=sentinel.scope, caller=caller, reason=sentinel.reason)
    await switch.reset(scope=target, caller=CALLER, reason=reason)


# -- the server -------------------------------------------------------------------------------------------------------------


async def _ask_server(settings: Settings, scope: Scope, level: int, reason: str) -> list[Step]:
    url = await _server(settings, scope.home)
    if url is None:
        return [Step("server", False, "none answers")]
    token = _token_of(scope.home)
    steps: list[Step] = []
    async with open_door(url, token, timeout_s=max(SERVER_S, settings.timeout_s if level == 0 else SERVER_S)) as door:
        for environment in Environment:
            for target in scope.of(environment):
                steps += await _put(DeskClient(door, environment.value), target, level, reason)
    return steps or [Step("server", False, f"{url} has no such environment")]


async def _put(desk: DeskClient, target: ProfileName, level: int, reason: str) -> list[Step]:
    name = f"server {desk.environment}"
    try:
        state = await desk.kill(level, reason=reason, **named(target))
    except DeskError as error:
        if error.problem.status == 404:
            return []
        return [Step(name, False, error.problem.detail)]
    if level == 0 and (held := _held(state.level, target)):
        return [Step(name, False, held)]
    now = max([state.level, *(latch.level for latch in state.latches if latch.scope == target)])
    return [Step(name, True, f"level {now} on {target}, {len(state.remaining)} orders still open", blocks=level > 0)]


def _held(level: int, target: ProfileName) -> str:
    """Why what was opened is stopped all the same, by the latch of everything; empty when it is not."""
    if level == 0 or target == GLOBAL:
        return ""
    return (
        f"{target} has no kill of its own now, and is stopped by level {level} on everything: "
        "kill off --reason TEXT opens that"
    )


async def _server(settings: Settings, home: Home) -> str | None:
    """Where the server of this home answers, even when the configuration does not parse."""
    try:
        urls = addresses(home, settings)
    except ConfigInvalid:
        urls = [url for url in (told_address(home),) if url]
    try:
        for url in urls:
            if await is_ours(url, home):
                return url
    except ConfigInvalid:
        return None  # a token that cannot be read opens no server; files and journals are still in reach
    return None


def _token_of(home: Home) -> str:
    token = known_token(home)
    return "" if token is None else token.reveal()


# -- the journals -----------------------------------------------------------------------------------------------------------


def _on_journals(
    scope: Scope, act: Callable[[KillSwitch, ProfileName], Awaitable[None]], *, is_reset: bool = False
) -> list[Step]:
    here = [e for e in Environment if scope.home.journal(e).exists() and scope.of(e)]
    return [asyncio.run(_on_journal(scope, environment, act, is_reset=is_reset)) for environment in here]


async def _on_journal(
    scope: Scope,
    environment: Environment,
    act: Callable[[KillSwitch, ProfileName], Awaitable[None]],
    *,
    is_reset: bool,
) -> Step:
    from floorbroker.store import Reserve, SqliteJournal

    name, clock = f"journal {environment.value}", SystemClock()
    try:
        journal = SqliteJournal.open(
            scope.home.journal(environment), clock=clock, environment=environment, reserve=Reserve(scope.home.reserve)
        )
        try:
            switch = _switch(scope, environment, journal)
            for record in journal.notes(LATCH):
                switch.restore(record)
            for target in scope.of(environment):
                await act(switch, target)
        finally:
            await journal.close()
    except (FloorbrokerError, OSError) as error:
        return Step(name, False, str(error))
    state, targets = switch.state(), scope.of(environment)
    if is_reset and (held := [why for target in targets if (why := _held(state.level, target))]):
        return Step(name, False, held[0])
    return Step(name, True, f"level {_level(state, targets)}, durable", blocks=True)


def _switch(scope: Scope, environment: Environment, journal: Journal) -> KillSwitch:
    return KillSwitch(
        journal=journal,
        permits=FilePermits(scope.home),
        clock=SystemClock(),
        log=NoLog(),
        profiles=lambda: scope.known(environment),
    )


def _level(state: KillState, targets: tuple[ProfileName, ...]) -> int:
    return max([state.level, *(latch.level for latch in state.latches if latch.scope in targets)])


# -- status -----------------------------------------------------------------------------------------------------------------


def standing(settings: Settings, scope: Scope) -> dict[str, Any]:
    """The kill switch of every environment, asked of the server or read from the journals; sentinels and permits."""
    items = asyncio.run(_ask_standing(settings, scope))
    if items is None:
        items = [_read_standing(scope, e) for e in Environment if scope.home.journal(e).exists()]
    permits = FilePermits(scope.home)
    sentinels = [{"level": s.level, "scope": s.scope, "reason": s.reason, "by": s.by} for s in permits.sentinels()]
    return {
        "items": items,
        "sentinels": sentinels,
        "permits": sorted(p.name for p in scope.home.permits.glob("*") if not p.name.startswith(".")),
    }


async def _ask_standing(settings: Settings, scope: Scope) -> list[dict[str, Any]] | None:
    url = await _server(settings, scope.home)
    if url is None:
        return None
    items: list[dict[str, Any]] = []
    token = _token_of(scope.home)
    async with open_door(url, token, timeout_s=settings.timeout_s) as door:
        for environment in Environment:
            with _absent_is_fine():
                answer = await door.call("GET", f"/api/v1/{environment.value}/kill-switch")
                items.append({"environment": environment.value, **answer.json()})
    return items


@contextmanager
def _absent_is_fine() -> Generator[None]:
    try:
        yield
    except DeskError as error:
        if error.problem.status != 404:
            raise


def _read_standing(scope: Scope, environment: Environment) -> dict[str, Any]:
    from floorbroker.store import JournalReader

    reader = JournalReader(scope.home.journal(environment))
    try:
        latches = _latches(reader.notes(LATCH))
    finally:
        reader.close()
    permits, top = FilePermits(scope.home), latches.get(GLOBAL, _OPEN)
    closed = {name: latch for name, latch in sorted(latches.items()) if latch["level"]}
    killed = {name: int(latch["level"]) for name, latch in closed.items() if parted(name)[0] is Kind.PROFILE}
    withdrawn = {} if top["level"] else {name: 1 for name in scope.known(environment) if not permits.has(name)}
    newest = max(latches.values(), key=lambda latch: (latch["level"] > 0, latch["at"]), default=_OPEN)
    told = {"by_profile": withdrawn | killed, "latches": [{"scope": name, **latch} for name, latch in closed.items()]}
    return {"environment": environment.value, **newest, "level": top["level"], **told}


_OPEN: dict[str, Any] = {"level": 0, "reason": "", "by": "", "at": None}


def _latches(records: Iterable[Record]) -> dict[ProfileName, dict[str, Any]]:
    """The newest word on each scope."""
    return {
        entry.profile: {
            "level": int(entry.data["level"]),
            "reason": entry.data["reason"],
            "by": entry.data["by"],
            "at": time_text(record.at),
        }
        for record in records
        if isinstance(entry := record.entry, NoteEntry) and entry.topic == LATCH
    }
