"""Both streams: lines as things happen, heartbeats every five seconds, no replay."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from floorbroker_sim.http import Reply
    from tests.unit.sim.oanda.conftest import OandaAsker


def lines(ask: OandaAsker, number: int = 0) -> list[Any]:
    """What waits on a stream, taken."""
    outbox = ask.venue.streams[number].outbox
    return [json.loads(outbox.pop()) for _ in range(outbox.waiting)]


def opened(ask: OandaAsker, what: str, **query: Any) -> Reply:
    reply = ask.raw("GET", f"./{what}/stream", **query)
    assert (reply.status, reply.content_type) == (200, "application/octet-stream")
    assert reply.stream is not None
    return reply


def test_prices_begin_with_a_snapshot_and_follow(ask: OandaAsker) -> None:
    opened(ask, "pricing", instruments="EUR_USD,USD_JPY")
    first = lines(ask)
    assert [(one["type"], one["instrument"]) for one in first] == [("PRICE", "EUR_USD"), ("PRICE", "USD_JPY")]
    assert "unitsAvailable" not in first[0]
    ask.wait(1)
    ask.price("1.10100", "1.10110")
    ask.price("0.87000", "0.87010", "EUR/GBP")  # nobody asked for it
    assert [one["bids"][0]["price"] for one in lines(ask)] == ["1.10100"]


def test_of_many_prices_in_a_quarter_of_a_second_the_last_one_is_told(ask: OandaAsker) -> None:
    opened(ask, "pricing", instruments="EUR_USD", snapshot="False")
    assert lines(ask) == []
    for last in ("1.10100", "1.10200", "1.10300"):
        ask.price(last, "1.10400")
    assert [one["bids"][0]["price"] for one in lines(ask)] == ["1.10100"]
    ask.wait(0.3)
    assert [one["bids"][0]["price"] for one in lines(ask)] == ["1.10300"]


def test_heartbeats_come_every_five_seconds(ask: OandaAsker) -> None:
    opened(ask, "pricing", instruments="EUR_USD", snapshot="False")
    opened(ask, "transactions")
    ask.wait(4)
    assert lines(ask) == lines(ask, 1) == []
    ask.wait(1)
    assert lines(ask) == [{"type": "HEARTBEAT", "time": "2026-03-02T15:00:05.000000000Z"}]
    assert lines(ask, 1) == [
        {"type": "HEARTBEAT", "lastTransactionID": "2", "time": "2026-03-02T15:00:05.000000000Z"}
    ]  # fmt: skip


def test_transactions_are_told_before_the_answer_and_never_again(ask: OandaAsker) -> None:
    ask.place()
    opened(ask, "transactions")
    assert lines(ask) == []
    answer = ask.place(stopLossOnFill={"price": "1.00000"})
    told = lines(ask)
    assert [one["id"] for one in told] == answer["relatedTransactionIDs"]
    assert told[1] == answer["orderFillTransaction"]
    ask.no(units="0")
    assert lines(ask)[0]["type"] == "MARKET_ORDER_REJECT"


def test_times_of_a_stream_follow_its_own_request(ask: OandaAsker) -> None:
    ask.headers["accept-datetime-format"] = "UNIX"
    opened(ask, "transactions")
    ask.headers["accept-datetime-format"] = "RFC3339"
    ask.place()
    assert lines(ask)[0]["time"] == "1772463600.000000000"


def test_a_client_that_leaves_makes_room_for_another(ask: OandaAsker) -> None:
    replies = [opened(ask, "transactions") for _ in range(20)]
    assert ask.refused("GET", "./transactions/stream")[0] == 429
    stream = replies[0].stream
    assert stream is not None
    ask.place()

    async def one_line() -> bytes:
        async for line in stream:
            return line
        return b""

    # the loop that ends closes the stream, as the server does when its client is gone
    assert json.loads(asyncio.run(one_line()))["type"] == "MARKET_ORDER"
    assert len(ask.venue.streams) == 19
    opened(ask, "transactions")


def test_a_stream_that_cannot_be_is_refused(ask: OandaAsker) -> None:
    assert ask.refused("GET", "./pricing/stream")[0] == 400
    assert ask.refused("GET", "./pricing/stream", instruments="EUR_XXX")[0] == 400
    assert ask.refused("GET", "/v3/accounts/101-004-1-009/transactions/stream")[0] == 403
    assert ask.venue.streams == []


def test_a_reset_begins_the_account_anew_and_keeps_streams(ask: OandaAsker) -> None:
    opened(ask, "transactions")
    ask.place()
    ask.hand("/reset")
    assert [one["type"] for one in lines(ask)][-2:] == ["CREATE", "TRANSFER_FUNDS"]
    assert ask.summary()["lastTransactionID"] == "2"
