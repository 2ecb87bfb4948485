"""A backup put back in the place of a home, by a person, with no desk running.

It is laid out inside the home, under a name of its own, proven there as `db verify` proves it, and made ready; only then is
what was there put aside, and the new files are renamed into their places.  Until that moment nothing of the home has changed.

What was forgotten since the copy, the venues still know.  A restored journal gets an epoch far above the copy's, so that no
record written from now on can be taken for one that was lost.  Nothing is sent before a person has looked: no permit comes
back, and a kill of level 1 lies beside the journals.  Nobody comes in again by a session, or by what was taken from them since.
"""

from __future__ import annotations

import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from floorbroker.app.acts import row_of
from floorbroker.app.backup import Backup, BackupDamaged, JournalPart
from floorbroker.app.backup_proof import Line, lay_out, proof_of
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
from floorbroker.store.copying import Facts, facts_of, sync_file
from floorbroker.store.sqlite import SqliteJournal

EPOCH_LEAP = 1000
ACCEPT = "if that is what you mean: --accept-older"
UNPROVEN = "to put it back all the same: --accept-unproven"
_STAGED = ".restoring"
_KEPT = frozenset({"lock", "reserve", ".env_bot", "setup-token", _STAGED})  # of the machine, not of the records


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done: `aside` is where the home's former files are, None where it had none.

    `people` is how many users and tokens of the copy became what they were last; None where nobody knows what they were.
    `lines` is what was looked at before.
    """

    journals: tuple[JournalPart, ...]
    epochs: dict[str, int]
    aside: Path | None
    people: int | None
    lines: tuple[Line, ...]


async def put_back(
    home: Home,
    backup: Backup,
    *,
    clock: Clock,
    caller: Caller,
    accept_older: bool = False,
    accept_unproven: bool = False,
) -> Restored:
    """Put a backup in the place of what is in the home, which is kept aside.

    Raises `Conflict` while a desk has the home, for an older journal over a newer one, and for the journal of another
    installation, the last two unless `accept_older` says that it is meant.  Raises `BackupDamaged` for whatever `db verify`
    calls wrong; of an audit that is not sound `accept_unproven` says that it is meant.
    """
    with nobody_else(home), _staged(home) as staged:
        present = _present(home)
        if not accept_older and (why := objection(present, backup.manifest.journals)):
            raise Conflict(f"{why}; {ACCEPT}")
        lay_out(backup, staged)
        lines = proof_of(staged, backup.manifest)
        _assert_proven(lines, accept_unproven=accept_unproven)
        FilePermits(staged).write_sentinel(Sentinel(level=1, scope=GLOBAL, reason=_reason(backup), by=caller.principal))
        epochs = {
            part.environment: await _begin_anew(staged, part, present, backup=backup, clock=clock, caller=caller)
            for part in backup.manifest.journals
        }
        is_known = home.desk.exists() and _is_ours(present, backup.manifest.journals)
        before = home.desk if is_known else None
        people = await settle(staged.desk, before, now=clock.now()) if staged.desk.exists() else None
        aside = _set_aside(home, clock.now())
        _put_in_place(home, staged)
    return Restored(backup.manifest.journals, epochs, aside, people, tuple(lines))


def _assert_proven(lines: Sequence[Line], *, accept_unproven: bool) -> None:
    wrong = [line for line in lines if line.wrong and (line.is_vital or not accept_unproven)]
    if not wrong:
        return
    advice = "" if any(line.is_vital for line in wrong) else f"; {UNPROVEN}"
    raise BackupDamaged("; ".join(f"{line.what}: {line.wrong}" for line in wrong) + advice)


@contextmanager
def _staged(home: Home) -> Generator[Home]:
    """An empty home inside the home, on the same disk; whatever is left of it goes at the end, and before the next one."""
    root = home.root / _STAGED
    shutil.rmtree(root, ignore_errors=True)
    try:
        root.mkdir(mode=0o700)
        yield Home(root)
    except OSError as error:
        raise JournalFault(f"{error.filename or root} cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(root, ignore_errors=True)


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
    mine = [p for p in sorted(home.root.iterdir()) if not _stays(p)]
    if not mine:
        return None
    aside = home.root / f"replaced-{now:%Y%m%dT%H%M%SZ}"
    aside.mkdir(mode=0o700)
    for path in mine:
        path.rename(aside / path.name)
    sync_file(aside)
    return aside


def _stays(path: Path) -> bool:
    return path.name in _KEPT or path.suffix == ".lock" or (path.is_dir() and path.name.startswith("replaced-"))


def _put_in_place(home: Home, staged: Home) -> None:
    """The kill first and journals last: a home without them trades for nobody, and the next try begins from the start."""
    mine = [path for path in sorted(staged.root.iterdir()) if not _stays(path)]
    for path in sorted(mine, key=lambda path: (path.name.startswith("journal-"), path.name != home.kill.name)):
        path.rename(home.root / path.name)
    sync_file(home.root)


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
