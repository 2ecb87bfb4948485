"""The adapter on fakes of the transport: what it sends, and what it makes of the answers."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from floorbroker.brokers.upstox import (
    Credentials,
    Options,
    hosts_for,
    limits_for,
    options_from,
    origins_for,
    read_limits,
    sign,
)
from floorbroker.brokers.upstox.adapter import check_way
from floorbroker.brokers.upstox.auth import dialog_url, token_ends_at
from floorbroker.brokers.upstox.rest.calls import Calls
from floorbroker.brokers.upstox.rest.instruments import STEP, pieces
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import (
    ApiError,
    AuthenticationFailed,
    ConfigInvalid,
    InvalidRequest,
    NotSupported,
    OrderNotFound,
    OrderRejected,
    Outcome,
    SessionExpired,
    StreamLost,
    SymbolNotFound,
    VenueError,
)
from floorbroker.domain.orders import OrderChanges
from floorbroker.domain.records import DataKind
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment, ExecType, OrderId, OrderType, OrdStatus, Price, Quantity
from floorbroker.transport.bucket import LimitNews
from floorbroker.transport.layers.gate import HostTable
from floorbroker.transport.types import Lane, Response, Socket, SocketTarget
from tests.unit.brokers.upstox.fakes import (
    CL_ORD_ID,
    KEY,
    NOW,
    ORIGINS,
    RELIANCE,
    VENUE_ID,
    FakeTransport,
    approved,
    broker_on,
    data,
    limit_order,
    payload,
    ref,
    refused,
    reply,
    told,
)

DONE = reply({"order_id": VENUE_ID})
DETAILS = "/v2/order/details"
ACCOUNT = {
    "/v2/user/profile": told("profile"),
    "/v3/user/get-funds-and-margin": told("funds"),
    "/v2/portfolio/short-term-positions": told("positions"),
    "/v2/portfolio/long-term-holdings": told("holdings"),
}


def standing(index: int = 0, **members: Any) -> Response:
    return reply({**data("orders")[index], **members})


# -- commands -----------------------------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_submit_is_one_post_to_the_order_host_and_success_means_received() -> None:
    commands = FakeTransport(reply({"order_ids": [VENUE_ID]}))
    (report,) = await (await broker_on(commands=commands)).submit_order(approved())
    (request,) = commands.requests
    assert (request.method, request.origin, request.path) == ("POST", ORIGINS.orders, "/v3/order/place")
    assert (request.endpoint, request.lane, request.order, request.decided_at) == (
        "orders.submit",
        Lane.NEW,
        CL_ORD_ID,
        1.0,
    )
    assert (commands.sent["tag"], commands.sent["instrument_token"]) == (CL_ORD_ID, KEY)
    assert (report.ord_status, report.order_id, report.cl_ord_id) == (OrdStatus.PENDING_NEW, VENUE_ID, CL_ORD_ID)


def several(data: object, *errors: dict[str, str], status: int = 200, word: str = "partial_success") -> Response:
    return Response(status=status, body=json.dumps({"status": word, "data": data, "errors": list(errors)}).encode())


@pytest.mark.asyncio
async def test_several_orders_are_one_request_and_each_has_its_own_answer() -> None:
    placed = [{"correlation_id": "0", "order_id": VENUE_ID}]
    no = {"error_code": "UDAPI1052", "message": "no", "correlation_id": "1"}
    odd = {"error_code": "UDAPI9999", "message": "?", "correlation_id": "2"}
    commands = FakeTransport(several(placed, no, odd))
    broker = await broker_on(commands=commands)
    wishes = [approved()] * 4 + [approved(limit_order(symbol="NOSUCH.NSE"))]
    first, second, third, fourth, unknown = await broker.submit_orders(wishes)
    (request,) = commands.requests
    assert (request.path, request.endpoint, request.weight, request.origin) == (
        "/v2/order/multi/place", "batches.submit", 4, ORIGINS.api,
    )  # fmt: skip
    assert [line["correlation_id"] for line in json.loads(request.body)] == ["0", "1", "2", "3"]
    assert isinstance(first, tuple)
    assert (first[0].order_id, first[0].cl_ord_id, first[0].ord_status) == (VENUE_ID, CL_ORD_ID, OrdStatus.PENDING_NEW)
    told = [error for error in (second, third, fourth, unknown) if isinstance(error, VenueError)]
    assert [type(error) for error in told] == [OrderRejected, ApiError, ApiError, SymbolNotFound]
    assert [error.outcome for error in told] == [Outcome.REFUSED, Outcome.UNKNOWN, Outcome.UNKNOWN, Outcome.NOT_SENT]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (refused("UDAPI100050", status=401), Outcome.REFUSED),
        (refused("UDAPI9999"), Outcome.UNKNOWN),
        (several([], {"error_code": "UDAPI1052", "correlation_id": "0"}, status=502), Outcome.UNKNOWN),
        (several([{"correlation_id": "0", "order_id": "../"}]), Outcome.UNKNOWN),
        (
            several([{"correlation_id": "0", "order_id": VENUE_ID}, {"correlation_id": "0", "order_id": "2"}]),
            Outcome.UNKNOWN,
        ),
        (several({"order_ids": ["1"]}), Outcome.UNKNOWN),
        (Response(status=504), Outcome.UNKNOWN),
    ],
)
@pytest.mark.asyncio
async def test_what_an_answer_about_several_does_not_say_of_one_is_not_known_i3(
    answer: Response, outcome: Outcome
) -> None:
    (told,) = await (await broker_on(commands=FakeTransport(answer))).submit_orders([approved()])
    assert isinstance(told, VenueError)
    assert told.outcome is outcome


@pytest.mark.asyncio
async def test_a_registered_algorithm_is_named_with_each_command() -> None:
    commands = FakeTransport(DONE)
    await (await broker_on(commands=commands, options=Options(algo_name="mine"))).cancel_order(ref())
    (request,) = commands.requests
    assert request.headers["X-Algo-Name"] == "mine"
    assert (request.method, request.path, request.query) == ("DELETE", "/v3/order/cancel", (("order_id", VENUE_ID),))
    assert (request.lane, request.body) == (Lane.CANCEL, b"")


@pytest.mark.asyncio
async def test_an_order_without_an_id_is_found_by_its_tag_before_it_is_cancelled() -> None:
    reads, commands = FakeTransport(told("history")), FakeTransport(DONE)
    await (await broker_on(reads, commands)).cancel_order(ref(order_id=None))
    assert reads.requests[-1].query == (("tag", CL_ORD_ID),)
    assert commands.requests[0].query == (("order_id", VENUE_ID),)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply([]), OrderNotFound),
        (refused("UDAPI100010", status=404), OrderNotFound),
        (Response(status=404), ApiError),
        (reply([{**data("orders")[0], "order_id": name} for name in ("1", "2")]), ApiError),
    ],
)
@pytest.mark.asyncio
async def test_a_tag_that_names_no_one_order_sends_nothing_i9(answer: Response, kind: type[ApiError]) -> None:
    commands = FakeTransport()
    with pytest.raises(kind) as caught:
        await (await broker_on(FakeTransport(answer), commands)).cancel_order(ref(order_id=None))
    assert (type(caught.value), caught.value.outcome) == (kind, Outcome.NOT_SENT)
    assert commands.requests == []


@pytest.mark.asyncio
async def test_a_cancel_of_all_is_one_request_and_a_report_for_each_order_named() -> None:
    commands = FakeTransport(reply({"order_ids": ["1", "2"]}))
    reports = await (await broker_on(commands=commands)).cancel_all()
    assert [(report.order_id, report.exec_type) for report in reports] == [
        ("1", ExecType.PENDING_CANCEL),
        ("2", ExecType.PENDING_CANCEL),
    ]
    assert (commands.requests[0].origin, commands.requests[0].query) == (ORIGINS.api, ())


@pytest.mark.asyncio
async def test_a_change_asks_what_stands_and_puts_it_back_with_what_is_new() -> None:
    reads, commands = FakeTransport(standing()), FakeTransport(DONE)
    broker = await broker_on(reads, commands)
    change = OrderChanges(price=Price(Decimal("1411.05")))
    assert await broker.modify_order(ref(), change, cl_ord_id=CL_ORD_ID, decided_at=1.0) == ()
    assert (commands.requests[0].method, commands.requests[0].path) == ("PUT", "/v3/order/modify")
    assert commands.sent == {
        "order_id": VENUE_ID, "validity": "DAY", "price": 1411.05, "order_type": "LIMIT", "trigger_price": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize("answer", [Response(status=500), standing(order_id="1"), refused("UDAPI100010", status=404)])
@pytest.mark.asyncio
async def test_a_change_of_what_cannot_be_looked_at_is_not_sent(answer: Response) -> None:
    commands = FakeTransport()
    broker = await broker_on(FakeTransport(answer), commands)
    change = OrderChanges(price=Price(Decimal(1)))
    with pytest.raises((ApiError, OrderNotFound)) as caught:
        await broker.modify_order(ref(), change, cl_ord_id=CL_ORD_ID, decided_at=1.0)
    assert caught.value.outcome is Outcome.NOT_SENT
    assert commands.requests == []


# -- orders and executions ------------------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_an_order_of_an_earlier_day_that_the_venue_knows_no_more_has_expired() -> None:
    gone = refused("UDAPI100010", status=404)
    today = await broker_on(FakeTransport(gone))
    with pytest.raises(OrderNotFound):
        await today.get_order_status(ref())
    later = await broker_on(FakeTransport(gone), now=NOW + timedelta(days=7))
    (report,) = await later.get_order_status(ref())
    assert (report.ord_status, report.order_id) == (OrdStatus.EXPIRED, VENUE_ID)
    broken = await broker_on(FakeTransport(Response(status=404)), now=NOW + timedelta(days=7))
    with pytest.raises(ApiError):  # a page of something in between is no word of the venue's
        await broken.get_order_status(ref())


@pytest.mark.asyncio
async def test_open_orders_are_those_that_can_fill_and_history_has_all_of_the_day() -> None:
    reads = FakeTransport(told("orders"), told("orders"), told("trades"))
    broker = await broker_on(reads)
    opened, history = await broker.get_open_orders(), await broker.get_order_history(NOW)
    assert [report.order_id for report in opened.items] == [VENUE_ID, "260302000000002"]
    assert len(history.items) == 3
    assert opened.asked_at == NOW
    (fill,) = (await broker.get_fills(NOW)).items
    assert fill.exec_type is ExecType.TRADE


@pytest.mark.asyncio
async def test_a_book_with_an_order_that_cannot_be_read_is_no_snapshot_i8() -> None:
    broker = await broker_on(FakeTransport(reply([*data("orders"), {"order_id": 7}])))
    with pytest.raises(ApiError):
        await broker.get_open_orders()


# -- account --------------------------------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_the_account_is_in_rupees_and_holdings_and_positions_are_one() -> None:
    broker = await broker_on(FakeTransport(by_path={**ACCOUNT, "/v2/order/retrieve-all": told("orders")}))
    account, held = await broker.get_account_info(), (await broker.get_positions()).items
    assert (account.account, account.currency, account.cash) == ("AB1234", "INR", Decimal("15507.46"))
    assert {position.symbol: position.qty for position in held} == {RELIANCE: 26, "NIFTY 25000 PE 30 MAR 26.NFO": 75}
    day = 14104 + (14104 - 14100) - Decimal("9037.5")  # what was got for shares, and paid for contracts
    assert account.equity == 24400 + 200 - 100 + day + 26 * Decimal(1411) + 75 * Decimal(121)
    (balance,) = (await broker.get_balances()).items
    assert (balance.currency, balance.available) == ("INR", Decimal("15507.46"))
    risk = await broker.get_risk_metrics()
    assert (risk.currency, risk.open_orders, risk.gross_exposure) == ("INR", 2, 26 * Decimal(1411) + 75 * Decimal(121))


def funds(*, opening: int, free: int, used: int) -> Response:
    cash = {"opening_balance": opening, "added_today": 0, "withdrawn_today": 0, "unpaid_charges": 0}
    trade = {"total": free, "cash": cash, "margin_used": {"total": used}}
    return reply({"available_to_trade": {"total": free, "cash_available_to_trade": trade}})


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("free", "quantity", "day", "equity"),
    [
        (1000, None, {}, 10_000),  # an order that waits
        (8200, 6, {"day_buy_value": 9000, "product": "I", "last_price": 1500}, 10_000),  # on a fifth of its worth
        (8200, 6, {"day_buy_value": 9000, "product": "I", "last_price": 1400}, 9_400),
        (8200, -6, {"day_sell_value": 9000, "product": "I", "last_price": 1500}, 10_000),
        (8200, -6, {"day_sell_value": 9000, "product": "I", "last_price": 1600}, 9_400),
        (10_000, 0, {"day_buy_value": 9000, "day_sell_value": 9600, "last_price": 1700}, 10_600),
        (10_000, 6, {"last_price": 1500}, 19_000),  # carried over, and paid for
    ],
)
async def test_what_is_tied_up_is_neither_lost_nor_won(
    free: int, quantity: int | None, day: dict[str, Any], equity: int
) -> None:
    row = {"instrument_token": KEY, "exchange": "NSE", "quantity": quantity, "average_price": 1500, **day}
    broker = await broker_on(
        FakeTransport(
            by_path={
                **ACCOUNT,
                "/v3/user/get-funds-and-margin": funds(opening=10_000, free=free, used=10_000 - free),
                "/v2/portfolio/short-term-positions": reply([] if quantity is None else [row]),
                "/v2/portfolio/long-term-holdings": reply([]),
            }
        )
    )
    account = await broker.get_account_info()
    assert (account.equity, account.buying_power, account.cash) == (equity, free, free)


@pytest.mark.asyncio
async def test_a_token_of_somebody_else_opens_nothing() -> None:
    broker = await broker_on(FakeTransport(by_path=dict(ACCOUNT)), user_id="ZZ9999")
    with pytest.raises(AuthenticationFailed):
        await broker.connect()
    assert not broker.is_connected()
    mine = await broker_on(FakeTransport(by_path=dict(ACCOUNT)), user_id="AB1234")
    await mine.connect()
    assert mine.is_connected()


@pytest.mark.asyncio
async def test_a_token_of_another_user_than_the_desk_began_with_is_refused_where_nobody_named_one() -> None:
    """A person logs in every morning: an order of one account would go to another."""
    transport = FakeTransport(by_path=dict(ACCOUNT))
    broker = await broker_on(transport)
    await broker.connect()
    transport.by_path["/v2/user/profile"] = reply({"user_id": "ZZ9999"})
    with pytest.raises(AuthenticationFailed, match="began with"):
        await broker.get_account_info()
    transport.by_path["/v2/user/profile"] = ACCOUNT["/v2/user/profile"]
    assert (await broker.get_account_info()).account == "AB1234"


@pytest.mark.asyncio
async def test_a_self_check_tells_an_ended_session_from_a_dead_line() -> None:
    ended = await broker_on(FakeTransport(by_path={"/v2/user/profile": refused("UDAPI100050", status=401)}))
    checks = {check.name: check.ok for check in (await ended.self_check()).checks}
    assert checks == {"connectivity": True, "credentials": False}
    well = await (await broker_on(FakeTransport(by_path=dict(ACCOUNT)))).self_check()
    assert well.ok
    assert [check.name for check in well.checks] == ["connectivity", "clock", "credentials", "permissions"]


@pytest.mark.asyncio
async def test_what_an_order_binds_and_costs_is_the_venues_word() -> None:
    by_path = {
        "/v2/charges/margin": told("margin"),
        "/v2/charges/brokerage": told("charges"),
        "/v2/market-quote/quotes": told("quotes"),
    }
    reads = FakeTransport(by_path=by_path)
    broker = await broker_on(reads)
    found = await broker.get_margin_requirements(limit_order(order_type=OrderType.MARKET, price=None))
    assert (found.initial, found.fees, found.currency, found.source) == (42315, Decimal("30.4"), "INR", "venue")
    assert dict(reads.requests[-1].query)["price"] == "1410.6"  # what is asked
    assert json.loads(reads.requests[-2].body)["instruments"][0]["instrument_key"] == KEY


# -- markets --------------------------------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_quote_is_found_by_the_key_inside_it() -> None:
    broker = await broker_on(FakeTransport(told("quotes"), reply({})))
    quote = await broker.get_market_data(RELIANCE)
    assert (quote.bid, quote.ask, quote.last, quote.ask_size) == (
        Decimal("1410.4"), Decimal("1410.6"), Decimal("1410.5"), 80,
    )  # fmt: skip
    with pytest.raises(SymbolNotFound):
        await broker.get_market_data(RELIANCE)


@pytest.mark.asyncio
async def test_bars_are_asked_for_in_parts_and_todays_by_themselves() -> None:
    reads = FakeTransport(*[reply({"candles": []})] * 2, told("candles"))
    broker = await broker_on(reads)
    bars = await broker.get_bars(RELIANCE, span_s=300, start=NOW - timedelta(days=40), end=NOW)
    assert [bar.open for bar in bars] == [Decimal(1400), Decimal(1402)]
    assert bars.start_at(0) == datetime(2026, 3, 2, 3, 45, tzinfo=UTC)
    assert [path.removeprefix("/v3/historical-candle/") for path in reads.paths] == [
        "NSE_EQ%7CINE002A01018/minutes/5/2026-02-19/2026-01-21",
        "NSE_EQ%7CINE002A01018/minutes/5/2026-03-01/2026-02-20",
        "intraday/NSE_EQ%7CINE002A01018/minutes/5",
    ]
    with pytest.raises(NotSupported):
        await broker.get_bars(RELIANCE, span_s=7, start=NOW, end=NOW)


@pytest.mark.asyncio
async def test_hours_are_the_exchanges_and_one_that_is_not_listed_is_closed() -> None:
    broker = await broker_on(FakeTransport(by_path={"/v2/market/timings/2026-03-02": told("timings")}))
    hours = await broker.get_market_hours("XNSE", date(2026, 3, 2))
    assert (hours.open, hours.is_open_now) == (datetime(2026, 3, 2, 3, 45, tzinfo=UTC), True)
    assert not (await broker.get_market_hours("XBOM", date(2026, 3, 2))).is_open_day
    with pytest.raises(InvalidRequest):
        await broker.get_market_hours("XNYS", date(2026, 3, 2))


@pytest.mark.asyncio
async def test_an_instrument_has_its_tick_in_rupees_and_its_freeze_quantity() -> None:
    broker = await broker_on()
    found = await broker.get_instrument(RELIANCE)
    assert (found.currency, found.calendar, found.venue_id) == ("INR", "XNSE", KEY)
    assert (found.ticks[0].tick, found.max_qty, found.shortable) == (Decimal("0.05"), Decimal(100_000), False)
    nhpc = await broker.get_instrument("NHPC.NSE")
    assert (nhpc.ticks[0].tick, nhpc.venue_id) == (Decimal("0.01"), "NSE_EQ|INE848E01016")  # the share, not the bond
    assert (await broker.get_instrument("RELIANCE.BSE")).venue_id == "BSE_EQ|INE002A01018"
    with pytest.raises(SymbolNotFound):
        await broker.get_instrument("NHPC 75 PE 29 JAN 26.NSE")


@pytest.mark.asyncio
async def test_an_order_nobody_can_place_is_told_before_it_is_sent() -> None:
    broker = await broker_on()
    (missing,) = await broker.validate_order(limit_order(symbol="NOSUCH.NSE"))
    assert missing.pointer == "/symbol"
    (size,) = await broker.validate_order(limit_order(order_qty=Quantity(Decimal("0.5"))))
    assert size.pointer == "/quantity"
    assert await broker.validate_order(limit_order()) == ()


def test_a_file_of_instruments_is_read_in_pieces_zipped_or_not() -> None:
    many = json.dumps(json.loads(payload("instruments")) * 2000).encode()
    assert len(many) > 4 * STEP
    for body in (many, gzip.compress(many)):
        found = list(pieces(body))
        assert len(found) > 4
        assert sum(map(len, found)) == 10_000
    assert list(pieces(b"[]")) == [[]]


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"{}",
        b"<html/>",
        b"\x1f\x8bnothing",
        gzip.compress(b"[]", mtime=0)[:-4],
        gzip.compress(b'[{"instrument_key":"' + b"x" * 2_000_000, mtime=0),
    ],
)
def test_what_is_no_file_of_instruments_is_an_error(bad: bytes) -> None:
    with pytest.raises(ApiError):
        list(pieces(bad))


# -- sessions -------------------------------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_stream_is_opened_where_the_venue_says_and_an_ended_session_is_a_denial() -> None:
    opened: list[SocketTarget] = []

    async def connect(target: SocketTarget) -> Socket:
        opened.append(target)
        raise ApiError("enough", broker="UPSTOX")

    url = "wss://feed.test/feeds?requestId=1&code=once"
    by_path = {"/v3/feed/market-data-feed/authorize": reply({"authorizedRedirectUri": url})}
    broker = await broker_on(FakeTransport(by_path=by_path), connect=connect)
    subscription = await broker.subscribe_market_data([RELIANCE], frozenset({DataKind.QUOTES}), lambda event: None)
    clock = broker._clock  # noqa: SLF001 - moved by hand
    assert isinstance(clock, ManualClock)
    await clock.advance(0.1)
    assert {target.url for target in opened} == {url}
    await subscription.close()
    ended = await broker_on(FakeTransport(refused("UDAPI100050", status=401)))
    with pytest.raises(AuthenticationFailed):
        await ended._orders_target()  # noqa: SLF001 - what its stream asks


@pytest.mark.parametrize("url", ["", "https://feed.test/x", "javascript:x", "wss://[feed.test/x"])
@pytest.mark.asyncio
async def test_a_way_to_a_stream_that_is_no_socket_is_refused(url: str) -> None:
    broker = await broker_on(FakeTransport(reply({"authorized_redirect_uri": url})))
    with pytest.raises(ApiError):
        await broker._orders_target()  # noqa: SLF001 - what its stream asks


@pytest.mark.parametrize(
    "url", ["wss://elsewhere.example/x", "wss://user@api.upstox.com/x", "wss://api.upstox.com:x/x"]
)
def test_a_way_to_a_stream_outside_the_host_table_is_asked_for_anew(url: str) -> None:
    hosts = HostTable(Environment.LIVE, hosts_for(Environment.LIVE))
    check_way(hosts, SocketTarget(url="wss://api.upstox.com/v2/feed"))
    with pytest.raises(StreamLost):
        check_way(hosts, SocketTarget(url=url))


def test_a_token_goes_with_every_request_but_for_files_and_the_log_in() -> None:
    calls, held = Calls(origins=ORIGINS), Credentials(token=Secret("t0ken"))
    signed = sign(calls.orders(), held, NOW)
    assert (signed.headers["Authorization"], signed.secret_headers) == ("Bearer t0ken", {"Authorization"})
    login = calls.token(code="c", client_id="k", client_secret="s", redirect_uri="http://r")
    for open_to_all in (calls.instruments("NSE"), login):
        assert sign(open_to_all, held, NOW) is open_to_all
    with pytest.raises(SessionExpired) as caught:
        sign(calls.orders(), Credentials(), NOW)
    assert (caught.value.outcome, caught.value.hint.reauthenticate) == (Outcome.NOT_SENT, True)


def test_the_log_in_leads_to_a_page_of_the_venue_and_back() -> None:
    url = dialog_url("https://api.upstox.com", client_id="k 1", redirect_uri="http://r/?a=b", state="s&t")
    asked = parse_qs(urlsplit(url).query)
    assert (asked["client_id"], asked["redirect_uri"], asked["state"]) == (["k 1"], ["http://r/?a=b"], ["s&t"])
    assert asked["response_type"] == ["code"]


@pytest.mark.parametrize(
    ("made", "ends"),
    [
        ("2026-03-02T04:00", "2026-03-02T22:00"),
        ("2026-03-01T20:30", "2026-03-01T22:00"),  # at two in the morning there
        ("2026-03-01T22:00", "2026-03-02T22:00"),
    ],
)
def test_a_token_ends_at_half_past_three_in_india_whenever_it_was_made(made: str, ends: str) -> None:
    assert token_ends_at(datetime.fromisoformat(made).replace(tzinfo=UTC)) == datetime.fromisoformat(ends).replace(
        tzinfo=UTC
    )


# -- facts ----------------------------------------------------------------------------------------------------------------


def test_hosts_are_a_closed_table_and_sim_is_loopback() -> None:
    assert origins_for(Environment.LIVE).orders == "https://api-hft.upstox.com"
    assert set(hosts_for(Environment.LIVE)) == {
        "api.upstox.com",
        "api-hft.upstox.com",
        "assets.upstox.com",
        "wsfeeder-api.upstox.com",
        "wsportfolioupdate-api.upstox.com",
    }
    assert "feeds2.upstox.com" in hosts_for(Environment.LIVE, "feeds2.upstox.com")
    local = origins_for(Environment.SIM, "http://127.0.0.1:8806/")
    assert local.api == local.orders == local.assets == "http://127.0.0.1:8806"
    assert hosts_for(Environment.SIM) == {}
    for environment, url in (
        (Environment.SIM, None),
        (Environment.SIM, "https://api.upstox.com"),
        (Environment.PAPER, None),
        (Environment.LIVE, "https://other.test"),
    ):
        with pytest.raises(ConfigInvalid):
            origins_for(environment, url)


FOREIGN = {"feed_hosts": "wsfeeder-api.upstox.com,upstox.com.evil.test"}


def test_options_are_typed_and_wrong_ones_are_named() -> None:
    assert options_from({"market_protection": "auto"}).protection == -1
    assert [Options(market_protection=text).protection for text in ("off", "25")] == [0, 25]
    for wrong in ({"product": "CNC"}, {"market_protection": "26"}, {"nothing": "1"}, {"orders_per_s": "0"}, FOREIGN):
        with pytest.raises(ConfigInvalid):
            options_from(wrong)


def test_order_commands_have_a_rate_of_their_own() -> None:
    limits = limits_for(Options(orders_per_s="50"))
    assert limits.routes["orders.submit"] == ("orders_second", "orders_minute", "orders_half_hour")
    assert limits.routes["*"] == ("second", "minute", "half_hour")
    assert {budget.name: budget.capacity for budget in limits.budgets}["orders_second"] == 50
    read = read_limits(ManualClock(NOW))
    assert read(Response(status=429, headers={"retry-after": "3"})) == LimitNews(retry_after_s=3.0)
    assert read(Response(status=429)) == LimitNews(retry_after_s=1.0)
    assert read(Response(status=200)) is None


def test_an_order_id_is_taken_as_the_venue_spells_it() -> None:
    assert msgspec.json.decode(b'"260302000000001"', type=str) == OrderId("260302000000001")
