"""Frames: length, fields, and everything that can be wrong with them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker_sim.ibkr.codec import BadLength, BadMessage, Reader, Splitter, body_of, framed, words_of

WORDS = st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20), min_size=1)


def test_a_frame_is_a_length_and_fields_that_end_with_nul() -> None:
    assert framed(body_of([9, 1, True, None, Decimal("1.50")])) == b"\x00\x00\x00\x0b9\x001\x001\x00\x001.5\x00"


def test_a_nul_inside_a_word_does_not_end_it() -> None:
    assert words_of(body_of(["a\0b", "c"])) == ["ab", "c"]


@given(st.lists(WORDS, min_size=1, max_size=5), st.integers(1, 7))
def test_frames_come_out_whole_however_bytes_are_cut(messages: list[list[str]], size: int) -> None:
    stream = b"API\0" + b"".join(framed(body_of(words)) for words in messages)
    splitter = Splitter()
    found = [body for at in range(0, len(stream), size) for body in splitter.feed(stream[at : at + size])]
    assert [words_of(body) for body in found] == messages


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n", b"API\0\xff\xff\xff\xff", b"\x16\x03\x01"])
def test_strangers_and_lengths_that_cannot_be_end_the_connection(data: bytes) -> None:
    with pytest.raises(BadLength):
        list(Splitter().feed(data))


@pytest.mark.parametrize("text", ["1.7976931348623157E308", "1.7976931348623157e+308", "2147483647", ""])
def test_unset_numbers_are_none(text: str) -> None:
    assert Reader([text]).number() is None


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e400", "ten", "0x10", "1_0"])
def test_numbers_that_are_none_are_named(text: str) -> None:
    with pytest.raises(BadMessage, match="field 0"):
        Reader([text]).number()


def test_a_count_never_promises_more_than_follows() -> None:
    with pytest.raises(BadMessage, match="counts more"):
        Reader(["3", "1", "2"]).count()
