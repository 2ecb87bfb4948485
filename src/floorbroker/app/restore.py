"""A backup put back in the place of a home, by a person, with no desk running.

What was forgotten since the copy, the venues still know.  A restored journal gets an epoch far above the copy's, so that no
record written from now on can be taken for one that was lost.  Nothing is sent before a person has looked: no permit comes
back, and a kill of level 1 lies beside the journals.  Nobody comes in again by a session, or by what was taken from them since.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from floorbroker.app.acts import row_of
from floorbroker.app.backup import Backup, JournalPart
from floorbroker.app.exclusive import nobody_else
from floorbroker.app.home import Home
from floorbroker.app.people.restored import settle
from floorbroker.app.permits import FilePermits
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import Conflict, JournalFault
from floorbroker.domain.ports import NoteEntry
from floorbroker.domain.values import Environment
from floorbroker.gateway.desk import Caller
from floorbroker.gateway.kill import GLOBAL, Sentinel
from floorbroker.oms.lost import RESTORED
from floorbroker.store.copying import Facts, copy_file, facts_of, sync_file
from floorbroker.store.sqlite import SqliteJournal

EPOCH_LEAP = 1000
ACCEPT = "if that is what you mean: --accept-older"
_KEPT = frozenset({"lock", "reserve", ".env_bot", "setup-token"})  # of the machine, not of the records


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done: `aside` is where the home's former files are, None where it had none.

    `people` is how many users and tokens of the copy became what they were last; None where nobody knows what they were.
    """

    journals: tuple[JournalPart, ...]
    epochs: dict[str, int]
    aside: Path | None
    people: int | None


async def put_back(home: Home, backup: Backup, *, clock: Clock, caller: Caller, accept_older: bool = False) -> Restored:
    """Put a backup in the place of what is in the home, which is kept aside.

    Raises `Conflict` while a desk has the home, for an older journal over a newer one, and for the journal of another
    installation, the last two unless `accept_older` says that it is meant.
    """
    with nobody_else(home):
        present = _present(home)
        if not accept_older and (why := objection(present, backup.manifest.journals)):
            raise Conflict(f"{why}; {ACCEPT}")
        aside = _set_aside(home, clock.now())
        _copy(home, backup)
        FilePermits(home).write_sentinel(Sentinel(level=1, scope=GLOBAL, reason=_reason(backup), by=caller.principal))
    epochs = {
        part.environment: await _begin_anew(home, part, present, backup=backup, clock=clock, caller=caller)
        for part in backup.manifest.journals
    }
    before = None if aside is None else aside / home.desk.name
    is_known = before is not None and before.exists() and _is_ours(present, backup.manifest.journals)
    people = await settle(home.desk, before if is_known else None, now=clock.now()) if home.desk.exists() else None
    return Restored(backup.manifest.journals, epochs, aside, people)


Present = dict[str, Facts | str]
"""The journals in a home by environment; text says why one cannot be read."""


def objection(present: Present, copies: tuple[JournalPart, ...]) -> str:
    """Why these copies must not take the place of what is there; empty when they may."""
    by_environment = {copy.environment: copy for copy in copies}
    for environment, facts in present.items():
        copy = by_environment.get(environment)
        if isinstance(facts, str):
            return f"{facts}, so nobody can say whether the copy is older"
        if copy is None:
            return f"the home has a journal of {environment} and the backup has none"
        if copy.instance_tag != facts.instance_tag:
            return f"the journal of {environment} in the home is another installation's"
        if (copy.epoch, copy.last_seq) < (facts.epoch, facts.last_seq):
            lost = facts.last_seq - copy.last_seq
            return (
                f"the journal of {environment} in the home is newer: it has come to {facts.last_seq} in epoch {facts.epoch}, "
                f"the copy to {copy.last_seq} in epoch {copy.epoch} ({lost} records would be set aside)"
            )
    return ""


def _is_ours(present: Present, copies: tuple[JournalPart, ...]) -> bool:
    """Whether the home was of the same installation as the copy, as far as its journals can be read."""
    tags = {copy.environment: copy.instance_tag for copy in copies}
    return any(
        isinstance(facts, Facts) and facts.instance_tag == tags.get(environment)
        for environment, facts in present.items()
    )


def _present(home: Home) -> Present:
    found: Present = {}
    for environment in Environment:
        if (path := home.journal(environment)).exists():
            try:
                found[environment.value] = facts_of(path)
            except JournalFault as fault:
                found[environment.value] = fault.detail
    return found


def _set_aside(home: Home, now: datetime) -> Path | None:
    """Move what is there into a folder of its own: nothing is deleted."""
    mine = [p for p in sorted(home.root.iterdir()) if p.name not in _KEPT and not _is_aside(p)]
    mine = [p for p in mine if not p.name.endswith(".lock")]
    if not mine:
        return None
    aside = home.root / f"replaced-{now:%Y%m%dT%H%M%SZ}"
    aside.mkdir(mode=0o700)
    for path in mine:
        path.rename(aside / path.name)
    sync_file(aside)
    return aside


def _is_aside(path: Path) -> bool:
    return path.is_dir() and path.name.startswith("replaced-")


def _copy(home: Home, backup: Backup) -> None:
    """Journals last: a home without them trades for nobody, and the next try begins from the start."""
    parts = sorted(backup.manifest.files, key=lambda part: part.path.startswith("journal-"))
    try:
        for part in parts:
            target = home.root / part.path
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            copy_file(backup.folder / part.path, target)
        for folder in {(home.root / part.path).parent for part in parts}:
            sync_file(folder)
    except OSError as error:
        raise JournalFault(f"{error.filename or home.root} cannot be written: {error.strerror}") from error


async def _begin_anew(
    home: Home, part: JournalPart, present: Present, *, backup: Backup, clock: Clock, caller: Caller
) -> int:
    """Claim a restored journal for an epoch that no lost record can have, and write into it what happened."""
    before = present.get(part.environment)
    known = max(part.epoch, before.epoch if isinstance(before, Facts) else 0)
    environment = Environment(part.environment)
    journal = SqliteJournal.open(
        home.journal(environment), clock=clock, environment=environment, epoch=known + EPOCH_LEAP
    )
    told = {
        "backup": backup.manifest.made_at,
        "last_seq": str(part.last_seq),
        "epoch": str(part.epoch),
        "replaced": str(before.last_seq) if isinstance(before, Facts) else "",
    }
    try:
        row = row_of(caller, "db.restore", backup.folder.name[:64], "done", reason=_reason(backup), detail=told)
        await journal.commit([row, NoteEntry(profile=GLOBAL, topic=RESTORED, data=told)])
        return journal.epoch
    finally:
        await journal.close()


def _reason(backup: Backup) -> str:
    return f"restored from the backup of {backup.manifest.made_at}: reconcile, look, then open it"


__all__ = ["EPOCH_LEAP", "Restored", "objection", "put_back"]
