"""Frames and fields by themselves: what is cut, what is refused, and that nothing else is ever raised."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.codec.answers import KNOWN, decode, server_hello
from floorbroker.brokers.ibkr.codec.fields import decimal_in, integer_in, spelled
from floorbroker.brokers.ibkr.codec.framing import FRAME_MAX, BadFrame, Splitter, framed, hello, message
from floorbroker.brokers.ibkr.codec.place import place_order

PAYLOADS = st.lists(st.binary(min_size=1, max_size=40), max_size=6)


@given(payloads=PAYLOADS, cuts=st.lists(st.integers(min_value=1, max_value=9), min_size=1, max_size=8))
def test_frames_come_whole_however_the_bytes_are_cut(payloads: list[bytes], cuts: list[int]) -> None:
    stream, splitter, whole, at, turn = b"".join(map(framed, payloads)), Splitter(), list[bytes](), 0, 0
    while at < len(stream):
        size = cuts[turn % len(cuts)]
        whole += splitter.feed(stream[at : at + size])
        at, turn = at + size, turn + 1
    assert whole == payloads
    assert splitter.is_between


@pytest.mark.parametrize("prefix", [b"\0\0\0\0", b"\xff\xff\xff\xff", (FRAME_MAX + 1).to_bytes(4, "big")])
def test_a_length_that_nobody_sends_is_refused_before_anything_is_kept(prefix: bytes) -> None:
    with pytest.raises(BadFrame):
        Splitter().feed(prefix)


def test_the_first_bytes_are_those_of_the_document() -> None:
    assert hello() == b"API\0" + b"\0\0\0\x09" + b"v157..178"


def test_a_text_with_a_nul_never_shifts_the_fields_behind_it() -> None:
    with pytest.raises(BadFrame):
        message(["3", "AAPL\0SELL"])


@pytest.mark.parametrize(
    ("payload", "version"), [(b"178\x0020260105 09:30:00 EST\0", 178), (b"100\0\0", 100)], ids=["today", "old"]
)
def test_the_servers_first_words_are_its_version_and_its_clock(payload: bytes, version: int) -> None:
    assert server_hello(payload).version == version


@pytest.mark.parametrize("payload", [b"178\0", b"178", b"\0\0", b"x\0y\0", b"1\0b\0c\0", b"9" * 30 + b"\0t\0"])
def test_other_first_words_are_refused(payload: bytes) -> None:
    with pytest.raises(BadFrame):
        server_hello(payload)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("1.7976931348623157E308", None),
        ("1.7976931348623157e+308", None),
        ("170141183460469231731687303715884105727", None),
        ("189.50", Decimal("189.50")),
        ("-1.0E-4", Decimal("-0.00010")),
    ],
)
def test_a_number_keeps_its_digits_and_every_unset_is_none(text: str, value: Decimal | None) -> None:
    assert decimal_in(text, "price") == value


@pytest.mark.parametrize(
    "text", ["NaN", "nan", "Infinity", "Infinite", "-Infinity", "1e400", "1_0", " 1", "0x1", "9" * 99]
)
def test_what_is_no_sensible_number_is_an_error_that_names_the_field(text: str) -> None:
    with pytest.raises(BadFrame, match="price"):
        decimal_in(text, "price")


@pytest.mark.parametrize(
    ("text", "value"), [("", None), ("2147483647", None), ("-1", -1), ("9223372036854775807", None)]
)
def test_a_whole_number_may_be_unset(text: str, value: int | None) -> None:
    assert integer_in(text, "orderId") == value


@pytest.mark.parametrize("text", ["1.0", "x", "1e3", "9" * 20, "٣"])
def test_what_is_no_whole_number_names_the_field(text: str) -> None:
    with pytest.raises(BadFrame, match="orderId"):
        integer_in(text, "orderId")


def test_values_are_spelled_as_clients_spell_them() -> None:
    spellings = [spelled(value) for value in (None, True, False, 7, Decimal("0.00001"), "x", (("a", "1"), ("b", "")))]
    assert spellings == ["", "1", "0", "7", "0.00001", "x", "a=1;b=;"]
    with pytest.raises(BadFrame):
        spelled(Decimal("NaN"))


@pytest.mark.parametrize("order_type", ["VOL", "PEG BENCH", "PEG MID", "PEGBEST"])
def test_an_order_whose_fields_are_not_known_is_not_written(order_type: str) -> None:
    order = wire.Order(action="BUY", total_quantity=Decimal(1), order_type=order_type)
    with pytest.raises(BadFrame):
        place_order(1, wire.Contract(con_id=1, exchange="SMART"), order, version=178)


def test_a_message_that_nobody_asked_for_is_told_apart() -> None:
    assert decode(b"104\x001\0json\0", version=178) == wire.Other(message_id=104)


TEXTS = st.one_of(
    st.sampled_from(["", "0", "1", "2", "-1", "1.5", "2147483647", "NaN", "DU1", "9" * 40]), st.text(max_size=6)
)


@given(
    message_id=st.sampled_from(sorted(KNOWN)),
    fields=st.lists(TEXTS, max_size=140),
    version=st.sampled_from([100, 157, 163, 164, 170, 176, 177, 178, 999]),
)
@settings(max_examples=150, deadline=None)
def test_no_message_raises_anything_but_bad_frame(message_id: int, fields: list[str], version: int) -> None:
    payload = "".join(f"{field}\0" for field in (str(message_id), *fields)).encode(errors="replace")
    with suppress(BadFrame):
        assert decode(payload, version=version)


@given(payload=st.binary(min_size=1, max_size=60))
def test_no_bytes_raise_anything_but_bad_frame(payload: bytes) -> None:
    with suppress(BadFrame):
        assert decode(payload, version=178)
