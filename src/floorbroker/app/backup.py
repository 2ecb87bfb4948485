"""A home copied while its desk trades, so that the parts fit each other.

The order makes them fit.  What bots remember is copied first: one that wakes up earlier than the journal asks again under the
same names, and is answered with the orders that are there.  The audit's key is copied before its files: what stands in them
behind the key was never done.  Then comes the journal, which so has every row that the chain has; then the vault, which so is
no older than the journal remembers.  Where the journal knows a checkpoint that the copied chain does not, both are copied once
more.

What is not copied: permits and lock, so that a restored desk trades only after a person has looked; tokens and plain secrets;
whatever is made anew.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

import msgspec

from floorbroker.app.home import Home, write_private
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import Conflict, InvalidRequest, JournalFault, NotFound
from floorbroker.domain.values import Environment, time_text
from floorbroker.store.audit import keys
from floorbroker.store.audit.notes import checkpoint_notes
from floorbroker.store.audit.places import Places
from floorbroker.store.copying import copy_database, copy_file, facts_of, sync_file
from floorbroker.store.reader import JournalReader

MANIFEST = "manifest.json"
TRIES = 5
NAME = re.compile(r"floorbroker-\d{8}T\d{6}Z(-\d+)?")
_PLAIN = ("floorbroker.toml", "kill", "decisions.jsonl", "unresolved_orders.log", "unresolved_orders.log.1")
_VERSION = "1"


class JournalPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a copied journal had come."""

    environment: str
    instance_tag: int
    epoch: int
    last_seq: int
    schema: str


class FilePart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A copied file, by its way from the backup's folder."""

    path: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a backup holds.  It is written last: a folder without it is no backup."""

    made_at: str
    build: str
    journals: tuple[JournalPart, ...]
    files: tuple[FilePart, ...]
    v: str = _VERSION


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup in its folder, which is laid out as a home."""

    folder: Path
    manifest: Manifest


def make(home: Home, into: Path, *, clock: Clock, build: str) -> Backup:
    """Copy a home into a new folder inside `into`.  Raises `NotFound` where there is nothing, `JournalFault` for a disk."""
    journals = [environment for environment in Environment if home.journal(environment).exists()]
    if not journals:
        raise NotFound(f"there is no journal in {home.root}: nothing to back up")
    if into.resolve().is_relative_to(home.root.resolve()):
        raise InvalidRequest(f"{into} is inside the home: a backup beside what it protects is lost with it")
    try:
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _made(home, into, journals, now=clock.now(), build=build)
    except OSError as error:
        raise JournalFault(f"{error.filename or into} cannot be written: {error.strerror or error}") from error


def _made(home: Home, into: Path, journals: Sequence[Environment], *, now: datetime, build: str) -> Backup:
    folder = _free(into, f"floorbroker-{now:%Y%m%dT%H%M%SZ}")
    partial = into / f".{folder.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    try:
        _copy_folder(home.bots, partial)
        parts = [_copy_records(home, Home(partial), environment) for environment in journals]
        _copy_rest(home, Home(partial))
        manifest = Manifest(made_at=time_text(now), build=build, journals=tuple(parts), files=tuple(_files(partial)))
        write_private(partial / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)).decode() + "\n")
        for path in _folders(partial):
            sync_file(path)
        partial.rename(folder)
        sync_file(into)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return Backup(folder, manifest)


def _free(into: Path, name: str) -> Path:
    numbers = (into / (name if number == 1 else f"{name}-{number}") for number in range(1, 1000))
    return next(path for path in numbers if not path.exists())


# -- journal and audit, which must fit ------------------------------------------------------------------------------------


def _copy_records(home: Home, copy: Home, environment: Environment) -> JournalPart:
    """Audit, then journal, until the chain knows every checkpoint that the journal does."""
    target = copy.journal(environment)
    for _ in range(TRIES):
        _copy_audit(home, copy, environment)
        target.unlink(missing_ok=True)
        copy_database(home.journal(environment), target)
        if not _is_ahead(target, Places(copy.audit, environment)):
            facts = facts_of(target)
            return JournalPart(
                environment=facts.environment,
                instance_tag=facts.instance_tag,
                epoch=facts.epoch,
                last_seq=facts.last_seq,
                schema=facts.schema,
            )
    raise JournalFault(f"the audit of {environment.value} was always ahead of its copy; try again when less happens")


def _copy_audit(home: Home, copy: Home, environment: Environment) -> None:
    """The key first, then the files it speaks of."""
    ours, theirs = Places(home.audit, environment), Places(copy.audit, environment)
    for path in theirs.all():
        path.unlink()
    if not ours.key.exists():
        return
    theirs.folder.mkdir(mode=0o700, exist_ok=True)
    _copy_key(ours.key, theirs.key)
    for path in ours.all():
        if path != ours.key:
            copy_file(path, theirs.folder / path.name)


def _copy_key(source: Path, target: Path) -> None:
    """The key as it stands, caught between two of its steps."""
    for attempt in range(TRIES):
        target.unlink(missing_ok=True)
        copy_file(source, target)
        try:
            keys.load(target)
        except JournalFault:
            if attempt == TRIES - 1:
                raise
        else:
            return


def _is_ahead(journal: Path, places: Places) -> bool:
    """Whether a copied journal remembers a checkpoint that the copied chain does not have yet."""
    standing = keys.load(places.key)
    reader = JournalReader(journal)
    try:
        if standing is None:
            return False
        noted = checkpoint_notes(reader, log=standing.log, upto=reader.last_seq)
        return max((note.number for note in noted), default=-1) > standing.checkpoint
    finally:
        reader.close()


# -- the rest -------------------------------------------------------------------------------------------------------------


def _copy_rest(home: Home, copy: Home) -> None:
    if home.vault.exists():
        copy_file(home.vault, copy.vault)
    if home.desk.exists():
        copy_database(home.desk, copy.desk)
    for name in _PLAIN:
        with suppress(FileNotFoundError):
            copy_file(home.root / name, copy.root / name)
    _copy_folder(home.root / "paper", copy.root)


def _copy_folder(folder: Path, into: Path) -> None:
    """The files of a folder without those that are being written, whose names begin with a point."""
    if folder.is_dir():
        (into / folder.name).mkdir(mode=0o700)
        for path in sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith(".")):
            copy_file(path, into / folder.name / path.name)


def _folders(folder: Path) -> list[Path]:
    return [folder, *(path for path in folder.rglob("*") if path.is_dir())]


def _files(folder: Path) -> Iterator[FilePart]:
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        yield FilePart(path=path.relative_to(folder).as_posix(), bytes=path.stat().st_size, sha256=digest_of(path))


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, in hex.  Raises `OSError`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# -- reading one again ----------------------------------------------------------------------------------------------------


class BackupDamaged(Conflict):
    """A backup is not what its manifest says."""


def read(folder: Path) -> Backup:
    """A backup, every file of it compared with its manifest.  Raises `NotFound`, `BackupDamaged` naming the first wrong one."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise NotFound(f"{folder} is no backup: it has no {MANIFEST}") from None
    except (OSError, msgspec.MsgspecError) as error:
        raise BackupDamaged(f"{folder / MANIFEST} cannot be read: {error}") from None
    if manifest.v != _VERSION:
        raise BackupDamaged(
            f"{folder} is a backup of format {manifest.v}, this build knows {_VERSION}; update Floorbroker"
        )
    for part in manifest.files:
        if wrong := _wrong(folder, part):
            raise BackupDamaged(f"{folder / part.path} {wrong}")
    return Backup(folder, manifest)


def _wrong(folder: Path, part: FilePart) -> str:
    path, way = folder / part.path, PurePosixPath(part.path)
    if way.is_absolute() or ".." in way.parts or not path.resolve().is_relative_to(folder.resolve()):
        return "is not inside the backup"
    try:
        if path.stat().st_size != part.bytes:
            return f"has {path.stat().st_size} bytes and had {part.bytes}"
        return "" if digest_of(path) == part.sha256 else "was changed since the backup"
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def backups_in(folder: Path) -> list[Path]:
    """Every finished backup in a folder, oldest first."""
    found = (p for p in folder.iterdir() if NAME.fullmatch(p.name) and (p / MANIFEST).is_file())
    return sorted(found, key=lambda path: (path.name[:28], len(path.name), path.name))


def prune(folder: Path, keep: int) -> list[Path]:
    """Remove all but the newest backups in a folder; those that went."""
    gone = backups_in(folder)[:-keep] if keep > 0 else []
    for path in gone:
        (path / MANIFEST).unlink()  # first, so that half of one is none
        shutil.rmtree(path)
    return gone
