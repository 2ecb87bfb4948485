"""The whole adapter over fakes of its transports."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.brokers.alpaca import Options
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import (
    ApiError,
    AuthenticationFailed,
    ConfigInvalid,
    ConnectionFailed,
    DuplicateOrderId,
    FloorbrokerError,
    Forbidden,
    NotSupported,
    OrderNotFound,
    OrderRejected,
    Outcome,
    SymbolNotFound,
    Timeout,
)
from floorbroker.domain.orders import OrderChanges
from floorbroker.domain.records import DataKind, LinkState, Quote
from floorbroker.domain.values import ClOrdId, Environment, ExecType, OrdStatus, Price, Quantity
from floorbroker.transport.private import DENIED_PAUSE_S
from floorbroker.transport.types import Lane, Request, Response
from tests.unit.brokers.alpaca.fakes import (
    CL_ORD_ID,
    NOW,
    VENUE_ID,
    FakeConnect,
    FakeSocket,
    FakeTransport,
    Heard,
    approved,
    broker,
    parsed,
    payload,
    ref,
    reply,
)
from tests.unit.transport.fakes import MovedClock

pytestmark = pytest.mark.asyncio

NEW_ID = ClOrdId("fb-0195570e-6a80-7abc-8def-0123456789ac")


def ok(name: str) -> Response:
    return reply(raw=payload(name))


# -- submit -------------------------------------------------------------------------------------------------------------


async def test_a_submit_is_one_post_with_our_id() -> None:
    commands = FakeTransport(ok("order_pending_new"))
    (report,) = await broker(commands=commands).submit_order(approved())
    (request,) = commands.requests
    assert (request.method, request.origin, request.path) == ("POST", "https://paper-api.alpaca.markets", "/v2/orders")
    assert (request.lane, request.decided_at, request.order) == (Lane.NEW, 1.0, CL_ORD_ID)
    assert json.loads(request.body)["client_order_id"] == CL_ORD_ID
    assert (report.order_id, report.ord_status) == (VENUE_ID, OrdStatus.PENDING_NEW)


async def test_the_children_of_a_group_follow_the_order_itself() -> None:
    reports = await broker(commands=FakeTransport(ok("order_bracket"))).submit_order(approved())
    assert [report.parent_order_id for report in reports] == [None, VENUE_ID, VENUE_ID]


@pytest.mark.parametrize(
    "response",
    [
        reply(parsed("order_pending_new") | {"client_order_id": "somebody-else"}),
        reply(parsed("order_pending_new") | {"client_order_id": None}),
        reply({"id": "x"}),
        reply(status=200, raw=b"<html>ok</html>"),
        reply(status=200, raw=b""),
        reply(status=204),
        reply(status=302, raw=b""),
        reply(status=500, raw=b"null"),
        reply(parsed("order_pending_new") | {"qty": "NaN"}),
    ],
    ids=["other", "null id", "half", "page", "empty", "204", "302", "500", "monster"],
)
async def test_an_answer_that_is_not_about_our_order_leaves_it_unknown(response: Response) -> None:
    with pytest.raises(ApiError) as caught:
        await broker(commands=FakeTransport(response)).submit_order(approved())
    assert caught.value.outcome is Outcome.UNKNOWN


async def test_a_time_out_of_the_transport_passes_through() -> None:
    with pytest.raises(Timeout) as caught:
        await broker(commands=FakeTransport(Timeout("no reply"))).submit_order(approved())
    assert caught.value.outcome is Outcome.UNKNOWN


async def test_a_refusal_and_a_duplicate_are_told_apart() -> None:
    refused = reply({"code": 40010001, "message": "qty must be > 0"}, status=422)
    seen = reply({"code": 40010001, "message": "client_order_id must be unique"}, status=422)
    venue = broker(commands=FakeTransport(refused, seen))
    with pytest.raises(OrderRejected):
        await venue.submit_order(approved())
    with pytest.raises(DuplicateOrderId):
        await venue.submit_order(approved())


async def test_several_orders_fail_and_succeed_each_for_itself() -> None:
    commands = FakeTransport(ok("order_pending_new"), ConnectionFailed("refused"))
    first, second = await broker(commands=commands).submit_orders([approved(), approved()])
    assert isinstance(first, tuple)
    assert isinstance(second, ConnectionFailed)


# -- cancel and replace -------------------------------------------------------------------------------------------------


async def test_a_cancel_asks_once_and_says_nothing_more() -> None:
    commands = FakeTransport(reply(status=204))
    assert await broker(commands=commands).cancel_order(ref()) == ()
    (request,) = commands.requests
    assert (request.method, request.path, request.lane) == ("DELETE", f"/v2/orders/{VENUE_ID}", Lane.CANCEL)


async def test_a_cancel_without_a_venue_id_looks_it_up_by_ours() -> None:
    reads, commands = FakeTransport(ok("order_pending_new")), FakeTransport(reply(status=204))
    await broker(reads=reads, commands=commands).cancel_order(ref(order_id=None))
    assert reads.requests[0].query == (("client_order_id", CL_ORD_ID),)
    assert commands.requests[0].path == f"/v2/orders/{VENUE_ID}"


async def test_a_failed_look_up_leaves_the_command_not_sent() -> None:
    venue = broker(reads=FakeTransport(Timeout("no reply")), commands=FakeTransport())
    with pytest.raises(Timeout) as caught:
        await venue.cancel_order(ref(order_id=None))
    assert caught.value.outcome is Outcome.NOT_SENT


async def test_a_refused_cancel_is_told_in_the_venues_words() -> None:
    response = reply({"code": 42210000, "message": 'order is already in "filled" state'}, status=422)
    with pytest.raises(OrderRejected) as caught:
        await broker(commands=FakeTransport(response)).cancel_order(ref())
    assert caught.value.venue_text == 'order is already in "filled" state'


async def test_a_mass_cancel_tells_each_order_apart() -> None:
    response = reply(status=207, raw=payload("cancel_all"))
    asked, refused = await broker(commands=FakeTransport(response)).cancel_all()
    assert (asked.exec_type, asked.order_id) == (ExecType.PENDING_CANCEL, VENUE_ID)
    assert (refused.exec_type, refused.text) == (ExecType.CANCEL_REJECTED, 'order is already in "filled" state')


async def test_a_replace_sends_our_new_id_and_links_the_two_orders() -> None:
    follower = parsed("order_pending_new") | {"id": "next", "client_order_id": NEW_ID, "replaces": VENUE_ID}
    commands = FakeTransport(reply(follower))
    changes = OrderChanges(price=Price(Decimal(151)))
    (report,) = await broker(commands=commands).modify_order(ref(), changes, cl_ord_id=NEW_ID, decided_at=2.0)
    (request,) = commands.requests
    assert (request.method, request.path) == ("PATCH", f"/v2/orders/{VENUE_ID}")
    assert json.loads(request.body) == {"client_order_id": NEW_ID, "limit_price": "151"}
    assert (report.order_id, report.replaces, report.cl_ord_id) == ("next", VENUE_ID, NEW_ID)


QTY = OrderChanges(order_qty=Quantity(Decimal(5)))


@pytest.mark.parametrize("standing", [{"filled_qty": "1"}, {"qty": None, "notional": "5"}, {"qty": "1.5"}])
async def test_a_quantity_is_not_replaced_where_nobody_knows_what_it_would_mean(standing: dict[str, Any]) -> None:
    reads, commands = FakeTransport(reply(parsed("order_pending_new") | standing)), FakeTransport()
    with pytest.raises(NotSupported) as caught:
        await broker(reads=reads, commands=commands).modify_order(ref(), QTY, cl_ord_id=NEW_ID, decided_at=2.0)
    assert caught.value.outcome is Outcome.NOT_SENT
    assert commands.requests == []


@pytest.mark.parametrize(
    "standing", [{"qty": "sNaN"}, {"qty": "Infinity"}, {"filled_qty": "sNaN"}, {"filled_qty": "1e400"}]
)
async def test_a_quantity_that_is_no_number_sends_no_replace(standing: dict[str, Any]) -> None:
    reads, commands = FakeTransport(reply(parsed("order_pending_new") | standing)), FakeTransport()
    with pytest.raises(ApiError) as caught:
        await broker(reads=reads, commands=commands).modify_order(ref(), QTY, cl_ord_id=NEW_ID, decided_at=2.0)
    assert (caught.value.outcome, commands.requests) == (Outcome.NOT_SENT, [])


async def test_the_quantity_of_an_untouched_order_can_change() -> None:
    follower = parsed("order_pending_new") | {"id": "next", "client_order_id": NEW_ID, "replaces": VENUE_ID, "qty": "5"}
    commands = FakeTransport(reply(follower))
    venue = broker(reads=FakeTransport(ok("order_pending_new")), commands=commands)
    (report,) = await venue.modify_order(ref(), QTY, cl_ord_id=NEW_ID, decided_at=2.0)
    assert report.order_qty == 5


# -- reading orders -----------------------------------------------------------------------------------------------------


async def test_an_order_is_asked_for_by_its_venue_id_when_known() -> None:
    reads = FakeTransport(ok("order_replaced"))
    (report,) = await broker(reads=reads).get_order_status(ref())
    assert reads.requests[0].path == f"/v2/orders/{VENUE_ID}"
    assert report.asked_at == NOW


async def test_not_found_is_believed_only_in_the_documented_words() -> None:
    known = reply({"code": 40410000, "message": "order not found for x"}, status=404)
    venue = broker(reads=FakeTransport(known, reply(status=404, raw=b"<html>")))
    with pytest.raises(OrderNotFound):
        await venue.get_order_status(ref(order_id=None))
    with pytest.raises(ApiError):
        await venue.get_order_status(ref(order_id=None))


async def test_another_orders_answer_is_not_taken_for_ours() -> None:
    other = reply(parsed("order_pending_new") | {"client_order_id": "x"})
    with pytest.raises(ApiError):
        await broker(reads=FakeTransport(other)).get_order_status(ref(order_id=None))


class Book:
    """A venue with many orders, which it lists page by page as documented."""

    def __init__(self, count: int, *, page: int = 500) -> None:
        self.ids = [f"order-{number:05d}" for number in range(count)]
        self.page = page
        self.asked: list[dict[str, str]] = []

    def __call__(self, request: Request) -> Response:
        query = dict(request.query)
        self.asked.append(query)
        start = self.ids.index(query["after_order_id"]) + 1 if "after_order_id" in query else 0
        rows = self.ids[start : start + min(self.page, int(query["limit"]))]
        return reply([parsed("order_pending_new") | {"id": order_id} for order_id in rows])


async def test_open_orders_are_listed_to_the_last_page() -> None:
    book = Book(1203)
    fetched = await broker(reads=FakeTransport(by_path={"/v2/orders": book})).get_open_orders()
    assert [report.order_id for report in fetched.items] == book.ids
    assert [query.get("after_order_id") for query in book.asked] == [None, "order-00499", "order-00999"]
    assert all(query["status"] == "open" and query["nested"] == "false" for query in book.asked)


async def test_a_full_last_page_is_followed_by_an_empty_one() -> None:
    book = Book(500)
    fetched = await broker(reads=FakeTransport(by_path={"/v2/orders": book})).get_open_orders()
    assert len(fetched.items) == 500
    assert len(book.asked) == 2


async def test_a_list_whose_cursor_does_not_move_is_an_error_and_no_list() -> None:
    rows = [parsed("order_pending_new") | {"id": f"o{number}"} for number in range(500)]
    with pytest.raises(ApiError, match="repeats"):
        await broker(reads=FakeTransport(reply(rows), reply(rows))).get_open_orders()


async def test_a_failed_page_is_an_error_and_no_list() -> None:
    rows = [parsed("order_pending_new") | {"id": f"o{number}"} for number in range(500)]
    with pytest.raises(ApiError):
        await broker(reads=FakeTransport(reply(rows), reply(status=500, raw=b"oops"))).get_open_orders()


async def test_an_open_child_whose_parent_is_closed_still_finds_its_parent() -> None:
    head = parsed("order_bracket") | {"status": "filled"}
    child = head["legs"][0] | {"status": "new"}
    reads = FakeTransport(reply([child]), reply([head]), reply([child]))
    venue = broker(reads=reads)
    for _ in range(2):
        (report,) = (await venue.get_open_orders()).items
        assert report.parent_order_id == VENUE_ID
    assert len(reads.requests) == 3


async def test_the_family_of_a_child_is_looked_for_from_the_day_it_was_made() -> None:
    child = parsed("order_bracket")["legs"][0] | {"submitted_at": "2026-03-05T14:30:00Z"}
    reads = FakeTransport(reply([child]), reply([]))
    await broker(reads=reads).get_open_orders()
    assert dict(reads.requests[1].query)["after"] == "2026-03-02T15:04:03.123456Z"


async def test_a_paper_only_account_trades_on_paper() -> None:
    account = parsed("account") | {"status": "PAPER_ONLY"}
    assert (await broker(reads=FakeTransport(reply(account))).get_account_info()).can_trade


async def test_nobody_is_asked_twice_about_a_child_without_a_parent() -> None:
    child = parsed("order_bracket")["legs"][0]
    reads = FakeTransport(reply([child]), reply([]), reply([child]))
    venue = broker(reads=reads)
    for _ in range(2):
        (report,) = (await venue.get_open_orders()).items
        assert report.parent_order_id is None


async def test_the_history_covers_orders_since_then_and_all_that_are_open() -> None:
    old = parsed("order_pending_new") | {"id": "old", "status": "new"}
    reads = FakeTransport(ok_list("order_bracket"), reply([old, parsed("order_bracket")["legs"][0]]))
    fetched = await broker(reads=reads).get_order_history(NOW)
    assert [report.order_id for report in fetched.items] == [
        VENUE_ID,
        "b0000000-0000-4000-8000-000000000001",
        "b0000000-0000-4000-8000-000000000002",
        "old",
    ]
    first = dict(reads.requests[0].query)
    assert (first["status"], first["nested"], first["after"]) == ("all", "true", "2026-03-02T15:04:08.000000Z")


def ok_list(name: str) -> Response:
    return reply([parsed(name)])


async def test_fills_are_paged_by_the_last_id_seen() -> None:
    def page(start: int, count: int) -> Response:
        row = parsed("fills")[0]
        return reply([row | {"id": f"2026::{number}"} for number in range(start, start + count)])

    reads = FakeTransport(page(0, 100), page(100, 3))
    fetched = await broker(reads=reads).get_fills(NOW)
    assert [report.exec_id for report in fetched.items] == [str(number) for number in range(103)]
    assert dict(reads.requests[1].query)["page_token"] == "2026::99"


async def test_past_corrections_and_busts_come_from_the_events_where_the_profile_uses_them() -> None:
    def tell(socket: FakeSocket) -> None:
        for name in ("event_fill", "event_dividend", "event_correct"):
            socket.push(payload(name))
        socket.end()

    events = FakeConnect(tell)
    venue = broker(reads=FakeTransport(ok("fills")), events=events, options=Options(order_events="both"))
    fetched = await venue.get_fills(NOW)
    assert [report.exec_type for report in fetched.items] == [ExecType.TRADE] * 3 + [ExecType.TRADE_CORRECT]
    assert "since=2026-03-02T15%3A04%3A08.000000Z&until=2026-03-02T15%3A04%3A11.000000Z" in events.sockets[0].target.url
    assert events.sockets[0].closed


# -- account and market -------------------------------------------------------------------------------------------------


async def test_the_account_and_its_cash() -> None:
    venue = broker(reads=FakeTransport(by_path={"/v2/account": ok("account")}))
    account = await venue.get_account_info()
    assert (account.environment_hint, account.can_trade, account.equity) == ("paper", True, Decimal("100010.4"))
    (cash,) = (await venue.get_balances()).items
    assert (cash.currency, cash.total, cash.available) == ("USD", Decimal("98752.1"), Decimal("97752.1"))


async def test_positions_are_signed_and_named_our_way() -> None:
    held = (await broker(reads=FakeTransport(ok("positions"))).get_positions()).items
    assert [(position.symbol, position.qty) for position in held] == [
        ("AAPL", Decimal(5)),
        ("TSLA", Decimal(-2)),
        ("BTC/USD", Decimal("0.01")),
        ("AAPL  260320C00150000", Decimal(2)),
    ]


async def test_a_short_position_is_negative_whatever_sign_the_venue_writes() -> None:
    short = parsed("positions")[1] | {"qty": "2", "qty_available": "2"}
    (held,) = (await broker(reads=FakeTransport(reply([short]))).get_positions()).items
    assert (held.qty, held.qty_available) == (Decimal(-2), Decimal(-2))


async def test_a_position_with_an_unknown_side_is_no_position_list() -> None:
    odd = parsed("positions")[1] | {"side": "sideways"}
    with pytest.raises(ApiError):
        await broker(reads=FakeTransport(reply([odd]))).get_positions()


async def test_risk_is_computed_from_positions() -> None:
    venue = broker(
        reads=FakeTransport(
            by_path={"/v2/account": ok("account"), "/v2/positions": ok("positions"), "/v2/orders": reply([])}
        )
    )
    risk = await venue.get_risk_metrics()
    assert risk.gross_exposure == Decimal("2603.001")
    assert risk.net_exposure == Decimal("1402.001")
    assert risk.open_orders == 0


async def test_instruments_are_asked_for_once_and_symbols_stand_in_paths_safely() -> None:
    reads = FakeTransport(ok("asset_coin"))
    venue = broker(reads=reads)
    coin = await venue.get_instrument("BTC/USD")
    assert await venue.get_instrument("BTC/USD") == coin
    assert [request.path for request in reads.requests] == ["/v2/assets/BTC%2FUSD"]
    assert (coin.lot, coin.min_qty, coin.tick_at(Decimal(60000))) == (
        Decimal("1E-9"),
        Decimal("0.000014"),
        Decimal("0.01"),
    )


async def test_shares_have_two_ticks_and_fractions() -> None:
    share = await broker(reads=FakeTransport(ok("asset_share"))).get_instrument("AAPL")
    assert (share.tick_at(Decimal(1)), share.tick_at(Decimal("0.9"))) == (Decimal("0.01"), Decimal("0.0001"))
    assert share.is_on_lot(Decimal("0.000000001"))
    assert share.shortable


async def test_options_are_contracts_of_a_hundred() -> None:
    reads = FakeTransport(ok("option_contract"))
    option = await broker(reads=reads).get_instrument("AAPL  260320C00150000")
    assert reads.requests[0].path == "/v2/options/contracts/AAPL260320C00150000"
    assert (option.symbol, option.multiplier) == ("AAPL  260320C00150000", Decimal(100))


@pytest.mark.parametrize("symbol", ["NOPE", "EUR/USD"])
async def test_an_unknown_symbol_is_refused_by_name(symbol: str) -> None:
    missing = reply({"code": 40410000, "message": "asset not found for NOPE"}, status=404)
    with pytest.raises(SymbolNotFound, match=symbol):
        await broker(reads=FakeTransport(missing)).get_instrument(symbol)


async def test_a_quote_is_exact_and_asked_of_the_profiles_feed() -> None:
    reads = FakeTransport(ok("latest_quotes"))
    quote = await broker(reads=reads).get_market_data("AAPL")
    assert (quote.bid, quote.ask, quote.bid_size) == (Decimal("150.5"), Decimal("150.52"), Decimal(100))
    (request,) = reads.requests
    assert (request.origin, request.path) == ("https://data.alpaca.markets", "/v2/stocks/quotes/latest")
    assert request.query == (("symbols", "AAPL"), ("feed", "iex"))


@pytest.mark.parametrize(
    ("symbol", "path", "query"),
    [
        ("BTC/USD", "/v1beta3/crypto/us/latest/quotes", (("symbols", "BTC/USD"),)),
        (
            "AAPL  260320C00150000",
            "/v1beta1/options/quotes/latest",
            (("symbols", "AAPL260320C00150000"), ("feed", "indicative")),
        ),
    ],
)
async def test_coins_and_options_have_their_own_paths(
    symbol: str, path: str, query: tuple[tuple[str, str], ...]
) -> None:
    reads = FakeTransport(reply({"quotes": {}}))
    with pytest.raises(SymbolNotFound):
        await broker(reads=reads).get_market_data(symbol)
    assert (reads.requests[0].path, reads.requests[0].query) == (path, query)


async def test_a_snapshot_tells_the_last_trade_too() -> None:
    quote = await broker(reads=FakeTransport(ok("snapshots"))).get_snapshot("AAPL")
    assert (quote.last, quote.bid) == (Decimal("150.51"), Decimal("150.5"))


def listed(*symbols: str, token: str | None = None) -> Response:
    rows = [{**parsed("option_contract"), "symbol": symbol} for symbol in symbols]
    return reply({"option_contracts": rows, "next_page_token": token})


async def test_a_chain_is_the_contracts_of_one_day_with_the_quotes_of_those_that_have_some() -> None:
    call, put, later = "AAPL260320C00150000", "AAPL260320P00150000", "AAPL260417C00150000"
    quote = {"t": "2026-03-02T15:04:00Z", "bp": 2.5, "ap": 2.55, "bs": 10, "as": 20}
    quoted = reply({"snapshots": {put: {"latestQuote": quote, "latestTrade": None}}, "next_page_token": None})
    reads = FakeTransport(listed(put, call, token="MTAw"), listed(later), quoted)
    chain = await broker(reads=reads).get_option_chain("AAPL")
    assert (chain.expiry, chain.expirations) == (date(2026, 3, 20), (date(2026, 3, 20), date(2026, 4, 17)))
    assert [row.contract.compact for row in chain.contracts] == [call, put]
    assert [(row.bid, row.ask) for row in chain.contracts] == [(None, None), (Decimal("2.5"), Decimal("2.55"))]
    first, second, third = (dict(request.query) for request in reads.requests)
    assert (first["expiration_date_gte"], second["page_token"]) == ("2026-03-02", "MTAw")
    assert (reads.requests[2].path, third["expiration_date"], third["feed"]) == (
        "/v1beta1/options/snapshots/AAPL",
        "2026-03-20",
        "indicative",
    )


async def test_a_day_without_contracts_and_a_symbol_that_is_none_are_said() -> None:
    with pytest.raises(SymbolNotFound, match="2026-03-27"):
        await broker(reads=FakeTransport(listed("AAPL260320C00150000"))).get_option_chain("AAPL", date(2026, 3, 27))
    with pytest.raises(ApiError, match="names no option contract"):
        await broker(reads=FakeTransport(listed("AAPL"))).get_option_chain("AAPL")
    with pytest.raises(ApiError, match="repeats a page"):
        await broker(reads=FakeTransport(listed(token="A"), listed(token="A"))).get_option_chain("AAPL")


async def test_bars_are_read_to_the_last_page() -> None:
    reads = FakeTransport(ok("bars_page_1"), ok("bars_page_2"))
    bars = await broker(reads=reads).get_bars("AAPL", span_s=86_400, start=NOW - timedelta(days=2), end=NOW, limit=10)
    assert [bar.close for bar in bars] == [Decimal("150.5"), Decimal("151.75")]
    assert bars[1].high == Decimal("152.1234")
    first, second = (dict(request.query) for request in reads.requests)
    assert (first["timeframe"], first["limit"], first["feed"], first["adjustment"]) == ("1Day", "10", "iex", "raw")
    assert (second["page_token"], second["limit"]) == ("QUFQTHwy", "9")


async def test_no_more_bars_are_returned_than_asked_for() -> None:
    bars = await broker(reads=FakeTransport(ok("bars_page_1"))).get_bars(
        "AAPL", span_s=86_400, start=NOW, end=NOW, limit=1
    )
    assert len(bars) == 1


async def test_no_bars_are_an_empty_series() -> None:
    empty = reply({"bars": None, "next_page_token": None})
    assert len(await broker(reads=FakeTransport(empty)).get_bars("AAPL", span_s=60, start=NOW, end=NOW)) == 0


async def test_an_endless_or_monstrous_history_is_an_error_of_ours() -> None:
    with pytest.raises(ApiError, match="repeats"):
        await broker(reads=FakeTransport(ok("bars_page_1"), ok("bars_page_1"))).get_bars(
            "AAPL", span_s=60, start=NOW, end=NOW
        )
    monster = parsed("bars_page_2")
    monster["bars"]["AAPL"][0]["h"] = 10**20
    with pytest.raises(ApiError):
        await broker(reads=FakeTransport(reply(monster))).get_bars("AAPL", span_s=60, start=NOW, end=NOW)


async def test_a_span_the_venue_does_not_aggregate_is_refused() -> None:
    with pytest.raises(NotSupported):
        await broker().get_bars("AAPL", span_s=7, start=NOW, end=NOW)


async def test_past_quotes_and_trades() -> None:
    quote, trade = parsed("snapshots")["AAPL"]["latestQuote"], parsed("snapshots")["AAPL"]["latestTrade"]
    reads = FakeTransport(
        reply({"quotes": {"AAPL": [quote]}, "next_page_token": None}),
        reply({"trades": {"AAPL": [trade]}, "next_page_token": None}),
    )
    venue = broker(reads=reads)
    assert (await venue.get_quotes("AAPL", start=NOW, end=NOW))[0].ask == Decimal("150.52")
    assert (await venue.get_trades("AAPL", start=NOW, end=NOW))[0].price == Decimal("150.51")


async def test_market_hours_are_in_utc_and_say_whether_it_is_open_now() -> None:
    reads = FakeTransport(by_path={"/v2/calendar": ok("calendar"), "/v2/clock": ok("clock")})
    hours = await broker(reads=reads).get_market_hours("XNYS", date(2026, 3, 2))
    assert hours.open == datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
    assert hours.close == datetime(2026, 3, 2, 21, 0, tzinfo=UTC)
    assert hours.extended_open == datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    assert hours.extended_close == datetime(2026, 3, 3, 1, 0, tzinfo=UTC)
    assert (hours.is_open_day, hours.is_open_now) == (True, True)


async def test_a_day_the_calendar_lacks_is_closed_and_coins_never_close() -> None:
    venue = broker(reads=FakeTransport(reply([])))
    sunday = await venue.get_market_hours("XNYS", date(2026, 3, 1))
    assert (sunday.is_open_day, sunday.open) == (False, None)
    assert (await venue.get_market_hours("crypto", date(2026, 3, 1))).is_open_now


# -- connection ---------------------------------------------------------------------------------------------------------


def greeting(**account: Any) -> FakeTransport:
    return FakeTransport(
        by_path={
            "/v2/account": reply(parsed("account") | account),
            "/v2/clock": reply(parsed("clock") | {"timestamp": "2026-03-02T15:04:10.5Z"}),
        }
    )


async def test_connecting_proves_the_account_and_measures_the_clock() -> None:
    venue = broker(reads=greeting())
    await venue.connect()
    assert venue.is_connected()
    assert venue.get_connection_status().clock_offset_s == 0.5


@pytest.mark.parametrize(
    ("number", "environment"),
    [("PA3ABCDEF12", Environment.LIVE), ("123456789", Environment.PAPER), ("123456789", Environment.SIM)],
)
async def test_an_account_of_another_environment_is_not_connected_i17(number: str, environment: Environment) -> None:
    venue = broker(reads=greeting(account_number=number), environment=environment, key="CK-tells-nothing")
    with pytest.raises(Forbidden):
        await venue.connect()
    assert venue.get_connection_status().state is LinkState.DEGRADED
    assert not venue.is_connected()


@pytest.mark.parametrize(
    ("key", "environment"),
    [("PKPAPER", Environment.LIVE), ("AKLIVE", Environment.PAPER), ("AKLIVE", Environment.SIM)],
)
async def test_a_key_of_another_environment_is_not_even_shown_to_the_venue_i17(
    key: str, environment: Environment
) -> None:
    reads = greeting()
    venue = broker(reads=reads, environment=environment, key=key)
    with pytest.raises(Forbidden) as refused:
        await venue.connect()
    assert reads.requests == []
    assert key not in refused.value.detail
    assert venue.get_connection_status().state is LinkState.DEGRADED


@pytest.mark.parametrize(
    ("account", "withdraw"),
    [
        ({}, False),
        ({"account_number": "123456789", "transfers_blocked": True}, False),
        ({"account_number": "123456789", "transfers_blocked": False}, None),
    ],
    ids=["paper money goes nowhere", "transfers are blocked", "a live key may, and the venue does not tell"],
)
async def test_what_alpaca_tells_of_a_key_is_passed_on_and_nothing_else(
    account: dict[str, Any], withdraw: bool | None
) -> None:
    reads = greeting(**account)
    permissions = await broker(reads=reads).get_key_permissions()
    assert permissions.withdraw is withdraw
    assert permissions.detail
    assert [request.path for request in reads.requests] == ["/v2/account"]


async def test_wrong_keys_are_told() -> None:
    refused = reply({"message": "unauthorized."}, status=401)
    venue = broker(reads=FakeTransport(refused))
    with pytest.raises(AuthenticationFailed):
        await venue.connect()
    assert venue.get_connection_status().state is LinkState.OFFLINE


async def test_a_self_check_tells_each_thing_it_tried() -> None:
    check = await broker(reads=greeting()).self_check()
    assert check.ok
    assert [line.name for line in check.checks] == [
        "connectivity",
        "clock",
        "credentials",
        "environment",
        "permissions",
    ]


@pytest.mark.parametrize(
    ("account", "failing"),
    [
        ({"trading_blocked": True}, "permissions"),
        ({"account_number": "123456789"}, "environment"),
        ({"status": "ONBOARDING"}, "permissions"),
        ({"trade_suspended_by_user": True}, "permissions"),
    ],
)
async def test_a_self_check_finds_what_is_wrong(account: dict[str, Any], failing: str) -> None:
    check = await broker(reads=greeting(**account)).self_check()
    assert [line.name for line in check.checks if not line.ok] == [failing]


async def test_a_clock_that_is_off_and_a_dead_venue_are_found() -> None:
    late = FakeTransport(by_path={"/v2/clock": ok("clock"), "/v2/account": ok("account")})
    assert [line.name for line in (await broker(reads=late).self_check()).checks if not line.ok] == ["clock"]
    dead = FakeTransport(ConnectionFailed("nobody listens"))
    (line,) = (await broker(reads=dead).self_check()).checks
    assert (line.name, line.ok) == ("connectivity", False)


async def test_a_venue_that_refuses_the_key_was_reached() -> None:
    found = await broker(reads=FakeTransport(reply(status=401))).self_check()
    assert [(line.name, line.ok) for line in found.checks] == [("connectivity", True), ("credentials", False)]


# -- streams ------------------------------------------------------------------------------------------------------------


def willing(socket: FakeSocket) -> None:
    socket.push({"stream": "authorization", "data": {"status": "authorized", "action": "authenticate"}})
    socket.push({"stream": "listening", "data": {"streams": ["trade_updates"]}})


async def settle() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


async def test_order_events_are_heard_from_the_moment_the_venue_listens() -> None:
    connect, heard = FakeConnect(willing), Heard()
    venue = broker(connect=connect)
    subscription = await venue.subscribe_order_events(heard)
    await settle()
    (socket,) = connect.sockets
    assert socket.target.url == "wss://paper-api.alpaca.markets/stream"
    assert [message["action"] for message in socket.sent] == ["authenticate", "listen"]
    assert heard.streams == [(True, "up")]
    socket.push(payload("update_partial_fill"))
    await settle()
    assert [report.exec_type for report in heard.reports] == [ExecType.TRADE]
    await subscription.close()
    await subscription.close()
    assert socket.closed


async def test_a_lost_stream_is_told_and_opened_again() -> None:
    clock, connect, heard = ManualClock(NOW), FakeConnect(willing), Heard()
    venue = broker(connect=connect, clock=clock)
    await venue.subscribe_order_events(heard)
    await settle()
    connect.sockets[0].end()
    await settle()
    assert heard.streams[1][0] is False
    await clock.advance(3)
    await settle()
    assert len(connect.sockets) == 2
    assert heard.streams[2] == (True, "up")
    await venue.disconnect()


async def test_a_log_in_without_answer_is_given_up_although_the_clock_is_set_back() -> None:
    clock, connect, heard = MovedClock(NOW), FakeConnect(), Heard()
    venue = broker(connect=connect, clock=clock)
    await venue.subscribe_order_events(heard)
    await settle()
    clock.moved = timedelta(hours=-2)
    await clock.advance(12)
    await settle()
    assert len(connect.sockets) == 2
    assert heard.streams == [(False, "orders: the venue does not answer on the stream")]
    await venue.disconnect()


async def test_refused_credentials_end_the_connection_and_are_tried_again_seldom() -> None:
    status = "unauthorized"

    def by_status(socket: FakeSocket) -> None:
        if status == "authorized":
            willing(socket)
        else:
            socket.push({"stream": "authorization", "data": {"status": status, "action": "authenticate"}})

    clock, connect, heard = ManualClock(NOW), FakeConnect(by_status), Heard()
    venue = broker(reads=greeting(), connect=connect, clock=clock)
    await venue.connect()
    await venue.subscribe_order_events(heard)
    await settle()
    await clock.advance(DENIED_PAUSE_S - 1)
    assert len(connect.sockets) == 1
    assert [up for up, _ in heard.streams] == [False]
    assert not venue.is_connected()
    status = "authorized"
    await clock.advance(2)
    await settle()
    assert (len(connect.sockets), heard.streams[-1], venue.is_connected()) == (2, (True, "up"), True)
    await venue.disconnect()


async def test_two_listeners_share_one_stream() -> None:
    connect, first, second = FakeConnect(willing), Heard(), Heard()
    venue = broker(connect=connect)
    one = await venue.subscribe_order_events(first)
    await settle()
    await venue.subscribe_order_events(second)
    assert (len(connect.sockets), second.streams) == (1, [(True, "up")])
    await one.close()
    connect.sockets[0].push(payload("update_partial_fill"))
    await settle()
    assert (len(first.reports), len(second.reports)) == (0, 1)
    await venue.disconnect()


async def test_with_both_streams_the_account_is_up_when_both_are() -> None:
    connect, events, heard = FakeConnect(), FakeConnect(), Heard()
    venue = broker(connect=connect, events=events, options=Options(order_events="both"))
    await venue.subscribe_order_events(heard)
    await settle()
    assert heard.streams == []
    willing(connect.sockets[0])
    await settle()
    assert heard.streams == [(True, "up")]
    events.sockets[0].push(payload("event_bust"))
    await settle()
    assert [report.exec_type for report in heard.reports] == [ExecType.TRADE_CANCEL]
    await venue.disconnect()


async def test_events_need_a_connection_of_their_own() -> None:
    with pytest.raises(ConfigInvalid):
        broker(options=Options(order_events="sse"))


def data_greeting(socket: FakeSocket) -> None:
    socket.push([{"T": "success", "msg": "connected"}])
    socket.push([{"T": "success", "msg": "authenticated"}])


async def test_subscriptions_of_one_feed_share_one_connection() -> None:
    connect = FakeConnect(data_greeting)
    venue = broker(connect=connect, reads=FakeTransport(ok("asset_share"), ok("asset_share")))
    quotes: list[Any] = []
    everything: list[Any] = []
    first = await venue.subscribe_market_data(["AAPL"], frozenset({DataKind.QUOTES}), quotes.append)
    await settle()
    await venue.subscribe_market_data(
        ["AAPL", "MSFT"], frozenset({DataKind.QUOTES, DataKind.TRADES}), everything.append
    )
    await settle()
    (socket,) = connect.sockets
    assert socket.target.url == "wss://stream.data.alpaca.markets/v2/iex"
    assert socket.sent[1:] == [
        {"action": "subscribe", "quotes": ["AAPL"]},
        {"action": "subscribe", "quotes": ["MSFT"], "trades": ["AAPL", "MSFT"]},
    ]
    socket.push(payload("data_frame"))
    await settle()
    assert [type(event) for event in quotes] == [Quote]
    assert len(everything) == 2
    await first.close()
    await first.close()
    socket.push(payload("data_frame"))
    await settle()
    assert (len(quotes), len(everything)) == (1, 4)
    assert all(message["action"] != "unsubscribe" for message in socket.sent)
    await venue.disconnect()
    assert socket.closed


async def test_the_last_to_leave_a_feed_closes_it() -> None:
    connect = FakeConnect(data_greeting)
    venue = broker(connect=connect, reads=FakeTransport(ok("asset_coin")))
    subscription = await venue.subscribe_market_data(["BTC/USD"], frozenset({DataKind.BOOK}), lambda _: None)
    await settle()
    await subscription.close()
    assert connect.sockets[0].sent[-1] == {"action": "unsubscribe", "orderbooks": ["BTC/USD"]}
    assert connect.sockets[0].closed


async def test_shares_and_coins_are_two_feeds() -> None:
    connect = FakeConnect(data_greeting)
    venue = broker(connect=connect, reads=FakeTransport(ok("asset_share"), ok("asset_coin")))
    await venue.subscribe_market_data(["AAPL", "BTC/USD"], frozenset({DataKind.QUOTES}), lambda _: None)
    await settle()
    assert sorted(socket.target.url for socket in connect.sockets) == [
        "wss://stream.data.alpaca.markets/v1beta3/crypto/us",
        "wss://stream.data.alpaca.markets/v2/iex",
    ]
    await venue.disconnect()


async def test_a_book_of_shares_is_refused_and_nothing_is_opened() -> None:
    connect = FakeConnect(data_greeting)
    with pytest.raises(NotSupported):
        await broker(connect=connect).subscribe_market_data(["AAPL"], frozenset({DataKind.BOOK}), lambda _: None)
    assert connect.sockets == []


async def test_the_share_that_is_always_on_is_no_asset_and_is_subscribed_to_unasked() -> None:
    connect = FakeConnect(data_greeting)
    venue = broker(connect=connect, reads=FakeTransport(), options=Options(stock_feed="test"))
    await venue.subscribe_market_data(["FAKEPACA"], frozenset({DataKind.QUOTES}), lambda _: None)
    await settle()
    assert connect.sockets[0].sent[1:] == [{"action": "subscribe", "quotes": ["FAKEPACA"]}]
    await venue.disconnect()


# -- hostile replies ----------------------------------------------------------------------------------------------------

HOSTILE = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b"[null]",
    b'"text"',
    b"\x00\xff",
    b"<html></html>",
    b"[" * 100_000,
    b'{"id":' + b"9" * 5000 + b"}",
    b'[{"id":1,"status":2}]',
]


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
async def test_a_hostile_reply_is_an_error_of_ours_or_an_honest_answer(body: bytes) -> None:
    class Always:
        async def send(self, request: Request) -> Response:
            return Response(status=200, body=body)

    hostile: Any = Always()
    venue = broker(reads=hostile, commands=hostile)
    calls = [
        venue.submit_order(approved()),
        venue.cancel_order(ref()),
        venue.cancel_all(),
        venue.modify_order(ref(), QTY, cl_ord_id=NEW_ID, decided_at=0.0),
        venue.get_order_status(ref()),
        venue.get_open_orders(),
        venue.get_order_history(NOW),
        venue.get_fills(NOW),
        venue.get_account_info(),
        venue.get_positions(),
        venue.get_instrument("AAPL"),
        venue.get_market_data("AAPL"),
        venue.get_snapshot("AAPL"),
        venue.get_bars("AAPL", span_s=60, start=NOW, end=NOW),
        venue.get_market_hours("XNYS", date(2026, 3, 2)),
        venue.self_check(),
    ]
    for result in await asyncio.gather(*calls, return_exceptions=True):
        assert not isinstance(result, BaseException) or isinstance(result, FloorbrokerError)
