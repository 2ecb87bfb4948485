"""A chain with everything a verifier may hold, and seeded ways to tamper with it.

`python -m tests.unit.store.audit.tampering --cases 20000` plays the cases, first with the first key and the key of the chain
alone, then with journal and copy as well, and prints how many were missed, and how many were found at another record.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from floorbroker.store.audit.copying import Copy
from floorbroker.store.audit.evidence import Finding
from floorbroker.store.audit.notes import begun_note, checkpoint_note, node_of
from floorbroker.store.audit.rows import audit_pages
from floorbroker.store.reader import JournalReader
from tests.unit.store.audit.chains import MINUTE, Desk
from tests.unit.store.making import audited, opened

RECORDS = 40
BATCHES = (3, 5, 1, 6, 7, 2, 4, 5, 3, 4)
Lines = list[bytes]


@dataclass
class World:
    """A finished chain of `RECORDS` records, its journal, and its copy off the host."""

    root: Path
    desk: Desk
    reader: JournalReader
    segments: dict[str, Lines] = field(default_factory=dict[str, Lines])

    @property
    def copy(self) -> Path:
        return self.root / "copy"

    def restore(self) -> None:
        """Every segment as it was."""
        for _, path in self.desk.places.segments():
            path.unlink()
        self.write(self.segments)

    def write(self, segments: dict[str, Lines]) -> None:
        for name, lines in segments.items():
            (self.desk.folder / name).write_bytes(b"".join(lines))


async def made(root: Path, *, seed: int = 1) -> World:
    journal = opened(root / "journal-paper.db")
    desk = Desk(root / "audit", segment_bytes=3_000, random=Random(seed))
    chain = desk.chain()
    await journal.commit([begun_note(chain.signing.public_key(), 0)])
    done = 0
    for count in BATCHES:
        await journal.commit([audited(done + place) for place in range(1, count + 1)])
        done, desk.at = done + count, desk.at + MINUTE
        rows = [
            row for page in audit_pages(journal.reader, node=node_of(journal.reader), after=chain.size) for row in page
        ]
        points = chain.extend(rows, at=desk.at)
        await journal.commit([checkpoint_note(point) for point in points])
    assert chain.size == RECORDS
    Copy(places=desk.places, folder=root / "copy").bring(chain.standing)
    await journal.close()
    segments = {path.name: path.read_bytes().splitlines(keepends=True) for _, path in desk.places.segments()}
    assert len(segments) > 3
    return World(root, desk, JournalReader(root / "journal-paper.db"), segments)


# -- ways to tamper -----------------------------------------------------------------------------------------------------


Tamper = Callable[[dict[str, Lines], Random], None]
_SEQ = re.compile(rb'"seq":"\d+"')


def change(segments: dict[str, Lines], random: Random) -> None:
    """One bit of one line, its line feed left alone."""
    lines, place = _any(segments, random)
    data = bytearray(lines[place])
    at = random.randrange(len(data) - 1)
    data[at] ^= 1 << random.randrange(8)
    if b"\n" in data[:-1]:
        data[at] = ord("~") if lines[place][at] != ord("~") else ord("|")
    lines[place] = bytes(data)


def change_word(segments: dict[str, Lines], random: Random) -> None:
    """A value, in a way that still reads well."""
    lines, place = _any(segments, random)
    found = list(re.finditer(rb'"([^"]{1,})"', lines[place]))
    chosen = random.choice(found)
    word = bytes(random.choice(b"abcdef0123456789") for _ in chosen[1])
    line = lines[place][: chosen.start(1)] + word + lines[place][chosen.end(1) :]
    lines[place] = line if line != lines[place] else lines[place].replace(chosen[0], b'"X' + word + b'"', 1)


def remove(segments: dict[str, Lines], random: Random) -> None:
    """One line, or several in a row."""
    lines, place = _any(segments, random)
    del lines[place : place + random.choice((1, 1, 1, 2, 5))]


def reorder(segments: dict[str, Lines], random: Random) -> None:
    """Two lines of one segment, or of two, in each other's place."""
    while True:
        first, second = _any(segments, random), _any(segments, random)
        if first[0][first[1]] != second[0][second[1]]:
            break
    first[0][first[1]], second[0][second[1]] = second[0][second[1]], first[0][first[1]]


def insert(segments: dict[str, Lines], random: Random) -> None:
    """A line from elsewhere, as it is or with another number; or words."""
    lines, place = _any(segments, random)
    other, which = _any(segments, random)
    words = random.choice((other[which], _SEQ.sub(b'"seq":"%d"' % random.randrange(60), other[which]), b"{}\n", b"\n"))
    lines.insert(place + random.randrange(2), words)


def truncate(segments: dict[str, Lines], random: Random) -> None:
    """The end of the last segment, at a line or in the middle of one; or of any other."""
    name = random.choice([list(segments)[-1], random.choice(list(segments))])
    data = b"".join(segments[name])
    end = random.choice(
        (random.randrange(len(data)), len(b"".join(segments[name][: random.randrange(len(segments[name]))])))
    )
    segments[name] = data[:end].splitlines(keepends=True)


def segment(segments: dict[str, Lines], random: Random) -> None:
    """A whole segment: gone, another in its place, its head of another, twice."""
    names = list(segments)
    name, other = random.sample(names, 2)
    match random.randrange(5):
        case 0:
            del segments[name]
        case 1:
            segments[name], segments[other] = segments[other], segments[name]
        case 2:
            segments[name][0] = segments[other][0]
        case 3:
            segments[f"paper-{len(names) + 1:06}.jsonl"] = list(segments[name])
        case _:
            segments[name] = segments[name][:1]


TAMPERS: tuple[Tamper, ...] = (change, change_word, remove, reorder, insert, truncate, segment)


def _any(segments: dict[str, Lines], random: Random) -> tuple[Lines, int]:
    lines = random.choice([lines for lines in segments.values() if lines])
    return lines, random.randrange(len(lines))


# -- what must be named -------------------------------------------------------------------------------------------------


def flat(segments: dict[str, Lines]) -> Lines:
    return [line for _, lines in sorted(segments.items()) for line in lines]


def first_bad(was: Lines, now: Lines) -> set[int]:
    """The record, or the two around a checkpoint or a head, that must be named; a checkpoint that is gone can first be
    missed behind the one before it.
    """
    place = next(
        (n for n, pair in enumerate(zip(was, now, strict=False)) if pair[0] != pair[1]), min(len(was), len(now))
    )
    records = _records(was[:place])
    if place < len(was) and _is_record(was[place]):
        return {records + 1}
    since = max((_records(was[:n]) for n in range(place) if not _is_record(was[n])), default=0)
    return {records, records + 1} | ({since + 1} if place < len(was) else set())


def _records(lines: Lines) -> int:
    return sum(1 for line in lines if _is_record(line))


def _is_record(line: bytes) -> bool:
    return line.startswith(b'{"action"')


@dataclass
class Tally:
    """What became of the cases."""

    cases: Counter[str] = field(default_factory=Counter[str])
    missed: list[str] = field(default_factory=list[str])
    misnamed: list[str] = field(default_factory=list[str])

    def line(self) -> str:
        kinds = " ".join(f"{name} {count}" for name, count in sorted(self.cases.items()))
        return f"tampering cases {self.cases.total()} missed {len(self.missed)} misnamed {len(self.misnamed)} ({kinds})"


def play(world: World, *, cases: int, seed: int, judge: Callable[[World], Finding | None]) -> Tally:
    """Tamper, verify, restore; the seed of a case is its number after `seed`."""
    tally, was = Tally(), flat(world.segments)
    for number in range(seed, seed + cases):
        random = Random(number)
        tamper = TAMPERS[number % len(TAMPERS)]
        segments = {name: list(lines) for name, lines in world.segments.items()}
        tamper(segments, random)
        if flat(segments) == was and segments.keys() == world.segments.keys():
            continue
        for _, path in world.desk.places.segments():
            path.unlink()
        world.write(segments)
        _judge(tally, f"{tamper.__name__}@{number}", judge(world), first_bad(was, flat(segments)))
        tally.cases[tamper.__name__] += 1
    world.restore()
    return tally


def _judge(tally: Tally, name: str, finding: Finding | None, wanted: set[int]) -> None:
    if finding is None:
        tally.missed.append(name)
    elif finding.seq not in wanted:
        tally.misnamed.append(f"{name}: {finding} instead of {sorted(wanted)}")


def with_everything(world: World) -> Finding | None:
    """The first key, the key of the chain, the journal and the copy."""
    return world.desk.verify(journal=world.reader, copy=world.copy).finding


def with_the_first_key(world: World) -> Finding | None:
    """The first key and the key of the chain alone."""
    return world.desk.verify().finding


def main() -> int:
    parser = argparse.ArgumentParser(prog="tampering", description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="floorbroker-tampering-"))
    try:
        world = asyncio.run(made(root))
        tallies = [
            play(world, cases=chosen.cases, seed=chosen.seed, judge=j) for j in (with_the_first_key, with_everything)
        ]
    finally:
        shutil.rmtree(root)
    for tally in tallies:
        sys.stdout.write("\n".join([*tally.missed[:20], *tally.misnamed[:20], tally.line()]) + "\n")
    return 1 if any(tally.missed or tally.misnamed for tally in tallies) else 0


if __name__ == "__main__":
    sys.exit(main())
