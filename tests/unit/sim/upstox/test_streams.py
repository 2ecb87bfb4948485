"""Both streams: the way in, the frames, and what the venue's own decoder reads from them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from floorbroker_sim.http import Reply, Request, SocketSession, parsed_query
from floorbroker_sim.upstox import codec
from tests.unit.sim.upstox.conftest import NIFTY, RELIANCE

if TYPE_CHECKING:
    from tests.unit.sim.upstox.conftest import UpstoxAsker

pb2 = pytest.importorskip(
    "upstox_client.feeder.proto.MarketDataFeedV3_pb2", reason="upstox-python-sdk is not installed"
)
json_format = pytest.importorskip("google.protobuf.json_format")

MARKET, PORTFOLIO = "/v3/feed/market-data-feed", "/v2/feed/portfolio-stream-feed"


def knock(ask: UpstoxAsker, path: str, query: str = "", **headers: str) -> SocketSession | Reply:
    request = Request(
        method="GET", path=path, segments=tuple(path.strip("/").split("/")), query=parsed_query(query),
        headers={**ask.headers, **headers}, scheme="ws",
    )  # fmt: skip
    return ask.venue.socket(request)


def opened(ask: UpstoxAsker, path: str, query: str = "") -> SocketSession:
    """A stream, reached by way of the redirect."""
    redirect = knock(ask, path, query)
    assert isinstance(redirect, Reply)
    assert redirect.status == 302
    where, _, rest = redirect.headers["location"].removeprefix("ws://sim:1").partition("?")
    session = knock(ask, where, rest)
    assert not isinstance(session, Reply)
    session.opened()
    return session


def frames(session: SocketSession) -> list[Any]:
    found = [session.outbox.pop() for _ in range(session.outbox.waiting)]
    return [json.loads(frame) if isinstance(frame, str) else decoded(frame) for frame in found]


def decoded(frame: bytes) -> Any:
    message = pb2.FeedResponse.FromString(frame)
    return json_format.MessageToDict(message)


def say(session: SocketSession, method: str, mode: str | None, *keys: str) -> None:
    data: dict[str, Any] = {"instrumentKeys": list(keys)} | ({} if mode is None else {"mode": mode})
    session.received(json.dumps({"guid": "g", "method": method, "data": data}).encode())


# --- The way in --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [MARKET, PORTFOLIO])
def test_an_address_works_once_and_for_one_stream(ask: UpstoxAsker, path: str) -> None:
    told = ask.data("GET", f"{path}/authorize")
    address = told["authorized_redirect_uri"]
    assert told["authorizedRedirectUri"] == address
    where, _, query = address.removeprefix("ws://sim:1").partition("?")
    wrong = knock(ask, PORTFOLIO if where.startswith("/market") else MARKET)
    assert isinstance(wrong, Reply)
    assert not isinstance(knock(ask, where, query), Reply)
    again = knock(ask, where, query)
    assert isinstance(again, Reply)
    assert again.status == 403


def test_an_address_ends_after_a_minute_and_does_not_open_the_other_stream(ask: UpstoxAsker) -> None:
    for wait, path in ((61, None), (0, "/upstox-developer-api/order-updates/feed")):
        address = ask.data("GET", f"{MARKET}/authorize")["authorizedRedirectUri"]
        where, _, query = address.removeprefix("ws://sim:1").partition("?")
        ask.advance(wait)
        reply = knock(ask, path or where, query)
        assert isinstance(reply, Reply)
        assert reply.status == 403


def test_nobody_comes_in_without_a_token(ask: UpstoxAsker) -> None:
    for path in (MARKET, PORTFOLIO):
        reply = knock(ask, path, authorization="Bearer wrong")
        assert isinstance(reply, Reply)
        assert reply.status == 401


# --- The market-data feed ----------------------------------------------------------------------------------------------


def test_the_feed_begins_with_the_segments_then_a_snapshot_then_changes(ask: UpstoxAsker) -> None:
    session = opened(ask, MARKET)
    say(session, "sub", "full", RELIANCE)
    ask.price("1401.00", "1401.20")
    info, snapshot, live = frames(session)[:3]
    assert (info["type"], info["marketInfo"]["segmentStatus"]["NSE_FO"]) == ("market_info", "NORMAL_OPEN")
    first = snapshot["feeds"][RELIANCE]["fullFeed"]["marketFF"]
    assert "type" not in snapshot  # the first word of the enum is zero, and zero is not written
    assert (first["ltpc"]["ltp"], len(first["marketLevel"]["bidAskQuote"])) == (1400, 5)
    assert (live["type"], live["feeds"][RELIANCE]["fullFeed"]["marketFF"]["ltpc"]["ltp"]) == ("live_feed", 1401.1)
    assert live["feeds"][RELIANCE]["requestMode"] == "full_d5"


def test_each_mode_has_its_own_shape(ask: UpstoxAsker) -> None:
    option = ask.data("GET", "/v2/option/contract", instrument_key=NIFTY)[0]["instrument_key"]
    session = opened(ask, MARKET)
    frames(session)
    shapes: list[tuple[str, str, list[str]]] = [
        (RELIANCE, "ltpc", ["ltpc"]),
        (RELIANCE, "full", ["fullFeed", "requestMode"]),
        (RELIANCE, "full_d30", ["fullFeed", "requestMode"]),
        (RELIANCE, "option_greeks", ["firstLevelWithGreeks", "requestMode"]),
        (NIFTY, "full", ["fullFeed", "requestMode"]),
        (option, "full", ["fullFeed", "requestMode"]),
    ]
    for key, mode, members in shapes:
        say(session, "change_mode", mode, key)
        (frame,) = frames(session)
        assert sorted(frame["feeds"][key]) == members, mode
    assert "optionGreeks" in frame["feeds"][option]["fullFeed"]["marketFF"]
    say(session, "change_mode", "full_d30", RELIANCE)
    levels = frames(session)[0]["feeds"][RELIANCE]["fullFeed"]["marketFF"]["marketLevel"]["bidAskQuote"]
    assert len(levels) == 30


def test_who_leaves_an_instrument_hears_no_more_of_it(ask: UpstoxAsker) -> None:
    session = opened(ask, MARKET)
    say(session, "sub", "ltpc", RELIANCE, "NSE_EQ|NOBODY", RELIANCE)
    assert len(frames(session)) == 2
    say(session, "unsub", None, RELIANCE)
    ask.price("1401.00", "1401.20")
    assert frames(session) == []
    session.closed()
    ask.price("1402.00", "1402.20")
    assert ask.venue.state.listeners.prices == []


def test_no_more_than_fifty_instruments_have_thirty_levels(ask: UpstoxAsker) -> None:
    keys = [one["instrument_key"] for one in ask.data("GET", "/v2/option/contract", instrument_key=NIFTY)[:60]]
    session = opened(ask, MARKET)
    frames(session)
    say(session, "sub", "full_d30", *keys)
    assert len(frames(session)[0]["feeds"]) == 50


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"null", b"\xff", b"[" * 50_000, '{"method":"sub"}',
     b'{"method":"sub","data":{"mode":"all","instrumentKeys":[]}}',
     b'{"method":"dance","data":{}}', b'{"method":"sub","data":{"instrumentKeys":[1]}}'],
)  # fmt: skip
def test_what_cannot_be_read_is_passed_over(ask: UpstoxAsker, data: bytes | str) -> None:
    session = opened(ask, MARKET)
    frames(session)
    session.received(data)
    assert frames(session) == []
    assert session.outbox.close_code is None


def test_the_segments_are_told_again_when_they_open_and_close(new_upstox: Any) -> None:
    ask: UpstoxAsker = new_upstox(calendar=True)
    session = opened(ask, MARKET)
    ask.advance(6 * 3600)
    words = [one["marketInfo"]["segmentStatus"]["NSE_EQ"] for one in frames(session)]
    assert words == ["NORMAL_OPEN", "NORMAL_CLOSE", "CLOSING_START", "CLOSING_END"]
    ask.advance(17 * 3600)
    words = [one["marketInfo"]["segmentStatus"]["NSE_EQ"] for one in frames(session)]
    assert words == ["NORMAL_CLOSE"]  # a holiday


def test_numbers_are_written_as_the_schema_wants_them() -> None:
    assert codec.whole(1, 0) == b""
    assert codec.whole(1, 300) == b"\x08\xac\x02"
    assert codec.whole(2, -1) == b"\x10" + b"\xff" * 9 + b"\x01"
    assert codec.text(1, "é") == b"\x0a\x02\xc3\xa9"
    assert codec.part(2, b"") == b"\x12\x00"


# --- The portfolio stream ----------------------------------------------------------------------------------------------


def test_every_state_of_an_order_is_told(ask: UpstoxAsker) -> None:
    session = opened(ask, PORTFOLIO)
    order_id = ask.place()
    ask.fill(order_id, "4", "1200")
    ask.cancel(order_id)
    told = frames(session)
    assert {one["update_type"] for one in told} == {"order"}
    assert [one["status"] for one in told] == ask.states(order_id)
    assert told[4]["filled_quantity"] == 4
    assert (told[0]["exchange_order_id"], told[0]["exchange_timestamp"], told[0]["average_price"]) == ("", None, 0)


def test_a_client_hears_the_kinds_it_asked_for(ask: UpstoxAsker) -> None:
    session = opened(ask, PORTFOLIO, "update_types=position%2Cgtt_order")
    ask.market()
    rule = {"strategy": "ENTRY", "trigger_type": "ABOVE", "trigger_price": 1500}
    body: dict[str, Any] = {"type": "SINGLE", "quantity": 1, "product": "D", "rules": [rule]}
    ask.data("POST", "/v3/order/gtt/place", body | {"instrument_token": RELIANCE, "transaction_type": "BUY"})
    told = frames(session)
    assert [one["update_type"] for one in told] == ["position", "gtt_order"]
    assert "last_price" not in told[0]
    session.closed()
    ask.market()
    assert frames(session) == []


def test_a_sale_out_of_the_holdings_is_told_of_both(new_upstox: Any) -> None:
    ask: UpstoxAsker = new_upstox(calendar=True)
    ask.market()
    ask.advance(3 * 86_400)
    ask.login()
    session = opened(ask, PORTFOLIO, "update_types=position,holding")
    ask.market(transaction_type="SELL", quantity=4)
    position, holding = frames(session)
    assert (position["update_type"], position["quantity"], position["sell_price"]) == ("position", -4, 1399.9)
    assert (holding["update_type"], holding["quantity"], holding["cnc_used_quantity"]) == ("holding", 10, 4)


def test_kinds_that_are_none_are_refused_by_name(ask: UpstoxAsker) -> None:
    assert ask.refused("GET", f"{PORTFOLIO}/authorize", update_types="dividends") == (400, "UDAPI100036")
