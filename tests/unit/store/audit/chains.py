"""Chains for the tests: rows, a folder they were written to, and everything that a verifier may be given."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.store.audit.chain import Chain, begun, opened
from floorbroker.store.audit.checkpoint import read_public
from floorbroker.store.audit.evidence import Evidence, Verdict
from floorbroker.store.audit.files import Files
from floorbroker.store.audit.places import Places
from floorbroker.store.audit.rows import Row
from floorbroker.store.audit.verify import verify
from tests.unit.store.making import START

SMALL_SEGMENT = 4_000
MINUTE = timedelta(minutes=1)


def row(number: int, **detail: str) -> Row:
    return Row(
        action="order.submit", actor="owner", detail=detail or {"qty": "10", "symbol": "AAPL"}, env="paper", epoch="1",
        mono=str(number), node="desk-001", object=f"intent-{number}", outcome="sending", profile="alpaca-paper",
        reason="", req=f"req-{number}", seq=str(number), ts="2026-03-02T14:30:00.000000000Z", v="1", via="cli",
    )  # fmt: skip


def rows(count: int, *, after: int = 0) -> list[Row]:
    return [row(number) for number in range(after + 1, after + count + 1)]


@dataclass
class Kept:
    """An escrow that remembers."""

    keys: list[Secret] = field(default_factory=list[Secret])

    def __call__(self, first: Secret) -> None:
        self.keys.append(first)


@dataclass
class Desk:
    """One folder of a chain, its first key, and the time."""

    folder: Path
    kept: Kept = field(default_factory=Kept)
    at: datetime = START
    segment_bytes: int = SMALL_SEGMENT
    files: Files = field(default_factory=Files)
    random: Random = field(default_factory=SystemRandom)  # of the keys; a seeded one makes the same chain again

    @property
    def places(self) -> Places:
        return Places(self.folder, Environment.PAPER)

    def chain(self) -> Chain:
        """As a start has it: the one that is there, or a new one."""
        found = opened(self.places, files=self.files, segment_bytes=self.segment_bytes)
        if found is not None:
            return found
        return begun(
            self.places, at=self.at, escrow=self.kept, files=self.files, segment_bytes=self.segment_bytes,
            fresh=self.random.randbytes,
        )  # fmt: skip

    def write(self, count: int, *, batch: int = 5) -> Chain:
        """So many more records, in batches a minute apart, so that each ends with a checkpoint."""
        chain = self.chain()
        while count > 0:
            self.at += MINUTE
            here = min(batch, count)
            chain.extend(rows(here, after=chain.size), at=self.at)
            count -= here
        return chain

    def evidence(self, **given: Any) -> Evidence:
        if "public" not in given:
            given["public"] = read_public(self.places.public.read_bytes(), where="the test")
        given.setdefault("public_from", "beside the records")
        if self.kept.keys:
            given.setdefault("first", self.kept.keys[-1])
        return Evidence(places=self.places, **given)

    def verify(self, **given: Any) -> Verdict:
        return verify(self.evidence(**given))

    def lines(self) -> list[bytes]:
        """Every line of every segment."""
        return [line for _, path in self.places.segments() for line in path.read_bytes().splitlines(keepends=True)]

    def like(self, folder: Path) -> Desk:
        """A copy to do things to."""
        shutil.copytree(self.folder, folder)
        return Desk(folder, Kept(list(self.kept.keys)), self.at, self.segment_bytes)


def sequence(lines: Sequence[bytes]) -> list[int]:
    """The numbers of the records among some lines."""
    import json

    return [int(read["seq"]) for read in map(json.loads, lines) if "action" in read]
