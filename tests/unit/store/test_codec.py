"""Entries survive the way to bytes and back, and half-understood history is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorbroker.domain.errors import JournalFault
from floorbroker.domain.facts import FACTS, SCHEMA, Ack, Exec, Fact, InDoubt, Prepared, Source, Unrecognised
from floorbroker.domain.ports import AuditEntry, Entry, FactEntry, KeyEntry, NoteEntry
from floorbroker.domain.values import OrderId, OrderType
from floorbroker.store.codec import Row, decode, decode_fact, encode, encode_fact
from tests.unit.store.making import PROFILE, START, audited, intent, keyed, note, prepared
from tests.unit.store.strategies import TEXT, facts, instances

SCHEMA_1, SCHEMA_2, SCHEMA_3 = (Path(__file__).with_name(f"schema_{number}.jsonl") for number in (1, 2, 3))
MAPPINGS = st.dictionaries(TEXT, TEXT, max_size=4)


@pytest.mark.parametrize("kind", sorted(FACTS))
@given(data=st.data())
@settings(max_examples=15)
def test_a_fact_of_each_kind_comes_back_as_it_was(kind: str, data: st.DataObject) -> None:
    fact = data.draw(instances(FACTS[kind]))
    back = decode_fact(encode_fact(fact))
    assert back == fact
    assert repr(back) == repr(fact)  # to the last digit: `==` alone would let 1.0 become 1.00
    assert encode_fact(back) == encode_fact(fact)


@given(facts())
def test_a_body_is_one_line_of_json_that_names_its_kind_and_schema(fact: Fact) -> None:
    body = encode_fact(fact)
    assert b"\n" not in body
    read = json.loads(body)
    assert (list(read), read["v"], read["k"]) == (["v", "k", "d"], SCHEMA, fact.kind)


@given(
    st.one_of(
        st.builds(FactEntry, profile=TEXT, intent_id=TEXT, fact=facts()),
        st.builds(
            AuditEntry, actor=TEXT, via=TEXT, action=TEXT, object=TEXT, profile=TEXT, outcome=TEXT, reason=TEXT, req=TEXT,
            detail=MAPPINGS,
        ),
        st.builds(KeyEntry, principal=TEXT, profile=TEXT, key=TEXT, body_hash=TEXT, intent_id=TEXT),
        st.builds(NoteEntry, profile=TEXT, topic=TEXT, data=MAPPINGS),
    )
)  # fmt: skip
def test_an_entry_comes_back_as_it_was(entry: Entry) -> None:
    assert decode(encode(entry)) == entry


def test_the_order_of_a_mapping_does_not_change_the_bytes() -> None:
    assert encode(note(a="1", b="2")).body == encode(note(b="2", a="1")).body


# --- Schemas ---------------------------------------------------------------------------------------------------------


def test_a_journal_of_schema_1_still_reads() -> None:
    """The file was written when schema 1 was current and is never written anew."""
    lines = SCHEMA_1.read_bytes().splitlines()
    read = [decode_fact(line) for line in lines]
    assert [fact.kind for fact in read] == [json.loads(line)["k"] for line in lines]
    assert len(read) == 23
    assert all(fact.at.tzinfo is not None for fact in read)


def test_a_journal_of_schema_2_still_reads_and_knows_the_names_of_corrections() -> None:
    read = [decode_fact(line) for line in SCHEMA_2.read_bytes().splitlines()]
    assert [(fact.ref, fact.version) for fact in read if isinstance(fact, Exec)] == [(None, 1), ("e-1-corrected", 2)]


def test_an_order_of_schema_2_shows_all_of_itself_and_may_take() -> None:
    read = [decode_fact(line) for line in SCHEMA_2.read_bytes().splitlines()]
    assert [(fact.order.post_only, fact.order.display_qty) for fact in read if isinstance(fact, Prepared)] == [
        (False, None)
    ]


def test_a_journal_of_schema_3_still_reads_and_knows_touched_orders_and_icebergs() -> None:
    read = [decode_fact(line) for line in SCHEMA_3.read_bytes().splitlines()]
    *_, wish = [fact.order for fact in read if isinstance(fact, Prepared)]
    assert (wish.symbol, wish.order_type) == ("BTC/USDT:USDT", OrderType.LIMIT_IF_TOUCHED)
    assert (wish.post_only, str(wish.display_qty)) == (True, "2.50")


def test_each_kind_of_schema_3_is_in_the_recording() -> None:
    if SCHEMA > 3:
        pytest.skip("kinds added later have recordings of their own")
    assert {decode_fact(line).kind for line in SCHEMA_3.read_bytes().splitlines()} == set(FACTS)


def test_what_schema_3_recorded_is_written_the_same_way_today() -> None:
    if SCHEMA > 3:
        pytest.skip("a newer schema writes more members")
    for line in SCHEMA_3.read_bytes().splitlines():
        assert encode_fact(decode_fact(line)) == line


def test_members_that_came_later_have_their_defaults() -> None:
    body = b'{"v":0,"k":"in_doubt","d":{"source":"own","at":"2026-03-02T14:30:00Z","reason":"reset"}}'
    assert decode_fact(body) == InDoubt(source=Source.OWN, at=START, venue_time=None, reason="reset")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"v":%d,"k":"ack","d":{}}' % (SCHEMA + 1), "update Floorbroker"),
        (b'{"v":1,"k":"wish","d":{}}', "unknown kind of fact 'wish'"),
        (b'{"v":1,"k":"ack","d":{"source":"own"}}', "'ack' body in the journal does not parse"),
        (b'{"v":1,"k":"ack","d":{"source":"gossip","at":"2026-03-02T14:30:00Z","order_id":"1"}}', "gossip"),
        (b'{"v":1,"k":"ack"', "does not parse"),
        (b"", "does not parse"),
    ],
    ids=["newer schema", "unknown kind", "member missing", "unknown word", "cut", "empty"],
)
def test_history_that_is_not_understood_is_refused(body: bytes, says: str) -> None:
    with pytest.raises(JournalFault, match=says):
        decode_fact(body)


@pytest.mark.parametrize(
    ("kind", "body", "says"),
    [
        ("note", b'{"v":9,"k":"note","d":{}}', "update Floorbroker"),
        ("note", b'{"v":1,"k":"audit","d":{}}', "unknown kind of entry"),
        ("dream", b'{"v":1,"k":"dream","d":{}}', "unknown kind of entry"),
        ("key", b'{"v":1,"k":"key","d":{"principal":"p","key":"k","body_hash":"h"}}', "without its intent"),
    ],
)
def test_an_entry_that_is_not_understood_is_refused(kind: str, body: bytes, says: str) -> None:
    with pytest.raises(JournalFault, match=says):
        decode(Row(kind=kind, profile=PROFILE, intent_id=None, body=body))


def test_a_fact_outside_the_schema_is_not_written() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Rumour(Ack):
        pass

    with pytest.raises(JournalFault, match="Rumour is no fact"):
        encode_fact(Rumour(source=Source.OWN, at=START, order_id=OrderId("1")))


def test_text_that_is_no_unicode_is_refused_and_not_written_in_part() -> None:
    with pytest.raises(JournalFault, match="cannot be written down"):
        encode_fact(Unrecognised(source=Source.STREAM, at=START, text="\ud800"))


def test_columns_name_what_an_entry_is_found_by() -> None:
    assert (encode(prepared(1)).kind, encode(prepared(1)).intent_id) == ("fact", intent(1))
    assert (encode(keyed(1)).kind, encode(keyed(1)).intent_id) == ("key", intent(1))
    assert (encode(audited(1)).kind, encode(audited(1)).profile) == ("audit", PROFILE)
