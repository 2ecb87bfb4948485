"""What became different between the specifications we build against and a newer copy, told per operation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.contracts.operations import Operations, read
from tests.contracts.shapes import Lines

READABLE = frozenset({".json", ".yaml", ".yml", ".proto"})
_VERSION = re.compile(r"[-_.]?v?\d+(\.\d+)+")


@dataclass(frozen=True, slots=True)
class Change:
    """One operation: places that were `added`, `removed`, and those of which something else is said now."""

    added: Lines = field(default_factory=dict[str, str])
    removed: Lines = field(default_factory=dict[str, str])
    changed: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])


@dataclass(frozen=True, slots=True)
class Drift:
    """One file.  `trouble` says why it could not be compared."""

    file: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: Mapping[str, Change] = field(default_factory=dict[str, Change])
    trouble: str = ""

    @property
    def is_none(self) -> bool:
        return not (self.added or self.removed or self.changed or self.trouble)


def compare(old: Operations, new: Operations, *, file: str = "") -> Drift:
    """What a newer reading of a specification says otherwise."""
    changed = {name: change for name in old if name in new and (change := _change(old[name], new[name])) is not None}
    return Drift(
        file=file,
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
        changed=dict(sorted(changed.items())),
    )


def _change(old: Lines, new: Lines) -> Change | None:
    if old == new:
        return None
    return Change(
        added={place: new[place] for place in sorted(new.keys() - old.keys())},
        removed={place: old[place] for place in sorted(old.keys() - new.keys())},
        changed={p: (old[p], new[p]) for p in sorted(old.keys() & new.keys()) if old[p] != new[p]},
    )


def compared(ours: Path, newer: Path) -> Iterator[Drift]:
    """Every file of two folders, by name; a version in a name does not make it another file."""
    old, new = _files(ours), _files(newer)
    for key in sorted(old.keys() | new.keys()):
        if key not in new:
            yield Drift(file=str(old[key].relative_to(ours)), trouble="not among the newer ones")
        elif key not in old:
            yield Drift(file=str(new[key].relative_to(newer)), trouble="not among ours: a new file")
        else:
            yield _of_files(old[key], new[key], str(old[key].relative_to(ours)))


def _of_files(old: Path, new: Path, file: str) -> Drift:
    if old.read_bytes() == new.read_bytes():
        return Drift(file=file)
    try:
        return compare(read(old), read(new), file=file)
    except (ValueError, OSError) as error:
        return Drift(file=file, trouble=str(error))


def _files(folder: Path) -> dict[str, Path]:
    found = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix in READABLE]
    return {_VERSION.sub("", str(path.relative_to(folder))): path for path in found}


def told(drift: Drift, *, most: int = 20) -> Iterator[str]:
    """A drift as lines for people; of one operation at most so many places are shown."""
    if drift.trouble:
        yield f"{drift.file}: {drift.trouble}"
        return
    counts = f"{len(drift.added)} added, {len(drift.removed)} removed, {len(drift.changed)} changed"
    yield f"{drift.file}: {counts}"
    yield from (f"  + {name}" for name in drift.added)
    yield from (f"  - {name}" for name in drift.removed)
    for name, change in drift.changed.items():
        yield f"  ~ {name}"
        lines = [f"      + {place.strip()}: {text}" for place, text in change.added.items()]
        lines += [f"      - {place.strip()}: {text}" for place, text in change.removed.items()]
        lines += [f"      ~ {place.strip()}: {was} -> {now}" for place, (was, now) in change.changed.items()]
        yield from lines[:most]
        if len(lines) > most:
            yield f"      ... and {len(lines) - most} more"
