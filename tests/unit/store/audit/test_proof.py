"""Proofs for somebody who has the public key and nothing else."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from floorbroker.domain.errors import InvalidRequest, NotFound
from floorbroker.store.audit.checkpoint import read_public
from floorbroker.store.audit.evidence import Found
from floorbroker.store.audit.proof import (
    Proof,
    checkpoints,
    objection,
    prove_extension,
    prove_record,
    read_proof,
    records_between,
)
from tests.unit.store.audit.chains import Desk, rows, sequence


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path / "audit")
    desk.write(23, batch=4)
    return desk


def carried(proof: Proof) -> Proof:
    """As it arrives at somebody else's."""
    return read_proof(msgspec.json.encode(proof), where="a mail")


def test_every_record_is_proven_with_the_public_key_alone(desk: Desk) -> None:
    public = read_public(desk.places.public.read_bytes(), where="a business card")
    for seq in range(1, 24):
        proof = carried(prove_record(desk.places, public, seq))
        assert objection(proof, public) == ""
        assert proof.line is not None
        assert f'"seq":"{seq}"' in proof.line


def test_a_record_that_was_changed_is_not_proven(desk: Desk) -> None:
    public = desk.evidence().public
    proof = prove_record(desk.places, public, 7)
    assert proof.line is not None
    changed = msgspec.structs.replace(proof, line=proof.line.replace('"qty":"10"', '"qty":"11"'))
    assert objection(changed, public) == "record 7 is not part of what was signed"
    moved = msgspec.structs.replace(proof, line=proof.line.replace('"seq":"7"', '"seq":"8"'))
    assert objection(moved, public) == "record 7 is not part of what was signed".replace("7", "8")
    assert "does not fit" in objection(msgspec.structs.replace(proof, path=proof.path[1:]), public)
    assert "cannot be read" in objection(msgspec.structs.replace(proof, line="{}"), public)
    assert "cannot be read" in objection(msgspec.structs.replace(proof, path=["x"]), public)
    assert "no kind of proof" in objection(msgspec.structs.replace(proof, kind="trust"), public)
    assert "no kind of proof" in objection(msgspec.structs.replace(proof, line=None), public)


def test_a_proof_signed_by_another_key_is_none(desk: Desk, tmp_path: Path) -> None:
    other = Desk(tmp_path / "other")
    other.write(23, batch=4)
    proof = prove_record(desk.places, desk.evidence().public, 7)
    assert objection(proof, other.evidence().public) == "the checkpoint is not signed by this key"


def test_every_checkpoint_is_proven_to_go_on_from_every_older_one(desk: Desk) -> None:
    public, sizes = desk.evidence().public, sorted({int(point.size) for point in checkpoints(desk.places)} - {0})
    assert len(sizes) > 3
    for size in sizes:
        proof = carried(prove_extension(desk.places, public, size))
        assert objection(proof, public) == ""
        assert proof.old is not None
        assert proof.old.size == str(size)


def test_a_chain_that_was_written_again_does_not_go_on_from_an_older_checkpoint(desk: Desk, tmp_path: Path) -> None:
    """Whoever has the signing key can sign another history, and cannot make it begin as the one that was seen."""
    public, old = desk.evidence().public, list(checkpoints(desk.places))[2]
    chain, forged = desk.chain(), Desk(tmp_path / "forged")
    forged.write(1)
    again = forged.chain()
    again.signing, again.standing = chain.signing, again.standing
    proof = prove_extension(desk.places, public, int(old.size))
    turned = msgspec.structs.replace(proof, old=msgspec.structs.replace(old, root="00" * 32))
    assert objection(turned, public) == "the older checkpoint is not signed by this key"
    swapped = msgspec.structs.replace(proof, path=[*proof.path[:-1], "00" * 32])
    assert objection(swapped, public) == "the newer checkpoint does not go on from the older one"


def test_what_no_checkpoint_covers_cannot_be_proven_yet(desk: Desk) -> None:
    chain = desk.chain()
    chain.extend(rows(1, after=chain.size), at=desk.at)
    with pytest.raises(NotFound, match="no checkpoint covers record 24 yet"):
        prove_record(desk.places, desk.evidence().public, 24)
    with pytest.raises(NotFound, match="newest checkpoint is over 23"):
        prove_extension(desk.places, desk.evidence().public, 24)
    with pytest.raises(NotFound, match="no checkpoint over 3 records"):
        prove_extension(desk.places, desk.evidence().public, 3)


def test_what_was_archived_cannot_be_proven_and_the_rest_still_can(desk: Desk) -> None:
    public = desk.evidence().public
    _, oldest = desk.places.segments()[0]
    held = sequence(oldest.read_bytes().splitlines())
    oldest.unlink()
    with pytest.raises(NotFound, match="moved away"):
        prove_record(desk.places, public, held[0])
    for seq in range(held[-1] + 1, 24):
        assert objection(prove_record(desk.places, public, seq), public) == ""


def test_files_that_are_not_sound_prove_nothing(desk: Desk) -> None:
    _, path = desk.places.segments()[0]
    path.write_bytes(path.read_bytes().replace(b'"qty":"10"', b'"qty":"11"', 1))
    with pytest.raises(Found):
        prove_record(desk.places, desk.evidence().public, 20)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"kind":1}', b'{"kind":"\xfc"}', b"[" * 100_000])
def test_what_is_no_proof_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidRequest, match=r"mail: this is no proof"):
        read_proof(data, where="mail")


def test_records_are_given_out_by_time_as_they_stand(desk: Desk) -> None:
    everything = list(records_between(desk.places, since="", until=""))
    assert sequence(everything) == list(range(1, 24))
    assert set(everything) <= set(desk.lines())
    assert list(records_between(desk.places, since="2027", until="")) == []
    assert list(records_between(desk.places, since="", until="2026-03-02T14:30:00.000000000Z")) == []


@pytest.mark.parametrize("line", [b'{"env":"\xfc"}', b'{"env":1}', b'{"checkpoint":{}}'])
def test_a_checkpoint_that_cannot_be_read_proves_nothing(desk: Desk, line: bytes) -> None:
    _, path = desk.places.segments()[-1]
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(NotFound, match="cannot be read"):
        prove_record(desk.places, desk.evidence().public, 3)


def test_a_size_that_is_no_number_proves_nothing(desk: Desk) -> None:
    _, path = desk.places.segments()[-1]
    *before, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(before) + last.replace(b'"size":"23"', b'"size":"' + b"9" * 5_000 + b'"'))
    with pytest.raises(NotFound, match="no numbers"):
        prove_record(desk.places, desk.evidence().public, 3)


def test_a_record_that_cannot_be_read_is_not_passed_over(desk: Desk) -> None:
    _, path = desk.places.segments()[-1]
    path.write_bytes(path.read_bytes() + b'{"action":"\xfc"}\n')
    with pytest.raises(NotFound, match="a record cannot be read"):
        list(records_between(desk.places, since="2020", until=""))
