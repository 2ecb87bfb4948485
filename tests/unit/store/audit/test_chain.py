"""The chain as it is written: what stands in a file, how it goes on, and when it does not."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from floorbroker.domain.errors import JournalFault
from floorbroker.store.audit.chain import CHECKPOINT_RECORDS, ChainBroken, set_aside
from tests.unit.store.audit.chains import Desk, row, rows, sequence


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "audit")


def test_the_chain_is_what_its_specification_says(desk: Desk) -> None:
    """A second verifier, written from docs/concepts/audit.md with nothing of ours."""
    desk.write(12)
    key, prev, leaves = bytes.fromhex(desk.kept.keys[0].reveal()), "0" * 64, list[bytes]()
    public = Ed25519PublicKey.from_public_bytes(_raw(desk))
    for line in desk.lines():
        read = json.loads(line)
        assert rfc8785.dumps(read) + b"\n" == line
        if "action" in read:
            mac = read.pop("mac")
            assert read.pop("prev") == prev
            message = b"\x00" + bytes.fromhex(prev) + rfc8785.dumps(read)
            assert mac == hmac.new(key, message, hashlib.sha256).hexdigest()
            key, prev = hashlib.sha256(b"ratchet" + key).digest(), mac
            leaves.append(hashlib.sha256(b"\x00" + line.rstrip(b"\n")).digest())
            continue
        point = read.get("checkpoint", read)
        sig = bytes.fromhex(point.pop("sig"))
        public.verify(sig, b"floorbroker audit checkpoint 1\n" + rfc8785.dumps(point))
        assert (point["size"], point["root"], point["head"]) == (str(len(leaves)), _root(leaves).hex(), prev)
        assert point["log"] == hashlib.sha256(_raw(desk)).hexdigest()
    assert len(leaves) == 12


def _raw(desk: Desk) -> bytes:
    return desk.evidence().public.public_bytes_raw()


def _root(leaves: list[bytes]) -> bytes:
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(b"\x01" + _root(leaves[:split]) + _root(leaves[split:])).digest()


def test_only_the_current_key_is_on_the_disk(desk: Desk) -> None:
    desk.write(3)
    first, everything = bytes.fromhex(desk.kept.keys[0].reveal()), b""
    for number in range(4, 12):
        desk.write(1)
        everything = b"".join(path.read_bytes() for path in desk.folder.iterdir())
        keys = [first]
        for _ in range(number):
            keys.append(hashlib.sha256(b"ratchet" + keys[-1]).digest())
        found = [key for key in keys if key.hex().encode() in everything or key in everything]
        assert found == [keys[-1]]
    assert all(path.stat().st_mode & 0o077 == 0 for path in desk.folder.iterdir())


def test_a_segment_begins_with_the_signed_head_of_the_one_before(desk: Desk) -> None:
    desk.write(30)
    found = desk.places.segments()
    assert len(found) > 2
    for (_, before), (number, path) in pairwise(found):
        head = json.loads(path.read_bytes().splitlines()[0])
        newest = [read for read in map(json.loads, before.read_bytes().splitlines()) if "action" in read][-1]
        assert (head["number"], head["kind"]) == (str(number), "segment")
        assert (head["checkpoint"]["head"], head["checkpoint"]["size"]) == (newest["mac"], newest["seq"])


def test_a_thousand_records_or_a_minute_make_a_checkpoint(desk: Desk) -> None:
    desk.segment_bytes = 1 << 30
    chain = desk.chain()
    assert chain.extend(rows(CHECKPOINT_RECORDS - 1), at=desk.at) == []
    assert [point.size for point in chain.extend([row(CHECKPOINT_RECORDS)], at=desk.at)] == ["1000"]
    assert chain.extend([], at=desk.at + timedelta(hours=1)) == []  # nothing new to state
    assert chain.extend([row(1001)], at=desk.at + timedelta(seconds=59)) == []
    assert [point.size for point in chain.extend([], at=desk.at + timedelta(seconds=60))] == ["1001"]
    assert [point.size for point in chain.extend([row(1002)], at=desk.at + timedelta(seconds=61), closing=True)] == [
        "1002"
    ]
    assert desk.verify().ok


def test_a_row_that_does_not_follow_is_not_written(desk: Desk) -> None:
    chain = desk.write(3)
    with pytest.raises(JournalFault, match="audit row 5 does not follow 3"):
        chain.extend([row(5)], at=desk.at)
    assert desk.verify().last == 3


def test_a_start_goes_on_where_the_last_one_ended(desk: Desk) -> None:
    for _ in range(4):
        desk.write(7)
    assert sequence(desk.lines()) == list(range(1, 29))
    assert len(desk.kept.keys) == 1
    assert desk.verify().ok


@pytest.mark.parametrize("cut", [1, 200, 2_000])
def test_records_that_are_gone_stop_the_next_start(desk: Desk, cut: int) -> None:
    desk.write(4)
    _, path = desk.places.segments()[-1]
    data = path.read_bytes()
    path.write_bytes(data[:-cut])
    with pytest.raises(ChainBroken, match="audit records are missing"):
        desk.chain()


def test_an_end_that_is_another_stops_the_next_start(desk: Desk) -> None:
    desk.write(4)
    _, path = desk.places.segments()[-1]
    *before, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(before) + b"x" * (len(last) - 1) + b"\n")
    with pytest.raises(ChainBroken, match="does not end with audit record 4"):
        desk.chain()


def test_a_key_that_is_damaged_or_of_another_chain_stops_the_next_start(desk: Desk, tmp_path: Path) -> None:
    desk.write(4)
    other = Desk(tmp_path / "other")
    other.write(2)
    held = desk.places.signing.read_bytes()
    desk.places.signing.write_bytes(other.places.signing.read_bytes())
    with pytest.raises(ChainBroken, match="is not the key that signs this chain"):
        desk.chain()
    desk.places.signing.write_bytes(b"x")
    with pytest.raises(ChainBroken, match="cannot be read"):
        desk.chain()
    desk.places.signing.write_bytes(held)
    desk.places.key.write_bytes(b"\x00" * 16_384)
    with pytest.raises(JournalFault, match="holds no key"):
        desk.chain()


def test_a_chain_that_cannot_go_on_is_set_aside_whole_and_still_verifies(desk: Desk) -> None:
    desk.write(9)
    name = set_aside(desk.places)
    assert desk.places.all() == []
    aside = Desk(desk.folder / name, desk.kept)
    assert (aside.verify().last, name) == (9, "paper-aside-001")
    again = Desk(desk.folder)
    again.write(2)
    assert again.verify().last == 2
    assert set_aside(again.places) == "paper-aside-002"
