"""What a client may say on the stream."""

from __future__ import annotations

import pytest

from floorbroker.api.stream.protocol import (
    Auth,
    BadMessage,
    Ping,
    Price,
    Subscribe,
    Unsubscribe,
    channel_of,
    read,
)
from floorbroker.domain.records import DataKind
from floorbroker.domain.values import ProfileName


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"op":"auth","token":"t"}', Auth(token="t")),
        (
            '{"op":"subscribe","id":"1","channels":["orders"],"after":7}',
            Subscribe(channels=["orders"], id="1", after=7),
        ),
        ('{"op":"unsubscribe","channels":["orders"]}', Unsubscribe(channels=["orders"])),
        ('{"op":"ping"}', Ping()),
    ],
)
def test_messages_are_read(text: str, said: object) -> None:
    assert read(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"op":"order"}',
        '{"op":"ping","more":1}',
        '{"op":"subscribe"}',
        '{"op":"subscribe","channels":[]}',
        '{"op":"subscribe","channels":["a"],"after":-1}',
        '{"op":"subscribe","channels":["a"],"after":"1"}',
        '{"op":"auth","token":1}',
        '{"op":"subscribe","channels":' + str(["orders"] * 101).replace("'", '"') + "}",
        '{"op":"auth","token":"\ud800"}',
    ],
)
def test_anything_else_is_said_to_be_none(text: str) -> None:
    with pytest.raises(BadMessage):
        read(text)


def test_a_channel_of_prices_names_profile_and_symbol() -> None:
    assert channel_of("fills") == "fills"
    assert channel_of("book:alpaca-paper:BTC/USD") == Price(
        kind=DataKind.BOOK, profile=ProfileName("alpaca-paper"), symbol="BTC/USD"
    )
    assert channel_of("quotes:p:a:b") == Price(kind=DataKind.QUOTES, profile=ProfileName("p"), symbol="a:b")


@pytest.mark.parametrize(
    "text", ["", "order", "quotes", "quotes:p", "quotes::AAPL", "ticks:p:AAPL", "book:p:" + "A" * 200]
)
def test_a_channel_that_is_none_is_refused_with_those_there_are(text: str) -> None:
    with pytest.raises(BadMessage, match="fills, health, orders"):
        channel_of(text)
