"""The adapter on fakes of the transport: what it sends, and what it makes of the answers."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from floorbroker.brokers.tradier import Credentials, hosts_for, limits_for, options_from, origins_for, read_limits, sign
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import (
    ApiError,
    ConfigInvalid,
    FloorbrokerError,
    NotSupported,
    OrderRejected,
    Outcome,
    SymbolNotFound,
)
from floorbroker.domain.orders import OrderChanges
from floorbroker.domain.records import DataKind
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import AssetClass, Environment, OrderId, OrdStatus, Price
from floorbroker.transport.bucket import LimitNews
from floorbroker.transport.types import Lane, Request, Response
from tests.unit.brokers.tradier.fakes import (
    ACCOUNT,
    CALL,
    CL_ORD_ID,
    NOW,
    VENUE_ID,
    FakeTransport,
    approved,
    broker_on,
    limit_order,
    payload,
    ref,
    reply,
    told,
)

ORDERS = f"/v1/accounts/{ACCOUNT}/orders"
OK = {"order": {"id": 700500, "status": "ok", "partner_id": "p"}}
QUOTES = "/v1/markets/quotes"


@pytest.mark.asyncio
async def test_a_submit_is_one_post_and_ok_means_taken_for_review() -> None:
    commands = FakeTransport(reply(OK))
    (report,) = await broker_on(commands=commands).submit_order(approved())
    (request,) = commands.requests
    assert (request.method, request.path, request.endpoint, request.lane) == ("POST", ORDERS, "orders.submit", Lane.NEW)
    assert commands.form["tag"] == CL_ORD_ID
    assert (report.ord_status, report.order_id, report.cl_ord_id) == (OrdStatus.PENDING_NEW, VENUE_ID, CL_ORD_ID)


@pytest.mark.asyncio
async def test_a_refusal_and_a_doubt_are_told_apart() -> None:
    commands = FakeTransport(reply({"errors": {"error": "side is invalid"}}), reply({"order": {}}))
    broker = broker_on(commands=commands)
    refused, doubtful = await broker.submit_orders([approved(), approved()])
    assert isinstance(refused, OrderRejected)
    assert isinstance(doubtful, ApiError)
    assert (refused.outcome, doubtful.outcome) == (Outcome.REFUSED, Outcome.UNKNOWN)


@pytest.mark.asyncio
async def test_a_cancel_names_the_group_of_a_leg() -> None:
    commands = FakeTransport(reply({"order": {"id": 700520, "status": "ok"}}))
    broker = broker_on(FakeTransport(told("order_otoco")), commands)
    await broker.get_order_status(ref(order_id=OrderId("700520")))
    assert await broker.cancel_order(ref(order_id=OrderId("700522"))) == ()
    assert (commands.requests[0].method, commands.requests[0].path) == ("DELETE", f"{ORDERS}/700520")


@pytest.mark.asyncio
async def test_an_order_without_an_id_is_found_by_its_tag_before_it_is_cancelled() -> None:
    commands = FakeTransport(reply(OK))
    reads = FakeTransport(told("orders_one"))
    await broker_on(reads, commands).cancel_order(ref(order_id=None))
    assert ("includeTags", "true") in reads.requests[0].query
    assert commands.requests[0].path == f"{ORDERS}/700500"


@pytest.mark.asyncio
async def test_a_tag_that_no_order_has_proves_nothing_and_sends_nothing_i9() -> None:
    commands = FakeTransport()
    with pytest.raises(ApiError) as caught:
        await broker_on(FakeTransport(reply({"orders": "null"})), commands).cancel_order(ref(order_id=None))
    assert caught.value.outcome is Outcome.NOT_SENT
    assert commands.requests == []


@pytest.mark.asyncio
async def test_a_change_is_a_put_that_keeps_the_id_and_an_answer_about_another_order_is_none() -> None:
    commands = FakeTransport(reply(OK), reply({"order": {"id": 1, "status": "ok"}}))
    broker, change = broker_on(FakeTransport(told("orders_one")), commands), OrderChanges(price=Price(Decimal(151)))
    assert await broker.modify_order(ref(), change, cl_ord_id=CL_ORD_ID, decided_at=1.0) == ()
    assert (commands.requests[0].method, commands.form) == ("PUT", {"price": "151"})
    with pytest.raises(ApiError):
        await broker.modify_order(ref(), change, cl_ord_id=CL_ORD_ID, decided_at=1.0)


@pytest.mark.asyncio
async def test_a_changed_credit_is_a_credit_whether_or_not_the_order_was_heard_of() -> None:
    listed = json.loads(payload("orders_multileg"))["orders"]["order"][0]
    order_id = OrderId(str(listed["id"]))
    reads, commands = (
        FakeTransport(reply({"order": listed})),
        FakeTransport(*[reply({"order": {"id": order_id, "status": "ok"}})] * 2),
    )
    broker = broker_on(reads, commands)
    for price, kind in ((Decimal("-0.4"), "credit"), (Decimal("0.4"), "debit")):
        change = OrderChanges(price=Price(price))
        await broker.modify_order(ref(order_id=order_id), change, cl_ord_id=CL_ORD_ID, decided_at=1.0)
        assert commands.form == {"type": kind, "price": "0.4"}
    assert len(reads.requests) == 1


@pytest.mark.asyncio
async def test_a_change_of_an_order_that_cannot_be_asked_about_was_not_sent() -> None:
    commands, change = FakeTransport(), OrderChanges(price=Price(Decimal(151)))
    with pytest.raises(ApiError) as caught:
        await broker_on(FakeTransport(reply(status=500)), commands).modify_order(
            ref(), change, cl_ord_id=CL_ORD_ID, decided_at=1.0
        )
    assert (caught.value.outcome, commands.requests) == (Outcome.NOT_SENT, [])


@pytest.mark.asyncio
async def test_a_submit_that_is_answered_in_other_words_keeps_the_id_it_names() -> None:
    commands = FakeTransport(reply({"order": {"id": 700500, "status": "odd"}}))
    (report,) = await broker_on(commands=commands).submit_order(approved())
    assert (report.order_id, report.ord_status, report.text) == (
        VENUE_ID,
        OrdStatus.PENDING_NEW,
        "the venue said 'odd'",
    )


@pytest.mark.asyncio
async def test_an_order_in_doubt_is_asked_for_from_what_is_kept_for_doubts() -> None:
    reads = FakeTransport(told("orders_one"), told("orders_one"), told("orders_one"), reply({"orders": "null"}))
    broker = broker_on(reads)
    await broker.get_order_status(ref())
    await broker.get_order_status(ref(order_id=None))
    await broker.get_open_orders()
    assert [request.lane for request in reads.requests] == [Lane.RESOLVE, Lane.RESOLVE, Lane.RECONCILE]


@pytest.mark.asyncio
async def test_a_label_that_stands_at_the_first_leg_alone_finds_the_group() -> None:
    group = json.loads(payload("order_otoco"))["order"]
    first, *others = group["leg"]
    group = {**group, "tag": None, "leg": [{**first, "tag": CL_ORD_ID}, *others]}
    found = await broker_on(FakeTransport(reply({"orders": {"order": group}}))).get_order_status(ref(order_id=None))
    assert (found[0].order_id, found[0].cl_ord_id) == ("700520", CL_ORD_ID)


@pytest.mark.asyncio
async def test_open_orders_list_everything_first_then_today_and_who_is_missing_by_name() -> None:
    group = json.loads(payload("order_otoco"))["order"]
    reads = FakeTransport(reply({"orders": {"order": group}}), reply({"orders": None}), told("order_otoco"))
    broker = broker_on(reads)
    first, second = await broker.get_open_orders(), await broker.get_open_orders()
    assert [report.order_id for report in first.items] == [report.order_id for report in second.items]
    assert [("filter", "all") in request.query for request in reads.requests] == [True, False, False]
    assert reads.requests[2].path == f"{ORDERS}/700520"


@pytest.mark.asyncio
async def test_pages_are_read_to_the_end_and_one_that_comes_again_is_an_error_i8() -> None:
    order = json.loads(payload("orders_one"))["orders"]["order"]

    def page(first: int, count: int) -> Response:
        return reply({"orders": {"order": [{**order, "id": first + at, "status": "filled"} for at in range(count)]}})

    whole = await broker_on(FakeTransport(page(1, 25), page(26, 3))).get_order_history(NOW - timedelta(days=1))
    assert len(whole.items) == 28
    with pytest.raises(ApiError, match="repeats a page"):
        await broker_on(FakeTransport(page(1, 25), page(1, 25))).get_order_history(NOW)


@pytest.mark.asyncio
async def test_the_account_is_told_by_balances_and_profile() -> None:
    account = await broker_on(FakeTransport(told("balances_margin"), told("profile"))).get_account_info()
    assert (account.account, account.cash, account.equity) == (ACCOUNT, Decimal("18980.75"), Decimal("25310.75"))
    assert (account.buying_power, account.multiplier, account.option_level) == (Decimal("37961.5"), Decimal(2), 6)
    assert (account.can_trade, account.environment_hint) == (True, "")
    (balance,) = (await broker_on(FakeTransport(told("balances_margin"))).get_balances()).items
    assert (balance.total, balance.available) == (Decimal("18980.75"), Decimal(18900))


@pytest.mark.asyncio
async def test_the_balances_of_another_account_are_refused() -> None:
    other = payload("balances_margin").replace(b"VA12345678", b"VA00000000")
    with pytest.raises(ApiError, match="another account"):
        await broker_on(FakeTransport(reply(raw=other))).get_balances()


@pytest.mark.asyncio
async def test_positions_have_signs_and_prices_of_one_unit() -> None:
    held = (await broker_on(FakeTransport(told("positions"))).get_positions()).items
    assert [(one.symbol, one.qty, one.avg_px) for one in held] == [
        ("AAPL", Decimal(10), Decimal("150.48")),
        ("AAPL  260320P00150000", Decimal(-2), Decimal("4.1")),
        ("BRK.B", Decimal(1), Decimal(480)),
    ]


@pytest.mark.asyncio
async def test_a_quote_tells_sizes_in_shares_and_what_a_symbol_is() -> None:
    broker = broker_on(FakeTransport(told("quotes"), told("quotes"), told("quote_option")))
    quote = await broker.get_market_data("AAPL")
    assert (quote.bid, quote.ask, quote.bid_size, quote.ask_size) == (
        Decimal("150.49"),
        Decimal("150.51"),
        Decimal(200),
        Decimal(300),
    )
    share, option = await broker.get_instrument("AAPL"), await broker.get_instrument(CALL)
    assert (share.asset_class, option.asset_class, option.multiplier) == (
        AssetClass.EQUITY,
        AssetClass.OPTION,
        Decimal(100),
    )


@pytest.mark.asyncio
@pytest.mark.parametrize("body", [{"quotes": {"unmatched_symbols": {"symbol": "NOSUCH"}}}, {"quotes": "null"}])
async def test_a_symbol_nobody_knows_is_refused_by_name(body: object) -> None:
    with pytest.raises(SymbolNotFound, match="NOSUCH"):
        await broker_on(FakeTransport(reply(body))).get_instrument("NOSUCH")


@pytest.mark.asyncio
async def test_hours_are_new_yorks_in_utc() -> None:
    hours = await broker_on(FakeTransport(told("calendar"), told("clock"))).get_market_hours("XNYS", date(2026, 3, 2))
    assert (hours.open, hours.close) == (
        datetime(2026, 3, 2, 14, 30, tzinfo=UTC),
        datetime(2026, 3, 2, 21, 0, tzinfo=UTC),
    )
    assert hours.is_open_now
    closed = await broker_on(FakeTransport(told("calendar"))).get_market_hours("XNYS", date(2026, 3, 1))
    assert not closed.is_open_day


@pytest.mark.asyncio
async def test_bars_of_an_hour_are_made_of_quarters() -> None:
    broker = broker_on(FakeTransport(told("timesales"), told("history")))
    hours = await broker.get_bars("AAPL", span_s=3600, start=NOW - timedelta(hours=4), end=NOW)
    (bar,) = list(hours)
    assert (bar.start, bar.open, bar.high, bar.low, bar.close, bar.volume) == (
        datetime(2026, 3, 2, 14, tzinfo=UTC),
        Decimal("149.1"),
        Decimal("149.9"),
        Decimal(149),
        Decimal("149.6"),
        Decimal(13345),
    )
    days = await broker.get_bars("AAPL", span_s=86_400, start=NOW - timedelta(days=4), end=NOW)
    assert [day.start for day in days] == [datetime(2026, 3, 2, 5, tzinfo=UTC)]
    with pytest.raises(NotSupported):
        await broker.get_bars("AAPL", span_s=7, start=NOW, end=NOW)


@pytest.mark.asyncio
async def test_option_lists_come_in_order_in_each_shape() -> None:
    option = json.loads(payload("quote_option"))["quotes"]["quote"]
    broker = broker_on(
        FakeTransport(
            reply({"expirations": {"date": ["2026-04-17", "2026-03-20"]}}),
            reply({"strikes": {"strike": 150.0}}),
            reply({"expirations": {"date": ["2026-04-17", "2026-03-20"]}}),
            reply({"options": {"option": option}}),
            reply({"expirations": "null"}),
        )
    )
    assert await broker.get_expirations("AAPL") == [date(2026, 3, 20), date(2026, 4, 17)]
    assert await broker.get_strikes("AAPL", date(2026, 3, 20)) == [Decimal(150)]
    chain = await broker.get_option_chain("AAPL")
    assert (chain.expiry, chain.expirations) == (date(2026, 3, 20), (date(2026, 3, 20), date(2026, 4, 17)))
    (row,) = chain.contracts
    assert (row.contract.symbol, row.underlying, row.multiplier) == (CALL, "AAPL", 100)
    assert (row.bid, row.ask) == (Decimal(str(option["bid"])), Decimal(str(option["ask"])))
    with pytest.raises(SymbolNotFound, match="2026-03-27"):
        await broker.get_option_chain("AAPL", date(2026, 3, 27))


@pytest.mark.asyncio
async def test_a_preview_places_nothing_and_tells_the_margin() -> None:
    reads, commands = FakeTransport(told("preview"), by_path={QUOTES: told("quotes")}), FakeTransport()
    broker = broker_on(reads, commands)
    margin = await broker.get_margin_requirements(limit_order())
    assert (margin.initial, margin.buying_power_effect, margin.fees, margin.source) == (
        Decimal("225.75"),
        Decimal("451.5"),
        Decimal("0.40"),
        "venue",
    )
    assert reads.form["preview"] == "true"
    assert commands.requests == []


@pytest.mark.asyncio
async def test_what_the_preview_refuses_is_an_objection() -> None:
    refusal = reply({"errors": {"error": "You do not have enough buying power for this trade."}}, status=400)
    reads = FakeTransport(refusal, by_path={QUOTES: told("quotes")})
    (objection,) = await broker_on(reads).validate_order(limit_order())
    assert (objection.code, "buying power" in objection.detail) == ("insufficient_funds", True)


@pytest.mark.asyncio
async def test_what_the_venue_lacks_says_so() -> None:
    broker = broker_on()
    with pytest.raises(NotSupported):
        await broker.cancel_all()
    with pytest.raises(NotSupported):
        await broker.get_fills(NOW)
    with pytest.raises(NotSupported, match="sandbox"):
        await broker.subscribe_market_data(["AAPL"], frozenset({DataKind.QUOTES}), lambda _: None)


@pytest.mark.asyncio
async def test_connecting_proves_account_and_clock() -> None:
    broker = broker_on(FakeTransport(told("balances_margin"), told("profile"), told("clock")))
    await broker.connect()
    assert broker.is_connected()
    down = broker_on(FakeTransport(reply(status=500)))
    with pytest.raises(FloorbrokerError):
        await down.connect()
    assert not down.is_connected()


def test_the_token_is_a_secret_header() -> None:
    request = Request(method="GET", origin="https://sandbox.tradier.com", path="/", endpoint="x")
    signed = sign(request, Credentials(token=Secret("canary-token")), NOW)
    assert signed.headers["Authorization"] == "Bearer canary-token"
    assert signed.secret_headers == frozenset({"Authorization"})


def test_hosts_and_origins_belong_to_one_environment() -> None:
    assert set(hosts_for(Environment.LIVE)).isdisjoint(hosts_for(Environment.PAPER))
    assert origins_for(Environment.PAPER).data_stream is None
    for environment, url in (
        (Environment.PAPER, "https://api.tradier.com"),
        (Environment.SIM, "https://api.tradier.com"),
    ):
        with pytest.raises(ConfigInvalid):
            origins_for(environment, url)
    for wrong in ({"order_events": "pigeon"}, {"trading_requests_min": "0"}):
        with pytest.raises(ConfigInvalid):
            options_from(wrong)


def test_the_sandbox_has_half_the_budget_and_headers_are_read() -> None:
    capacity = {budget.name: budget.capacity for budget in limits_for(Environment.PAPER).budgets}
    assert capacity == {"standard": 60, "trading": 60, "markets": 60}
    told = int(options_from({"trading_requests_min": "90"}).trading_requests_min)
    for environment, standard in ((Environment.PAPER, 60), (Environment.LIVE, 120)):
        more = {budget.name: budget.capacity for budget in limits_for(environment, told).budgets}
        assert more == {"standard": standard, "trading": 90, "markets": standard}
    read = read_limits(ManualClock(NOW))
    expiry = str(int((NOW.timestamp() + 30) * 1000))
    headers = {"x-ratelimit-available": "7", "x-ratelimit-expiry": expiry}
    news = read(Response(status=200, headers=headers))
    assert isinstance(news, LimitNews)
    assert (news.remaining, round(news.reset_s or 0)) == (7, 30)
    assert read(Response(status=200)) is None
    spent = read(Response(status=400, headers=headers, body=b"Quota Violation"))
    assert round(getattr(spent, "retry_after_s", 0)) == 30
