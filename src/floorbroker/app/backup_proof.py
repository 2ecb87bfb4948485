"""What a backup is worth: every page whole, every record read, the audit proven, before anybody needs it.

Nothing is asked for that is not in the backup, so it is proven alike on every machine; what only the vault's key can prove,
`audit verify` does in the home that is restored.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from floorbroker.app.backup import Backup, JournalPart, Manifest
from floorbroker.app.home import Home
from floorbroker.app.proving import Given, exported, proven
from floorbroker.domain.errors import FloorbrokerError, JournalFault
from floorbroker.domain.values import Environment
from floorbroker.store.audit.notes import last_begun
from floorbroker.store.copying import copy_file, facts_of, is_whole, sync_file
from floorbroker.store.reader import JournalReader


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at; `wrong` is empty where nothing is.

    `is_vital` says that no desk could work with it; an audit that is not sound may be put back when a person says so.
    """

    what: str
    found: str
    wrong: str = ""
    is_vital: bool = True


def examine(backup: Backup) -> list[Line]:
    """Look at a copy of the backup, so that looking changes nothing of it: SQLite keeps files beside those it reads."""
    with tempfile.TemporaryDirectory(prefix="floorbroker-") as scratch:
        home = Home(Path(scratch))
        lay_out(backup, home)
        return proof_of(home, backup.manifest)


def lay_out(backup: Backup, home: Home) -> None:
    """Copy its files into an empty home, durably.  Raises `JournalFault` for a disk."""
    try:
        for part in backup.manifest.files:
            target = home.root / part.path
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            copy_file(backup.folder / part.path, target)
        for folder in {home.root, *((home.root / part.path).parent for part in backup.manifest.files)}:
            sync_file(folder)
    except OSError as error:
        raise JournalFault(f"{error.filename or home.root} cannot be written: {error.strerror}") from error


def proof_of(home: Home, manifest: Manifest) -> list[Line]:
    """Everything that can be said of a home laid out as a manifest tells; nothing is read of a database that is not whole."""
    lines = [_pages(path) for path in sorted(home.root.glob("*.db"))]
    if any(line.wrong for line in lines):
        return lines
    told = {part.environment: part for part in manifest.journals}
    for environment in Environment:
        part, is_there = told.pop(environment.value, None), home.journal(environment).exists()
        if part is not None or is_there:
            lines.append(_records(home, environment, part))
        if is_there or environment in exported(home, Given()):
            lines += _audit(home, environment)
    return [*lines, *(Line(f"records of {name}", "none", "there is no such environment") for name in told)]


def _pages(path: Path) -> Line:
    wrong = is_whole(path)
    return Line(path.name, "not whole" if wrong else "every page is whole", wrong)


def _records(home: Home, environment: Environment, part: JournalPart | None) -> Line:
    """Read as every start reads: each record decoded, none missing between the first and the last, and as many as are told."""
    what, path, count = f"records of {environment.value}", home.journal(environment), 0
    if part is None or not path.exists():
        return Line(what, "not as told", f"{path.name} and the manifest do not tell of the same journals")
    try:
        for count, seq in enumerate(_sequence(path), start=1):
            if seq != count:
                return Line(what, f"{count - 1} read", f"record {count} is missing")
        facts = facts_of(path)
    except JournalFault as fault:
        return Line(what, f"{count} read", fault.detail)
    if count != part.last_seq:
        return Line(what, f"{count} read", f"the backup was made with {part.last_seq}")
    members = ("environment", "instance_tag", "epoch", "schema")
    other = [name for name in members if getattr(facts, name) != getattr(part, name)]
    return Line(what, f"{count} read", f"its {', '.join(other)} is not what the manifest says" if other else "")


def _sequence(path: Path) -> Iterator[int]:
    reader = JournalReader(path)
    try:
        for record in reader.replay():
            yield record.seq
    finally:
        reader.close()


def _audit(home: Home, environment: Environment) -> list[Line]:
    """Older segments may have been moved away, so the chain may begin later than with its first record."""
    what = f"audit of {environment.value}"
    if environment not in exported(home, Given()):
        wrong = "the journal's rows leave in a chain, and there is none" if _has_chain(home, environment) else ""
        return [Line(what, "not there", wrong, is_vital=False)] if wrong else []
    try:
        verdict = proven(home, environment, Given(is_archived=True))
    except FloorbrokerError as error:
        return [Line(what, "not proven", error.detail, is_vital=False)]
    if (finding := verdict.finding) is not None:
        return [Line(what, "not sound", f"{finding.kind} at record {finding.seq}: {finding.detail}", is_vital=False)]
    begins = f" from {verdict.first} on" if verdict.first > 1 else ""
    return [Line(what, f"sound: {verdict.records} records{begins}, {verdict.waiting} wait to be exported")]


def _has_chain(home: Home, environment: Environment) -> bool:
    reader = JournalReader(home.journal(environment))
    try:
        return last_begun(reader) is not None
    finally:
        reader.close()
