"""A profile's name belongs to one broker and one environment for good: the journal of its first start remembers which.

Permits, seals, metrics and idempotency keys know a profile by its name.  If a name could move from paper to live, all
of them would move along, and so would every program that trades under it.
"""

from __future__ import annotations

from collections.abc import Iterable

from floorbroker.app.home import Home
from floorbroker.domain.errors import ConfigInvalid, JournalFault
from floorbroker.domain.ports import AuditEntry, Journal, Log, NoteEntry, Profile, Record
from floorbroker.domain.values import Environment
from floorbroker.gateway.routing.record import BOUND
from floorbroker.store.reader import JournalReader


def assert_bound(home: Home, profiles: Iterable[Profile], log: Log) -> None:
    """Compare with every journal of this home, before anything is opened.

    Raises `ConfigInvalid` for a name that was another broker's or another environment's.
    """
    named = {profile.name: profile for profile in profiles}
    for environment in Environment:
        for record in _bindings(home, environment, log):
            if (profile := named.get(record.entry.profile)) is not None:
                _assert_same(profile, record)


def _bindings(home: Home, environment: Environment, log: Log) -> list[Record]:
    path = home.journal(environment)
    if not path.exists():
        return []
    try:
        reader = JournalReader(path)
        try:
            return reader.notes(BOUND, newest=True)
        finally:
            reader.close()
    except JournalFault as fault:  # that environment's own start says what is wrong; this one only compares names
        log.warning("profiles.not_compared", environment=environment.value, detail=fault.detail)
        return []


def _assert_same(profile: Profile, record: Record) -> None:
    assert isinstance(record.entry, NoteEntry)
    was = record.entry.data
    if (was["broker"], was["environment"]) != (profile.broker, profile.environment.value):
        raise ConfigInvalid(
            f"profile {profile.name}: the configuration says {profile.broker} {profile.environment.value}, but since"
            f" {record.at:%Y-%m-%d} this name belongs to {was['broker']} {was['environment']}; orders, permits and limits"
            " are kept under it, so give the other account a name of its own"
        )


async def bind(journal: Journal, profiles: Iterable[Profile], log: Log) -> None:
    """Remember each profile that starts here for the first time.

    On a full disk it is left to the next start: a desk that could not begin could cancel nothing either (RELIABILITY I15).
    """
    known = {record.entry.profile for record in journal.notes(BOUND)}
    fresh = [profile for profile in profiles if profile.name not in known]
    if not fresh:
        return
    try:
        await journal.commit([entry for profile in fresh for entry in _entries(profile)])
    except JournalFault as fault:
        log.error("profiles.not_bound", detail=fault.detail)


def _entries(profile: Profile) -> tuple[NoteEntry, AuditEntry]:
    data = {"broker": profile.broker, "environment": profile.environment.value}
    row = AuditEntry(
        actor="gateway",
        via="gateway",
        action=BOUND,
        object=profile.name,
        profile=profile.name,
        outcome="done",
        reason="first start",
        detail=data,
    )
    return NoteEntry(profile=profile.name, topic=BOUND, data=data), row
