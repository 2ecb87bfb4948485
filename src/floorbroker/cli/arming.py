"""How `live` does its work: through the server where one runs, else on the live journal itself.

Without a server no broker is connected to, no credential is needed and nothing is sent: what is armed counts when a desk
starts.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from floorbroker.app.compose import BROKERS
from floorbroker.app.config import Config, load
from floorbroker.app.credentials import profile_of, read_bot
from floorbroker.app.home import Home, known_token
from floorbroker.app.permits import FilePermits
from floorbroker.app.recovery import restore_arms
from floorbroker.cli.failures import Trouble, usage
from floorbroker.cli.moments import length_of
from floorbroker.cli.reach import addresses, is_ours, run
from floorbroker.cli.settings import Settings
from floorbroker.client.desk import LIVE_ARMING
from floorbroker.client.door import Params, open_door
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.errors import NotFound
from floorbroker.domain.ports import NoLog
from floorbroker.domain.values import Environment, ProfileName, time_text
from floorbroker.gateway.arming import LEAST_S, MOST_S, Arming, Confirmation
from floorbroker.gateway.desk import ArmingState, Caller
from floorbroker.gateway.kill import LATCH, KillSwitch
from floorbroker.gateway.routing.record import BOUND

if TYPE_CHECKING:
    from floorbroker.store import SqliteJournal

CALLER = Caller(principal="operator", via="cli")
Rows = list[dict[str, Any]]
Act = Callable[[Arming], Awaitable[tuple[ArmingState, ...]]]


def named(settings: Settings) -> ProfileName:
    """The live profile that is meant: the one named, or the only one.  Raises `NotFound` and usage errors."""
    names = _live_profiles(settings.open_home(), _config(settings))
    if settings.profile is None and len(names) == 1:
        return names[0]
    if settings.profile is None:
        raise usage(f"name a live profile with --profile; there are: {', '.join(names) or 'none'}")
    if settings.profile not in names:
        raise NotFound(f"no live profile {settings.profile!r}; there are: {', '.join(names) or 'none'}")
    return ProfileName(settings.profile)


def length_bounded(lasts: str) -> int:
    """Seconds that arming may last.  Raises a usage error naming the flag."""
    for_s = length_of(lasts, flag="--for")
    if not LEAST_S <= for_s <= MOST_S:
        raise usage(f"--for {lasts}: arming lasts a minute to a day")
    return for_s


def armed(settings: Settings, profile: ProfileName, *, for_s: int, confirm: str, reason: str) -> Rows:
    """Arm one profile.  Every live profile after it."""
    body = {"profile": profile, "for_s": for_s, "confirm": confirm, "reason": reason}

    async def act(arms: Arming) -> tuple[ArmingState, ...]:
        confirmation = Confirmation(typed=confirm)
        await arms.arm(profile, for_s=for_s, confirmation=confirmation, caller=CALLER, reason=reason)
        return arms.states()

    return _done(settings, "PUT", act, body=body, started=profile)


def disarmed(settings: Settings, *, reason: str) -> Rows:
    """Disarm the profile named, or all of them."""
    profile = None if settings.profile is None else named(settings)

    async def act(arms: Arming) -> tuple[ArmingState, ...]:
        return await arms.disarm(profile, caller=CALLER, reason=reason)

    return _done(settings, "DELETE", act, params={"profile": profile, "reason": reason})


def standing(settings: Settings) -> Rows:
    """Every live profile, or the one named."""

    async def act(arms: Arming) -> tuple[ArmingState, ...]:
        return arms.states()

    rows = _done(settings, "GET", act)
    return [row for row in rows if settings.profile in (None, row["profile"])]


def _done(
    settings: Settings,
    method: Any,
    act: Act,
    *,
    body: object = None,
    params: Params | None = None,
    started: ProfileName | None = None,
) -> Rows:
    async def whole() -> Rows:
        home = settings.open_home()
        for url in addresses(home, settings):
            if await is_ours(url, home):
                token = known_token(home)
                async with open_door(url, token.reveal() if token else "", timeout_s=settings.timeout_s) as door:
                    return (await door.call(method, LIVE_ARMING, body=body, params=params)).json()["items"]
        return [_row(state) for state in await _on_journal(home, _config(settings), act, started=started)]

    return run(settings, whole)


async def _on_journal(home: Home, config: Config, act: Act, *, started: ProfileName | None) -> tuple[ArmingState, ...]:
    """`started` is a profile that must have started before: its permit is missing because nobody gave it one, not withdrawn."""
    from floorbroker.store import Reserve, SqliteJournal

    path, clock, names = home.journal(Environment.LIVE), SystemClock(), _live_profiles(home, config)
    if not names:
        return ()
    if not path.exists():
        raise _never_ran("no live desk has run in this home yet")
    journal = SqliteJournal.open(path, clock=clock, environment=Environment.LIVE, reserve=Reserve(home.reserve))
    try:
        permits = FilePermits(home)
        switch = KillSwitch(journal=journal, permits=permits, clock=clock, log=NoLog(), profiles=lambda: names)
        for record in journal.notes(LATCH):
            switch.restore(record)
        if started is not None and not (permits.has(started) or switch.level(started) or _is_bound(journal, started)):
            raise _never_ran(f"profile {started} has not started in this home yet")
        arms = Arming(
            journal=journal, clock=clock, enabled=config.live_enabled, profiles=lambda: names, blocked=switch.blocked
        )
        restore_arms(arms, journal)
        return await act(arms)
    finally:
        await journal.close()


def _is_bound(journal: SqliteJournal, profile: ProfileName) -> bool:
    return any(record.entry.profile == profile for record in journal.notes(BOUND))


def _never_ran(detail: str) -> Trouble:
    return Trouble(code="not_ready", detail=detail, fix="start it once, then arm it: floorbroker up")


def _config(settings: Settings) -> Config:
    return load(settings.open_home(), path=settings.config)


def _live_profiles(home: Home, config: Config) -> tuple[ProfileName, ...]:
    described = profile_of(read_bot(home.env_bot), BROKERS)
    profiles = [*config.enabled(), *([described] if described else [])]
    return tuple(dict.fromkeys(p.name for p in profiles if p.environment is Environment.LIVE))


def _row(state: ArmingState) -> dict[str, Any]:
    return {
        "profile": state.profile,
        "armed": state.armed,
        "until": None if state.until is None else time_text(state.until),
        "since": None if state.since is None else time_text(state.since),
        "by": state.by,
        "reason": state.reason,
        "why_not": state.why_not,
    }
