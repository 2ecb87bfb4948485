"""What a backup is worth: every page whole, every record read, the audit proven, before anybody needs it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from floorbroker.app.backup import Backup
from floorbroker.app.home import Home
from floorbroker.app.proving import Given, exported, proven
from floorbroker.domain.errors import FloorbrokerError, JournalFault
from floorbroker.domain.values import Environment
from floorbroker.store.copying import copy_file, is_whole
from floorbroker.store.reader import JournalReader


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at; `wrong` is empty where nothing is."""

    what: str
    found: str
    wrong: str = ""


def examine(backup: Backup) -> list[Line]:
    """Look at a copy of the backup, so that looking changes nothing of it: SQLite keeps files beside those it reads."""
    with tempfile.TemporaryDirectory(prefix="floorbroker-") as scratch:
        home = _laid_out(backup, Path(scratch))
        databases = sorted(path for path in home.root.glob("*.db"))
        lines = [_pages(path) for path in databases]
        if any(line.wrong for line in lines):
            return lines
        lines += [_records(home, Environment(part.environment), part.last_seq) for part in backup.manifest.journals]
        lines += [_audit(home, environment) for environment in exported(home, Given())]
        return lines


def _laid_out(backup: Backup, scratch: Path) -> Home:
    try:
        for part in backup.manifest.files:
            target = scratch / part.path
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            copy_file(backup.folder / part.path, target)
    except OSError as error:
        raise JournalFault(f"{error.filename or scratch} cannot be written: {error.strerror}") from error
    return Home(scratch)


def _pages(path: Path) -> Line:
    wrong = is_whole(path)
    return Line(path.name, "not whole" if wrong else "every page is whole", wrong)


def _records(home: Home, environment: Environment, last_seq: int) -> Line:
    """Read as every start reads: each record decoded, none missing between the first and the last."""
    what, count = f"records of {environment.value}", 0
    reader = JournalReader(home.journal(environment))
    try:
        for count, record in enumerate(reader.replay(), start=1):
            if record.seq != count:
                return Line(what, f"{count - 1} read", f"record {count} is missing")
    except JournalFault as fault:
        return Line(what, f"{count} read", fault.detail)
    finally:
        reader.close()
    wrong = "" if count == last_seq else f"the backup was made with {last_seq}"
    return Line(what, f"{count} read", wrong)


def _audit(home: Home, environment: Environment) -> Line:
    what = f"audit of {environment.value}"
    try:
        verdict = proven(home, environment, Given())
    except FloorbrokerError as error:
        return Line(what, "not proven", error.detail)
    if verdict.finding is not None:
        return Line(
            what, "not sound", f"{verdict.finding.kind} at record {verdict.finding.seq}: {verdict.finding.detail}"
        )
    return Line(what, f"sound: {verdict.records} records, {verdict.waiting} wait to be exported")
