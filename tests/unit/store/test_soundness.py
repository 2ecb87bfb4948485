"""Numbers and times that a journal cannot have been given by us."""

from __future__ import annotations

import re

import pytest
from hypothesis import given

from floorbroker.domain.errors import JournalFault
from floorbroker.domain.facts import Fact
from floorbroker.store.codec import decode_fact, encode_fact
from floorbroker.store.soundness import is_sound
from tests.unit.store.making import execution, prepared
from tests.unit.store.strategies import facts


@given(facts())
def test_every_fact_we_can_write_is_sound(fact: Fact) -> None:
    assert is_sound(fact)


@pytest.mark.parametrize("number", [b"NaN", b"sNaN", b"-Infinity", b"1E+101", b"1E-999999999"])
@pytest.mark.parametrize(
    "fact", [execution(1, "e").fact, prepared(1).fact], ids=["a member", "a member of the order inside"]
)
def test_a_number_nobody_can_add_is_no_history(fact: Fact, number: bytes) -> None:
    body = encode_fact(fact)
    spoilt = re.sub(rb'"187[.]4900"|"187[.]50"', b'"' + number + b'"', body)
    assert spoilt != body
    with pytest.raises(JournalFault, match="nobody can work with"):
        decode_fact(spoilt)


@pytest.mark.parametrize("fact", [execution(1, "e").fact, prepared(1).fact])
def test_a_time_without_a_zone_is_no_history(fact: Fact) -> None:
    with pytest.raises(JournalFault, match="nobody can work with"):
        decode_fact(encode_fact(fact).replace(b'Z"', b'"', 1))


@pytest.mark.parametrize(
    "body",
    [
        b"\xff",
        b'{"v":1,"k":"\xff","d":{}}',
        b'{"v":1,"k":"ack","d":{"source":"\xc7\x01"}}',
        b'{"v":1,"k":"ack","d":' + b"[" * 5000,
    ],
    ids=["no text", "no text inside", "no text in a member", "nested without end"],
)
def test_bytes_that_break_the_reader_of_json_are_a_fault_of_the_journal(body: bytes) -> None:
    with pytest.raises(JournalFault, match="does not parse"):
        decode_fact(body)
