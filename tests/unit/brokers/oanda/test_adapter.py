"""The adapter over fake transports: commands, standing out of the log, account, markets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.brokers.oanda import hosts_for, options_from, origins_for
from floorbroker.domain.errors import (
    ApiError,
    ConfigInvalid,
    FloorbrokerError,
    Forbidden,
    InsufficientFunds,
    InvalidRequest,
    NotSupported,
    OrderNotFound,
    Outcome,
    SymbolNotFound,
)
from floorbroker.domain.orders import OrderChanges
from floorbroker.domain.values import Environment, OrderType, OrdStatus, PositionIntent, Price, Quantity, Side
from floorbroker.transport.types import Lane, Response
from tests.unit.brokers.oanda.fakes import (
    ACCOUNT,
    CL_ORD_ID,
    NOW,
    OTHER_ID,
    A,
    FakeTransport,
    LogTransport,
    approved,
    as_json,
    broker_on,
    limit_order,
    market_order,
    ref,
    reply,
    told,
)

pytestmark = pytest.mark.asyncio
LOG: dict[str, Any] = {entry["id"]: entry for entry in as_json("log_bracket")["transactions"]}
MISSING = reply({"errorMessage": "The order ID specified does not exist", "errorCode": "NO_SUCH_ORDER"}, status=404)


def answer(**members: str) -> Response:
    """A reply to a command, made of entries of the log."""
    body = {name: LOG[number] for name, number in members.items()}
    return reply({**body, "relatedTransactionIDs": [], "lastTransactionID": "20"}, status=201)


def order_reply(number: str, state: str, **ends: str) -> Response:
    """An order object, made of the entry that made it."""
    made = LOG[number]
    terms = {
        name: made[name] for name in ("instrument", "units", "price", "clientExtensions", "tradeID") if name in made
    }
    kind = made["type"].removesuffix("_ORDER")
    order = {"id": number, "type": kind, "state": state, "createTime": made["time"], **terms, **ends}
    return reply({"order": order, "lastTransactionID": "20"})


# -- commands -----------------------------------------------------------------------------------------------------------


async def test_a_submit_is_one_post_and_its_answer_tells_everything_in_it() -> None:
    commands = FakeTransport(
        answer(orderCreateTransaction="11", orderFillTransaction="12", orderReissueTransaction="15")
    )
    reports = await broker_on(commands=commands).submit_order(approved())
    (request,) = commands.requests
    assert (request.method, request.path, request.lane) == ("POST", f"{A}/orders", Lane.NEW)
    assert (request.order, request.headers["ClientRequestID"], request.decided_at) == (CL_ORD_ID, CL_ORD_ID, 1.0)
    assert reports[0].cl_ord_id == CL_ORD_ID
    assert [report.order_id for report in reports] == ["11", "11-profit", "11-loss", "11", "15", "15-profit", "15-loss"]


@pytest.mark.parametrize(
    "made",
    [
        reply({}, status=201),
        reply(raw=b"{", status=201),
        reply({"orderCreateTransaction": {**LOG["11"], "clientExtensions": {"id": OTHER_ID}}}, status=201),
        reply({"orderCreateTransaction": {**LOG["11"], "id": "x"}}, status=201),
        answer(orderCreateTransaction="17"),
    ],
)
async def test_an_answer_that_is_not_about_our_order_proves_nothing(made: Response) -> None:
    with pytest.raises(ApiError) as caught:
        await broker_on(commands=FakeTransport(made)).submit_order(approved())
    assert caught.value.outcome is Outcome.UNKNOWN


async def test_a_refusal_is_raised_and_one_of_many_stands_among_the_reports() -> None:
    commands = FakeTransport(told("refused", status=400), answer(orderCreateTransaction="11"))
    refused, taken = await broker_on(commands=commands).submit_orders([approved(), approved()])
    assert isinstance(refused, InsufficientFunds)
    assert refused.outcome is Outcome.REFUSED
    assert not isinstance(taken, Exception)


async def test_a_cancel_names_the_order_and_its_answer_is_the_cancel() -> None:
    commands = FakeTransport(answer(orderCancelTransaction="20"), answer(orderCancelTransaction="20"))
    broker = broker_on(commands=commands)
    (report,) = await broker.cancel_order(ref("17"))
    assert report.ord_status is OrdStatus.CANCELED
    assert (commands.requests[0].method, commands.requests[0].lane) == ("PUT", Lane.CANCEL)
    assert commands.requests[0].path == f"{A}/orders/17/cancel"
    with pytest.raises(ApiError, match="another order"):
        await broker.cancel_order(ref(None))
    assert commands.requests[1].path == f"{A}/orders/@{CL_ORD_ID}/cancel"


async def test_a_promised_exit_is_neither_canceled_nor_changed_alone() -> None:
    broker = broker_on()
    with pytest.raises(NotSupported, match="entry 11"):
        await broker.cancel_order(ref("11-profit"))
    with pytest.raises(NotSupported):
        await broker.modify_order(
            ref("11-loss"), OrderChanges(stop_px=Price(Decimal(1))), cl_ord_id=OTHER_ID, decided_at=1.0
        )


async def test_a_change_reads_the_order_first_and_counts_what_its_forerunners_filled() -> None:
    reads = LogTransport("log_bracket", by_path={f"{A}/orders/15": order_reply("15", "PENDING")})
    commands = FakeTransport(answer(orderCancelTransaction="16", orderCreateTransaction="17"))
    changes = OrderChanges(order_qty=Quantity(Decimal(12)), price=Price(Decimal("1.105")))
    reports = await broker_on(reads, commands).modify_order(ref("15"), changes, cl_ord_id=OTHER_ID, decided_at=1.0)
    assert commands.body["order"]["units"] == "8"
    assert commands.body["order"]["clientExtensions"] == {"id": OTHER_ID}
    assert (commands.requests[0].method, commands.requests[0].lane) == ("PUT", Lane.NEW)
    assert [(report.order_id, report.replaces, report.replaced_by) for report in reports[:1] + reports[3:]] == [
        ("17", "15", None),
        ("15", None, "17"),
    ]


async def test_a_change_whose_question_fails_was_not_sent() -> None:
    commands = FakeTransport()
    with pytest.raises(FloorbrokerError) as caught:
        await broker_on(FakeTransport(reply({}, status=500)), commands).modify_order(
            ref(), OrderChanges(price=Price(Decimal(1))), cl_ord_id=OTHER_ID, decided_at=1.0
        )
    assert caught.value.outcome is Outcome.NOT_SENT
    assert commands.requests == []


@pytest.mark.parametrize(
    ("tag", "path", "body"),
    [
        (
            "",
            f"{A}/positions/EUR_USD/close",
            {"longUnits": "4", "longClientExtensions": {"id": CL_ORD_ID}, "shortUnits": "NONE"},
        ),
        ("trade:12", f"{A}/trades/12/close", {"units": "4"}),
    ],
)
async def test_closing_is_one_put_in_the_command_stack(tag: str, path: str, body: dict[str, Any]) -> None:
    made = {**LOG["11"], "type": "MARKET_ORDER", "requestID": CL_ORD_ID, "units": "-4"}
    if tag:
        made |= {"clientExtensions": None, "tradeClose": {"tradeID": "12", "units": "4"}}
    name = "longOrderCreateTransaction" if not tag else "orderCreateTransaction"
    commands = FakeTransport(reply({name: made}))
    order = market_order(
        side=Side.SELL, order_qty=Quantity(Decimal(4)), position_intent=PositionIntent.SELL_TO_CLOSE, client_tag=tag
    )
    reports = await broker_on(commands=commands).submit_order(approved(order))
    (request,) = commands.requests
    assert (request.method, request.path, commands.body) == ("PUT", path, body)
    assert (request.lane, request.headers["ClientRequestID"]) == (Lane.NEW, CL_ORD_ID)
    assert (reports[0].cl_ord_id, reports[0].side) == (CL_ORD_ID, Side.SELL)


async def test_a_close_of_a_trade_that_bears_no_name_is_told_by_the_trade() -> None:
    made = {**LOG["11"], "type": "MARKET_ORDER", "clientExtensions": None, "units": "-4"}
    order = market_order(
        side=Side.SELL,
        order_qty=Quantity(Decimal(4)),
        position_intent=PositionIntent.SELL_TO_CLOSE,
        client_tag="trade:12",
    )
    mine = reply({"orderCreateTransaction": {**made, "tradeClose": {"tradeID": "12", "units": "4"}}})
    (report, *_) = await broker_on(commands=FakeTransport(mine)).submit_order(approved(order))
    assert (report.order_id, report.cl_ord_id) == ("11", None)
    other = reply({"orderCreateTransaction": {**made, "tradeClose": {"tradeID": "13", "units": "4"}}})
    with pytest.raises(ApiError, match="another order"):
        await broker_on(commands=FakeTransport(other)).submit_order(approved(order))


async def test_a_trailing_stop_asks_for_the_trades_and_is_refused_without_one() -> None:
    wish = limit_order(
        order_type=OrderType.TRAILING_STOP, price=None, side=Side.SELL, trail_amount=Price(Decimal("0.01")),
        order_qty=Quantity(Decimal(3)),
    )  # fmt: skip
    made = {**LOG["14"], "id": "21", "type": "TRAILING_STOP_LOSS_ORDER", "distance": "0.01", "reason": "CLIENT_ORDER",
            "clientExtensions": {"id": CL_ORD_ID}}  # fmt: skip
    commands = FakeTransport(reply({"orderCreateTransaction": made}, status=201))
    (report,) = await broker_on(FakeTransport(told("account")), commands).submit_order(approved(wish))
    assert commands.body["order"]["tradeID"] == "12"
    assert (report.order_type, report.trail_amount) == (OrderType.TRAILING_STOP, Decimal("0.01"))
    bad = limit_order(order_type=OrderType.TRAILING_STOP, price=None, trail_amount=Price(Decimal("0.01")))
    with pytest.raises(NotSupported):
        await broker_on(FakeTransport(told("account"))).submit_order(approved(bad))


async def test_there_is_no_mass_cancel() -> None:
    with pytest.raises(NotSupported):
        await broker_on().cancel_all()


# -- how orders stand ---------------------------------------------------------------------------------------------------


async def test_a_filled_order_is_told_with_its_execution_and_what_its_rest_became() -> None:
    reads = LogTransport(
        "log_bracket", by_path={f"{A}/orders/11": order_reply("11", "FILLED", fillingTransactionID="12")}
    )
    reports = await broker_on(reads).get_order_status(ref("11"))
    assert [(r.order_id, r.ord_status) for r in reports if r.order_id in ("11", "15")] == [
        ("11", OrdStatus.NEW),
        ("11", None),
        ("15", OrdStatus.NEW),
    ]
    assert {r.exec_id for r in reports if r.exec_id} == {"12"}
    assert all(r.asked_at == NOW for r in reports)


async def test_a_promised_exit_is_asked_for_by_its_entry() -> None:
    reads = LogTransport(
        "log_bracket", by_path={f"{A}/orders/11": order_reply("11", "FILLED", fillingTransactionID="12")}
    )
    reports = await broker_on(reads).get_order_status(ref("11-profit"))
    assert ("13", "11-profit") in [(r.order_id, r.replaces) for r in reports]


async def test_a_client_id_is_looked_for_among_what_waits_and_then_in_the_log() -> None:
    by_path = {
        f"{A}/orders/@{CL_ORD_ID}": MISSING,
        f"{A}/orders/11": order_reply("11", "FILLED", fillingTransactionID="12"),
    }
    reads = LogTransport("log_bracket", by_path=by_path)
    reports = await broker_on(reads).get_order_status(ref(None))
    assert reports[0].cl_ord_id == CL_ORD_ID
    (listed,) = [dict(request.query) for request in reads.requests if request.path == f"{A}/transactions"]
    assert listed["from"] == "2025-03-02T13:26:57.440000Z"  # five minutes before the intent was decided
    assert all(request.origin == "https://api-fxpractice.oanda.com" for request in reads.requests)


@pytest.mark.parametrize(
    ("their_now", "asked"),
    [
        ("2026-03-02T15:04:00.000000000Z", ["2026-03-02T15:04:10.000000Z", "2026-03-01T15:04:00.000000Z"]),
        ("2026-03-02T14:04:10.000000000Z", ["2026-03-02T15:04:10.000000Z", "2026-03-02T14:04:10.000000Z"]),
        ("2026-03-02T15:04:11.000000000Z", ["2026-03-02T15:04:10.000000Z"]),
        ("0001-01-01T00:00:00.000000000Z", ["2026-03-02T15:04:10.000000Z"]),
    ],
)
async def test_a_clock_of_ours_that_is_ahead_hides_nothing(their_now: str, asked: list[str]) -> None:
    """A time that is still to come for the venue is read from the day before on."""
    reads = LogTransport("log_bracket")
    reads.now = their_now
    await broker_on(reads).get_fills(NOW)
    told_ = [dict(request.query)["from"] for request in reads.requests if request.path == f"{A}/transactions"]
    assert told_ == asked


async def test_what_the_log_lacks_did_not_arrive() -> None:
    reads = LogTransport("log_ends", by_path={f"{A}/orders/@fb-0195570e-6a8f-7abc-8def-0123456789ab": MISSING})
    unknown = ref(None)
    unknown = type(unknown)(
        intent_id=unknown.intent_id,
        cl_ord_id=type(CL_ORD_ID)("fb-0195570e-6a8f-7abc-8def-0123456789ab"),
        symbol="EUR/USD",
    )
    with pytest.raises(OrderNotFound):
        await broker_on(reads).get_order_status(unknown)


async def test_a_log_with_a_hole_is_no_log() -> None:
    reads = LogTransport("log_ends")
    del reads.log["34"]
    with pytest.raises(ApiError, match="lacks transactions"):
        await broker_on(reads).get_fills(NOW)


async def test_open_orders_are_of_one_moment_and_an_exit_is_as_large_as_its_trade() -> None:
    reads = LogTransport("log_bracket", by_path={A: told("account")})
    found = await broker_on(reads).get_open_orders()
    told_ = [(r.order_id, r.order_qty, r.parent_order_id) for r in found.items]
    assert told_[1] == ("13", Decimal(3), "11")
    assert told_[3] == ("14", Decimal(3), "11")
    assert told_[4:] == [
        ("11", Decimal(10), None),  # what it goes on for comes first, so that nobody takes it for a new one
        ("11-profit", Decimal(10), "11"),
        ("11-loss", Decimal(10), "11"),
        ("15", Decimal(6), None),
        ("15-profit", Decimal(6), "15"),
        ("15-loss", Decimal(6), "15"),
    ]
    assert found.items[7].replaces == "11"


async def test_history_is_the_log_and_fills_are_its_executions() -> None:
    reads = LogTransport("log_bracket", by_path={A: told("account")})
    broker = broker_on(reads)
    history = await broker.get_order_history(NOW)
    assert OrdStatus.CANCELED in {r.ord_status for r in history.items if r.order_id == "17"}
    fills = await broker.get_fills(NOW)
    assert [(r.exec_id, r.order_id, r.last_qty) for r in fills.items] == [
        ("12", "11", Decimal(4)),
        ("18", "13", Decimal(4)),
    ]


# -- account and markets ------------------------------------------------------------------------------------------------


async def test_the_account_is_told_in_its_currency_with_its_free_margin_as_buying_power() -> None:
    account = await broker_on(FakeTransport(told("summary"))).get_account_info()
    assert (account.account, account.currency, account.cash) == (ACCOUNT, "USD", Decimal("100000.0800"))
    assert (account.equity, account.buying_power) == (Decimal("100000.0600"), Decimal("99999.9720") / Decimal("0.02"))


async def test_both_sides_of_a_position_are_one_and_flat_ones_are_none() -> None:
    held = (await broker_on(FakeTransport(told("positions"))).get_positions()).items
    assert [(p.symbol, p.qty, p.avg_px) for p in held] == [
        ("EUR/USD", Decimal(100), Decimal("1.10010")),
        ("USD/JPY", Decimal(-20), None),
    ]


def _markets(price: str = "price") -> dict[str, Any]:
    return {f"{A}/summary": told("summary"), f"{A}/instruments": told("instruments"), f"{A}/pricing": told(price)}


async def test_an_instrument_has_the_venues_steps_and_what_its_quote_currency_is_worth() -> None:
    reads = FakeTransport(by_path=_markets())
    broker = broker_on(reads)
    found = await broker.get_instrument("USD/JPY")
    assert (found.tick_at(Decimal(146)), found.lot, found.min_qty) == (Decimal("0.001"), Decimal(1), Decimal(1))
    assert (found.currency, found.multiplier, found.calendar) == ("USD", Decimal("0.0068213755"), "FX")
    for symbol in ("NOSUCH/USD", "SPX500/USD"):
        with pytest.raises(SymbolNotFound, match=symbol):
            await broker.get_instrument(symbol)
    assert len([r for r in reads.requests if r.path == f"{A}/instruments"]) == 1


async def test_margin_is_units_at_a_price_in_the_currency_of_the_account() -> None:
    wish = limit_order(symbol="USD/JPY", order_qty=Quantity(Decimal(1000)), price=Price(Decimal(146)))
    told_ = await broker_on(FakeTransport(by_path=_markets())).get_margin_requirements(wish)
    assert (told_.currency, told_.initial) == ("USD", Decimal(1000) * 146 * Decimal("0.0068213755") * Decimal("0.04"))


async def test_rules_are_told_by_member_before_anything_is_sent() -> None:
    broker = broker_on(FakeTransport(by_path=_markets()))

    async def broken(**changes: Any) -> list[str]:
        wish = limit_order(**{"symbol": "USD/JPY", "price": Price(Decimal(146)), **changes})
        return [found.pointer for found in await broker.validate_order(wish)]

    assert await broken() == []
    assert await broken(price=Price(Decimal("146.0005"))) == ["/limit_price"]
    assert await broken(order_qty=Quantity(Decimal("1.5"))) == ["/quantity"]
    assert await broken(order_qty=Quantity(Decimal(1_000_000_000))) == ["/quantity"]
    assert await broken(order_type=OrderType.STOP_LIMIT) == ["/type"]
    assert await broken(symbol="NOSUCH/USD") == ["/symbol"]
    assert await broken(post_only=True) == ["/order_class"]
    trail = {"order_type": OrderType.TRAILING_STOP, "side": Side.SELL, "price": None}
    assert await broken(**trail, trail_amount=Price(Decimal("0.5"))) == []
    wish = limit_order(**trail, symbol="USD/JPY", trail_amount=Price(Decimal("1.001")))
    (far,) = await broker.validate_order(wish)
    assert (far.pointer, far.detail) == ("/trail_price", "at most 1 (100 pips)")


async def test_only_whole_candles_in_the_asked_time_are_bars() -> None:
    reads = FakeTransport(by_path={**_markets(), "/v3/instruments/EUR_USD/candles": told("candles")})
    bars = await broker_on(reads).get_bars("EUR/USD", span_s=60, start=NOW - timedelta(minutes=10), end=NOW, limit=10)
    assert [(bar.start.minute, bar.close, bar.volume) for bar in bars] == [
        (0, Decimal("1.10010"), Decimal(42)),
        (2, Decimal("1.10020"), Decimal(7)),
    ]
    with pytest.raises(NotSupported):
        await broker_on(reads).get_bars("EUR/USD", span_s=7, start=NOW, end=NOW)


async def test_a_trading_day_begins_on_the_eve_and_the_week_ends_on_friday() -> None:
    broker = broker_on(FakeTransport(by_path=_markets()))
    monday = await broker.get_market_hours("FX", date(2026, 3, 9))  # New York changed its clocks the day before
    assert (monday.open, monday.close) == (_utc(8, 21), _utc(9, 21))
    assert not (await broker.get_market_hours("FX", date(2026, 3, 7))).is_open_day
    today = await broker.get_market_hours("FX", date(2026, 3, 2))
    assert today.is_open_now is True
    with pytest.raises(InvalidRequest):
        await broker.get_market_hours("XNYS", date(2026, 3, 2))


def _utc(day: int, hour: int) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=NOW.tzinfo)


# -- connecting ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listed", "wrong"),
    [
        ([{"id": "101-004-7654321-001", "tags": []}], "none of the accounts"),
        ([{"id": ACCOUNT, "mt4AccountID": 77, "tags": []}], "MetaTrader"),
    ],
)
async def test_an_account_of_others_or_of_metatrader_is_refused(listed: list[Any], wrong: str) -> None:
    with pytest.raises(Forbidden, match=wrong):
        await broker_on(FakeTransport(reply({"accounts": listed}))).connect()


async def test_connecting_proves_the_token_and_the_self_check_says_so() -> None:
    by_path: dict[str, Any] = {"/v3/accounts": reply({"accounts": [{"id": ACCOUNT, "tags": []}]}), **_markets()}
    broker = broker_on(FakeTransport(by_path=by_path))
    await broker.connect()
    assert broker.is_connected()
    assert (await broker.self_check()).ok
    await broker.disconnect()
    assert not broker.is_connected()


async def test_an_answer_about_another_account_is_none() -> None:
    body = as_json("summary")
    body["account"]["id"] = "101-004-7654321-001"
    with pytest.raises(ApiError, match="another account"):
        await broker_on(FakeTransport(reply(body))).get_account_info()


@pytest.mark.parametrize(
    "make",
    [
        lambda: origins_for(Environment.SIM),
        lambda: origins_for(Environment.SIM, "https://api-fxpractice.oanda.com"),
        lambda: origins_for(Environment.PAPER, "https://api-fxtrade.oanda.com"),
        lambda: options_from({"nonsense": "1"}),
    ],
)
async def test_origins_and_options_that_do_not_fit_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ConfigInvalid):
        make()


async def test_each_environment_knows_its_own_hosts_alone() -> None:
    assert set(hosts_for(Environment.PAPER)) == {"api-fxpractice.oanda.com", "stream-fxpractice.oanda.com"}
    assert set(hosts_for(Environment.LIVE)) == {"api-fxtrade.oanda.com", "stream-fxtrade.oanda.com"}
    assert hosts_for(Environment.SIM) == {}
