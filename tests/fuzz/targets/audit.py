"""Exported audits and proofs that somebody hands over: segments of a chain, and proofs of one record.

An input is a segment, or a proof where it begins with `{"kind"`.  The keys are fixed, so that the honest chain is always
the same.
"""

from __future__ import annotations

import functools
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from floorbroker.domain.errors import InvalidRequest
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.store.audit.chain import Chain, begun
from floorbroker.store.audit.evidence import Evidence
from floorbroker.store.audit.places import Places
from floorbroker.store.audit.proof import Proof, objection, prove_extension, prove_record, read_proof
from floorbroker.store.audit.rows import Row
from floorbroker.store.audit.verify import verify
from tests.fuzz.target import CORPUS, Target

DECLARED = (InvalidRequest,)
AT = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
RECORDS = 7


class Honest:
    """The one chain that these keys belong to, and a folder for what is handed over instead."""

    def __init__(self) -> None:
        self._kept = tempfile.TemporaryDirectory(prefix="floorbroker-fuzz-")
        self.first = list[Secret]()
        self.chain = self._chain(Path(self._kept.name, "honest"))
        self.data = self.chain.places.segment(1).read_bytes()
        self.given = Places(Path(self._kept.name, "given"), Environment.PAPER)
        self.given.folder.mkdir()
        self.lines = self.data.splitlines(keepends=True)

    def _chain(self, folder: Path) -> Chain:
        keys = iter((bytes(range(32)), b"\x11" * 32))
        places = Places(folder, Environment.PAPER)
        chain = begun(places, at=AT, escrow=self.first.append, fresh=lambda _: next(keys))
        for number in range(1, RECORDS + 1):
            chain.extend([row(number)], at=AT + timedelta(seconds=45 * number))
        return chain


def row(number: int) -> Row:
    """A row of a command."""
    return Row(
        action="order.submit", actor="owner", detail={"qty": "10", "symbol": "AAPL"}, env="paper", epoch="1",
        mono=str(number), node="desk-001", object=f"intent-{number}", outcome="sending", profile="alpaca-paper",
        reason="", req="", seq=str(number), ts="2026-03-02T14:30:00.000000000Z", v="1", via="cli",
    )  # fmt: skip


@functools.lru_cache(maxsize=1)
def honest() -> Honest:
    """Made at the first input."""
    return Honest()


def one_input(data: bytes) -> object:
    """What the verifier says.  Nothing but the honest records, all of them or the first, is ever sound to it.

    Without what remembers the end it cannot miss what was cut off there, nor the last checkpoint.
    """
    if data.startswith(b'{"kind"'):
        return _proof(data)
    world = honest()
    world.given.segment(1).write_bytes(data)
    public = world.chain.signing.public_key()
    verdict = verify(Evidence(places=world.given, public=public, public_from="fixed", first=world.first[0]))
    if world.data.startswith(data) and data.endswith(b"\n"):
        assert verdict.ok, "an honest chain is not sound"
    assert not verdict.ok or _is_honest(world, data), "what nobody wrote is sound"
    without = verify(Evidence(places=world.given, public=public, public_from="fixed"))
    assert without.ok or not verdict.ok, "fewer keys find more"
    return verdict.finding.detail if verdict.finding else verdict


def _is_honest(world: Honest, data: bytes) -> bool:
    lines = data.splitlines(keepends=True)
    records = [line for line in lines if line.startswith(b'{"action"')]
    written = [line for line in world.lines if line.startswith(b'{"action"')]
    return set(lines) <= set(world.lines) and records == written[: len(records)]


def _proof(data: bytes) -> object:
    proof = read_proof(data, where="the input")
    world = honest()
    wrong = objection(proof, world.chain.signing.public_key())
    if not wrong and proof.line is not None and proof.old is None:
        assert proof.line.encode() + b"\n" in world.lines, "a record is proven that nobody wrote"
    return wrong or proof


def write_corpus() -> None:
    """The honest inputs: `python -c 'from tests.fuzz.targets.audit import write_corpus; write_corpus()'`."""
    world, folder = honest(), CORPUS / "audit"
    folder.mkdir(exist_ok=True)
    public = world.chain.signing.public_key()
    proofs: dict[str, Proof] = {
        "proof_record": prove_record(world.chain.places, public, 3),
        "proof_first": prove_record(world.chain.places, public, 1),
        "proof_extension": prove_extension(world.chain.places, public, 2),
    }
    for name, proof in proofs.items():
        (folder / name).write_bytes(msgspec.json.encode(proof))
    (folder / "whole").write_bytes(world.data)
    (folder / "cut_at_a_line").write_bytes(b"".join(world.lines[:5]))
    (folder / "begun").write_bytes(world.lines[0])
    (folder / "changed").write_bytes(world.data.replace(b'"qty":"10"', b'"qty":"11"', 1))
    (folder / "cut_in_a_line").write_bytes(world.data[:-40])


TARGET = Target(name="audit", one_input=one_input, declared=DECLARED, max_len=16 * 1024)
