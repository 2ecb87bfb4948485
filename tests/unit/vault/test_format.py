"""The bytes of a vault: there and back for any header, and nothing but `Malformed` for anything else."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorbroker.vault.format import (
    MAX_HEADER,
    Entry,
    Header,
    Kdf,
    Kek,
    Malformed,
    context_of,
    file_bytes,
    parse,
    signed_bytes,
    wrap_context,
)
from floorbroker.vault.keys import MAX_WRAPS, bound

ids = st.binary(min_size=16, max_size=16).map(bytes.hex)
numbers = st.integers(1, 2**53 - 1)
profiles = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,62}", fullmatch=True)
brokers = st.from_regex(r"[A-Z][A-Z0-9_]{0,31}", fullmatch=True)
names = st.text(string.ascii_uppercase, min_size=1, max_size=20)
entries = st.builds(
    Entry,
    id=ids,
    version=numbers,
    profile=profiles,
    broker=brokers,
    environment=st.sampled_from(["sim", "paper", "live"]),
    fields=st.lists(names, min_size=1, max_size=5, unique=True).map(tuple),
    dek=ids,
    wrapped=st.binary(min_size=60, max_size=60),
    size=st.integers(1, 400),
    sha256=st.binary(min_size=32, max_size=32),
)
headers = st.builds(
    Header,
    vault=ids,
    generation=numbers,
    kdf=st.builds(
        Kdf,
        log2n=st.integers(17, 20),
        r=st.just(8),
        p=st.integers(1, 4),
        salt=st.binary(min_size=32, max_size=32),
    ),
    kek=st.builds(Kek, id=ids, wraps=st.integers(0, MAX_WRAPS)),
    records=st.lists(entries, max_size=6, unique_by=(lambda e: e.id, lambda e: e.dek, lambda e: e.place)).map(tuple),
)


@given(header=headers, mac=st.binary(min_size=32, max_size=32), random=st.randoms(use_true_random=False))
@settings(deadline=None)
def test_a_file_is_read_as_it_was_written(header: Header, mac: bytes, random) -> None:
    sealed = tuple(random.randbytes(entry.size) for entry in header.records)
    raw = file_bytes(signed_bytes(header), mac, sealed)
    parsed = parse(raw)
    assert (parsed.header, parsed.mac, parsed.sealed) == (header, mac, sealed)
    assert file_bytes(parsed.signed, parsed.mac, parsed.sealed) == raw


@given(raw=st.binary(max_size=400) | st.binary(max_size=400).map(lambda tail: b"FBV1\0\0\0\x10" + tail))
@settings(deadline=None)
def test_any_other_bytes_are_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        parse(raw)


@given(header=headers, at=st.integers(0, 10_000), byte=st.integers(0, 255))
@settings(deadline=None)
def test_a_changed_byte_is_malformed_or_another_header(header: Header, at: int, byte: int) -> None:
    raw = bytearray(file_bytes(signed_bytes(header), bytes(32), [bytes(entry.size) for entry in header.records]))
    at %= len(signed_bytes(header))
    before, raw[at] = raw[at], byte
    try:
        parsed = parse(bytes(raw))
    except Malformed:
        return
    assert (parsed.header == header) == (before == byte)


@given(parts=st.lists(st.text(max_size=6), max_size=5), others=st.lists(st.text(max_size=6), max_size=5))
def test_two_different_rows_are_never_bound_to_the_same_bytes(parts: list[str], others: list[str]) -> None:
    assert (bound(*parts) == bound(*others)) == (parts == others)


@given(one=entries, other=entries)
@settings(deadline=None)
def test_a_seal_is_bound_to_every_part_of_its_place(one: Entry, other: Entry) -> None:
    place = [(e.id, e.version, e.profile, e.broker, e.environment, e.dek) for e in (one, other)]
    assert (context_of("v", one) == context_of("v", other)) == (place[0] == place[1])
    assert context_of("v", one) != context_of("w", one)
    assert wrap_context("v", "k", one) != wrap_context("v", "j", one)


def test_a_header_has_at_most_64_kib() -> None:
    assert MAX_HEADER == 65_536
