"""Quotes: of now, or none."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from floorbroker.brokers.ibkr_web.mapping.contracts import Contract, Known
from floorbroker.brokers.ibkr_web.mapping.market import quote_from, staleness
from floorbroker.brokers.ibkr_web.stream.market import QuoteSession
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ApiError
from floorbroker.domain.records import DataKind, Quote
from floorbroker.transport.actions import Emit
from floorbroker.transport.feeds import FeedError
from tests.unit.brokers.ibkr_web.fakes import NOW, OPEN, Gateway, broker, payload, turn

D = Decimal


def fields(**members: object) -> dict[str, msgspec.Raw]:
    return {name.removeprefix("f"): msgspec.Raw(json.dumps(value).encode()) for name, value in members.items()}


@pytest.mark.parametrize(
    ("mark", "why"),
    [
        ("RpB", ""),
        ("R", ""),
        ("DPB", "delayed"),
        ("ZB", "frozen"),
        ("YPB", "delayed and frozen"),
        ("N", "not subscribed"),
        ("", "unknown age"),
        ("x", "unknown age"),
    ],
)
def test_only_what_the_venue_calls_real_time_is_of_now(mark: str, why: str) -> None:
    found = staleness(fields(f6509=mark))
    assert (why in found) if why else found == ""


def test_a_quote_without_a_mark_is_of_unknown_age() -> None:
    assert "unknown age" in staleness({})


@pytest.mark.parametrize(
    ("told", "last"), [("168.42", D("168.42")), ("C168.42", None), ("H168.42", None), ("1,300.5", D("1300.5"))]
)
def test_the_close_of_yesterday_and_the_price_before_a_halt_are_no_last_price(told: str, last: Decimal | None) -> None:
    assert quote_from("AAPL", fields(f31=told, f84="168.41"), now=NOW).last == last


@pytest.mark.asyncio
async def test_prices_that_are_delayed_are_not_given_out_as_a_quote() -> None:
    gateway, clock = Gateway(), ManualClock(NOW)
    gateway.set("/iserver/marketdata/snapshot", [{**payload("snapshot")[0], "6509": "DPB"}])
    venue = broker(gateway, clock=clock)
    await venue.connect()
    asking = asyncio.ensure_future(venue.get_market_data("AAPL"))
    for _ in range(10):
        await turn()
        await clock.advance(0.3)
    with pytest.raises(ApiError, match="delayed"):
        await asking
    await venue.disconnect()


def test_a_stream_of_delayed_prices_says_so_once_and_tells_no_quote() -> None:
    known = Known()
    known.learn(Contract(symbol="AAPL", conid=265598))
    session = QuoteSession(known)
    session.on_open(0.0)
    session.want([(DataKind.QUOTES, "AAPL")])

    def hear(message: dict[str, Any]) -> list[Any]:
        told = session.on_frame(json.dumps(message).encode(), NOW, 1.0)
        return [action.event for action in told if isinstance(action, Emit)]

    hear({"topic": "sts", "args": OPEN})
    (stale,) = hear({"topic": "smd+265598", "6509": "DPB", "84": "168.41", "86": "168.43"})
    assert isinstance(stale, FeedError)
    assert "delayed" in stale.text
    assert hear({"topic": "smd+265598", "84": "168.40"}) == []
    (quote,) = hear({"topic": "smd+265598", "6509": "RpB"})
    assert isinstance(quote, Quote)
    assert (quote.bid, quote.ask) == (D("168.40"), D("168.43"))
    (again,) = hear({"topic": "smd+265598", "6509": "ZB"})
    assert isinstance(again, FeedError)
