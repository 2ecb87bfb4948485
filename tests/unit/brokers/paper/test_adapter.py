"""The paper venue through the broker port: every order kind, every read, every mishap, and a life after kill -9."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio

from floorbroker.brokers.paper import INFO, LogFile, MemoryState
from floorbroker.domain.bars import Bar
from floorbroker.domain.capability import Can
from floorbroker.domain.errors import (
    ConnectionFailed,
    DuplicateOrderId,
    InsufficientFunds,
    NotSupported,
    OrderNotFound,
    OrderRejected,
    Outcome,
    SymbolNotFound,
    Timeout,
)
from floorbroker.domain.options import Ending
from floorbroker.domain.orders import OrderChanges, OrderLeg, OrderRef, StopLoss
from floorbroker.domain.ports import MarketEvent
from floorbroker.domain.records import BookDelta, DataKind, LinkState, Quote, Trade
from floorbroker.domain.values import (
    ClOrdId,
    ExecType,
    IntentId,
    OrderClass,
    OrderId,
    OrderType,
    OrdStatus,
    Side,
    TimeInForce,
)
from tests.unit.brokers.paper.account import START, Paper, opened, ref
from tests.unit.matching.venue import buy, px, sell, units

pytestmark = pytest.mark.asyncio
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
CALL, PUT = "AAPL  261218C00230000", "AAPL  261218P00230000"
EXPIRED = datetime(2026, 12, 18, 21, 0, tzinfo=UTC)  # the close of their last day


@pytest_asyncio.fixture
async def paper() -> AsyncIterator[Paper]:
    async with opened() as account:
        yield account


# -- orders


async def test_a_market_order_fills_and_moves_cash_and_position(paper: Paper) -> None:
    report = await paper.send(buy(10))
    assert (report.ord_status, report.cum_qty, report.avg_px) == (OrdStatus.FILLED, 10, 101)
    assert await paper.cash() == 100_000 - 1010
    (position,) = (await paper.broker.get_positions()).items
    assert (position.symbol, position.qty, position.avg_px, position.unrealized_pl) == ("AAPL", 10, 101, -10)


async def test_the_stream_tells_each_step_with_the_trade_complete(paper: Paper) -> None:
    sent = await paper.send(buy(10))
    assert paper.ear.words() == ["new P00000001", "trade P00000001"]
    trade = paper.ear.reports[-1]
    assert (trade.exec_id, trade.last_qty, trade.last_px) == ("X00000001", 10, 101)
    assert (trade.cum_qty, trade.avg_px, trade.order_qty, trade.ord_status) == (10, 101, 10, OrdStatus.FILLED)
    assert (trade.cl_ord_id, trade.side) == (sent.cl_ord_id, Side.BUY)
    assert paper.ear.links == [True]


async def test_totals_of_partial_fills_are_those_of_their_moment() -> None:
    async with opened(liquidity="displayed") as paper:
        paper.quote(99, 100, size=4)
        await paper.send(buy(10, price=102))
        paper.quote(99, 102, size=6)
        trades = [r for r in paper.ear.reports if r.exec_type is ExecType.TRADE]
        assert [(r.last_qty, r.cum_qty, r.avg_px) for r in trades] == [(4, 4, 100), (6, 10, Decimal("101.2"))]
        assert [r.ord_status for r in trades] == [OrdStatus.PARTIALLY_FILLED, OrdStatus.FILLED]


async def test_a_post_only_order_that_would_take_is_refused_and_one_that_rests_is_not(paper: Paper) -> None:
    with pytest.raises(OrderRejected) as refused:
        await paper.send(buy(10, price=101, post_only=True))
    assert refused.value.venue_text == "a post-only order would have traded at once"
    sent = await paper.send(buy(10, price=100, post_only=True, tif=TimeInForce.GTC))
    assert sent.ord_status is OrdStatus.NEW
    paper.quote(98, 99)
    assert paper.ear.words()[-1] == f"trade {sent.order_id}"


async def test_a_touched_order_waits_for_its_price(paper: Paper) -> None:
    sent = await paper.send(sell(10, order_type=OrderType.MARKET_IF_TOUCHED, stop_px=110))
    assert (sent.ord_status, sent.stop_px) == (OrdStatus.NEW, 110)
    paper.quote(111, 112)
    assert (paper.ear.reports[-1].last_px, paper.ear.reports[-1].ord_status) == (111, OrdStatus.FILLED)


async def test_an_iceberg_goes_on_after_kill_9_with_the_part_that_shows() -> None:
    async with opened(liquidity="displayed") as paper:
        await paper.send(buy(10, price=100, display_qty=units(3), tif=TimeInForce.GTC))
        paper.quote(98, 100, size=2)
        async with opened(state=paper.state, liquidity="displayed") as again:
            (order,) = again.broker.venue.engine.open_orders()
            assert (order.shown, order.leaves_qty) == (1, 8)


async def test_a_perpetual_is_sold_to_open_and_is_no_coin_of_the_account(paper: Paper) -> None:
    paper.quote(60_000, 60_001, "BTC/USDT:USDT")
    await paper.send(sell("0.5", "BTC/USDT:USDT"))
    (held,) = (await paper.broker.get_positions()).items
    assert (held.symbol, held.qty) == ("BTC/USDT:USDT", Decimal("-0.5"))
    assert [balance.currency for balance in (await paper.broker.get_balances()).items] == ["USD"]
    instrument = await paper.broker.get_instrument("BTC/USDT:USDT")
    assert (instrument.currency, instrument.calendar, instrument.shortable) == ("USDT", "24x7", True)


async def test_what_shows_of_an_iceberg_stands_on_the_lot(paper: Paper) -> None:
    (found,) = await paper.broker.validate_order(buy(10, "EUR/USD", price=1, display_qty=units("2.5")))
    assert (found.pointer, found.code) == ("/display_quantity", "off_lot")


async def test_a_resting_order_can_be_found_changed_and_canceled(paper: Paper) -> None:
    sent = await paper.send(buy(10, price=90, tif=TimeInForce.GTC))
    assert sent.ord_status is OrdStatus.NEW
    intent = paper.ids.intent(paper.clock.now())
    (changed, *_) = await paper.broker.modify_order(
        ref(sent), OrderChanges(price=px(91), order_qty=units(12)), cl_ord_id=ClOrdId(intent), decided_at=0.0
    )
    assert (changed.replaces, changed.price, changed.order_qty, changed.cl_ord_id) == (sent.order_id, 91, 12, intent)
    newest, old = await paper.broker.get_order_status(ref(sent))
    assert (newest.order_id, old.replaced_by, old.ord_status) == (changed.order_id, changed.order_id, None)
    (open_order,) = (await paper.broker.get_open_orders()).items
    assert open_order.order_id == changed.order_id
    (gone,) = await paper.broker.cancel_order(ref(sent))
    assert (gone.order_id, gone.ord_status) == (changed.order_id, OrdStatus.CANCELED)
    assert paper.ear.words() == [
        "new P00000001", "replaced P00000001", "new P00000002", "canceled P00000002",
    ]  # fmt: skip


async def test_what_is_not_open_cannot_be_canceled_and_what_is_unknown_is_not_found(paper: Paper) -> None:
    sent = await paper.send(buy(10))
    with pytest.raises(OrderRejected) as refused:
        await paper.broker.cancel_order(ref(sent))
    assert (refused.value.outcome, refused.value.venue_text) == (Outcome.REFUSED, "order is already in filled state")
    never_sent = OrderRef(intent_id=IntentId("x"), cl_ord_id=ClOrdId("x"), symbol="AAPL")
    for ask in (paper.broker.get_order_status(never_sent), paper.broker.cancel_order(never_sent)):
        with pytest.raises(OrderNotFound):
            await ask


async def test_cancel_all_takes_out_everything(paper: Paper) -> None:
    for price in (90, 91, 92):
        await paper.send(buy(1, price=price))
    canceled = await paper.broker.cancel_all()
    assert {report.ord_status for report in canceled} == {OrdStatus.CANCELED}
    assert len(canceled) == 3
    assert (await paper.broker.get_open_orders()).items == ()


async def test_a_client_id_works_once_for_good(paper: Paper) -> None:
    approved = paper.approve(buy(1))
    await paper.broker.submit_order(approved)
    with pytest.raises(DuplicateOrderId) as refused:
        await paper.broker.submit_order(approved)
    assert refused.value.outcome is Outcome.UNKNOWN
    assert len((await paper.broker.get_order_history(LONG_AGO)).items) == 1


async def test_a_batch_answers_for_each_order(paper: Paper) -> None:
    good, bad = paper.approve(buy(1)), paper.approve(buy(1, "NOBODY"))
    answers = await paper.broker.submit_orders([good, bad, paper.approve(sell(1))])
    assert isinstance(answers[1], SymbolNotFound)
    assert [isinstance(answer, Exception) for answer in answers] == [False, True, False]


async def test_fractions_notionals_and_shorts_are_taken(paper: Paper) -> None:
    assert (await paper.send(buy("0.5"))).cum_qty == Decimal("0.5")
    by_value = await paper.send(buy(None, notional=Decimal(1000)))
    assert (by_value.ord_status, by_value.cum_qty) == (OrdStatus.FILLED, Decimal("9.900990099"))
    await paper.send(sell(20))
    (position,) = (await paper.broker.get_positions()).items
    assert position.qty == Decimal("-9.599009901")


async def test_a_bracket_answers_with_its_children(paper: Paper) -> None:
    order = buy(10, order_class=OrderClass.BRACKET, take_profit=110, stop_loss=StopLoss(stop_px=px(95)))
    head, profit, loss = await paper.family(order)
    assert (head.ord_status, profit.ord_status, loss.ord_status) == (OrdStatus.FILLED, OrdStatus.NEW, OrdStatus.NEW)
    assert profit.parent_order_id == loss.parent_order_id == head.order_id
    paper.quote(94, 95)
    statuses = {r.order_id: r.ord_status for r in await paper.broker.get_order_status(ref(head))}
    assert statuses == {
        head.order_id: OrdStatus.FILLED, profit.order_id: OrdStatus.CANCELED, loss.order_id: OrdStatus.FILLED,
    }  # fmt: skip


async def test_an_oco_and_an_oto_work(paper: Paper) -> None:
    await paper.send(buy(10))
    profit, loss = await paper.family(
        sell(10, price=110, order_class=OrderClass.OCO, stop_loss=StopLoss(stop_px=px(95)))
    )
    assert (profit.ord_status, loss.ord_status) == (OrdStatus.NEW, OrdStatus.NEW)
    paper.quote(110, 111)
    assert (await paper.broker.get_positions()).items == ()
    head, child = await paper.family(buy(1, price=100, order_class=OrderClass.OTO, take_profit=120))
    assert (head.ord_status, child.ord_status) == (OrdStatus.NEW, OrdStatus.HELD)


async def test_options_have_prices_and_a_spread_fills_together(paper: Paper) -> None:
    paper.quote(229, 231)
    quote = await paper.broker.get_market_data(CALL)
    assert quote.ask is not None
    legs = tuple(OrderLeg(symbol=symbol, side=Side.BUY, ratio_qty=units(1)) for symbol in (CALL, PUT))
    paper.quote(5, 6, CALL)
    paper.quote(4, 5, PUT)
    head, *children = await paper.family(buy(2, price=12, order_class=OrderClass.MULTILEG, legs=legs))
    assert [r.ord_status for r in (head, *children)] == [OrdStatus.FILLED] * 3
    assert head.avg_px == 11
    assert await paper.cash() == 100_000 - 2 * 100 * 11


async def test_an_option_trades_a_hundredfold(paper: Paper) -> None:
    paper.quote(5, 6, CALL)
    await paper.send(buy(2, CALL, price=6))
    assert await paper.cash() == 100_000 - 1200


async def after_expiry(paper: Paper) -> dict[str, Decimal]:
    """What is held a few seconds behind the close of the options' last day."""
    paper.clock.set(EXPIRED)
    await paper.clock.advance(5)
    return {position.symbol: position.qty for position in (await paper.broker.get_positions()).items}


async def test_an_option_in_the_money_is_exercised_at_its_close_and_one_out_of_it_ends_at_nothing(
    paper: Paper,
) -> None:
    for symbol in (CALL, PUT):
        paper.quote(5, 6, symbol)
        await paper.send(buy(2, symbol))
    paper.quote(235, 237)
    waiting = await paper.send(buy(1, PUT, price=1, tif=TimeInForce.GTC))
    before = await paper.cash()
    assert await after_expiry(paper) == {"AAPL": 200}
    assert await paper.cash() == before - 200 * 230
    assert (await paper.broker.get_order_status(ref(waiting)))[0].ord_status is OrdStatus.CANCELED
    told = (await paper.broker.get_option_events(date(2026, 12, 18))).items
    assert [(one.symbol, one.ending, one.qty) for one in told] == [
        (CALL, Ending.EXERCISED, 2),
        (PUT, Ending.EXPIRED, 2),
    ]
    assert (await paper.broker.get_option_events(date(2026, 12, 19))).items == ()


async def test_a_written_put_in_the_money_is_assigned(paper: Paper) -> None:
    paper.quote(5, 6, PUT)
    await paper.send(sell(1, PUT))
    paper.quote(220, 222)
    before = await paper.cash()
    assert await after_expiry(paper) == {"AAPL": 100}
    assert await paper.cash() == before - 100 * 230
    (told,) = (await paper.broker.get_option_events(date(2026, 12, 18))).items
    assert (told.ending, told.qty, told.day) == (Ending.ASSIGNED, -1, date(2026, 12, 18))


async def test_how_options_ended_outlives_the_process(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "book.log")
    async with opened(state=log) as paper:
        paper.quote(5, 6, PUT)
        await paper.send(buy(1, PUT))
        paper.quote(220, 222)
        held, cash = await after_expiry(paper), await paper.cash()
        paper.broker.close()
    async with opened(state=LogFile(log.path)) as again:
        assert {position.symbol: position.qty for position in (await again.broker.get_positions()).items} == held
        assert await again.cash() == cash
        (told,) = (await again.broker.get_option_events(date(2026, 12, 1))).items
        assert (told.symbol, told.ending) == (PUT, Ending.EXERCISED)
        bought = await again.send(buy(1))
        assert bought.ord_status is OrdStatus.FILLED  # numbers go on behind those of the options that ended


async def test_a_trailing_stop_follows_the_market(paper: Paper) -> None:
    await paper.send(buy(10))
    sent = await paper.send(sell(10, order_type=OrderType.TRAILING_STOP, trail_amount=5))
    paper.quote(120, 121)
    assert (await paper.broker.get_order_status(ref(sent)))[0].stop_px == 115
    paper.quote(114, 115)
    assert (await paper.broker.get_order_status(ref(sent)))[0].ord_status is OrdStatus.FILLED


# -- refusals


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (buy(1, price="90.001"), "no multiple of 0.01"),
        (buy("0.0000000001"), "no multiple of"),
        (buy(1, price=-1), "a price is positive"),
        (buy(None, notional=Decimal("0.5")), "at least 1"),
        (buy("1.5", CALL, price=1), "no multiple of 1"),
        (buy(1, "AAPL  200117C00230000", price=1), "expired"),
        (buy(1, price=90, tif=TimeInForce.GTD, expire_at=START), "already have expired"),
        (buy(1, order_type=OrderType.STOP), "needs a stop price"),
        (sell(1, reduce_only=True), "reduce-only"),
    ],
)
async def test_an_order_against_the_rules_is_rejected_in_words(paper: Paper, order: object, words: str) -> None:
    with pytest.raises(OrderRejected) as refused:
        await paper.send(order)  # pyright: ignore[reportArgumentType]
    assert refused.value.outcome is Outcome.REFUSED
    assert words in (refused.value.venue_text or "")
    assert (await paper.broker.get_order_history(LONG_AGO)).items == ()


async def test_validation_names_every_broken_rule_and_sends_nothing(paper: Paper) -> None:
    found = await paper.broker.validate_order(buy("0.0000000001", price="90.001"))
    assert [(field.pointer, field.code) for field in found] == [("/quantity", "off_lot"), ("/limit_price", "off_tick")]
    assert [f.code for f in await paper.broker.validate_order(buy(1, "NOBODY"))] == ["not_found"]
    assert [f.code for f in await paper.broker.validate_order(buy(None))] == ["invalid"]
    assert await paper.broker.validate_order(buy(1)) == ()


async def test_nobody_spends_more_than_the_buying_power(paper: Paper) -> None:
    with pytest.raises(InsufficientFunds, match="buying power"):
        await paper.send(buy(2000))
    await paper.send(buy(1500, price=100))
    with pytest.raises(InsufficientFunds):
        await paper.send(buy(600, price=100))
    assert (await paper.broker.get_account_info()).buying_power == 50_000


async def test_a_larger_replace_needs_the_money_for_the_difference(paper: Paper) -> None:
    sent = await paper.send(buy(1500, price=100))
    intent = paper.ids.intent(paper.clock.now())
    with pytest.raises(InsufficientFunds):
        await paper.broker.modify_order(
            ref(sent), OrderChanges(order_qty=units(2100)), cl_ord_id=ClOrdId(intent), decided_at=0.0
        )
    assert (await paper.broker.get_order_status(ref(sent)))[0].order_qty == 1500


async def test_coins_cannot_be_sold_short(paper: Paper) -> None:
    paper.quote(50_000, 50_010, "BTC/USD")
    with pytest.raises(InsufficientFunds):
        await paper.send(sell(1, "BTC/USD"))
    await paper.send(buy("0.5", "BTC/USD"))
    await paper.send(sell("0.3", "BTC/USD", price=60_000))
    with pytest.raises(InsufficientFunds):
        await paper.send(sell("0.3", "BTC/USD"))
    balances = {b.currency: b.total for b in (await paper.broker.get_balances()).items}
    assert balances["BTC"] == Decimal("0.5")


async def test_a_closing_order_needs_no_buying_power(paper: Paper) -> None:
    await paper.send(buy(1900))
    assert (await paper.send(sell(1900))).ord_status is OrdStatus.FILLED


async def test_an_unknown_symbol_is_refused_by_name(paper: Paper) -> None:
    for ask in (
        paper.send(buy(1, "NOBODY")),
        paper.broker.get_market_data("NOBODY"),
        paper.broker.get_instrument("NOBODY"),
    ):
        with pytest.raises(SymbolNotFound, match="NOBODY"):
            await ask


# -- the link


async def test_without_a_link_nothing_is_sent() -> None:
    paper = Paper()
    with pytest.raises(ConnectionFailed) as refused:
        await paper.send(buy(1))
    assert refused.value.outcome is Outcome.NOT_SENT
    assert paper.broker.get_connection_status().state is LinkState.OFFLINE


async def test_self_check_says_what_it_found(paper: Paper) -> None:
    result = await paper.broker.self_check()
    assert result.ok
    assert {check.name for check in result.checks} >= {"connection", "account", "environment"}


async def test_the_send_gate_is_asked_before_an_order_leaves() -> None:
    asked: list[float | None] = []

    def refuse(decided_at: float | None, order: str) -> None:
        del order
        asked.append(decided_at)
        raise NotSupported("not now")

    paper = Paper(may_send=refuse)
    await paper.broker.connect()
    paper.quote(99, 101)
    with pytest.raises(NotSupported):
        await paper.send(buy(1))
    assert asked == [0.0]
    assert paper.broker.venue.engine.orders() == []
    await paper.broker.disconnect()


async def test_latency_passes_on_the_clock() -> None:
    paper = Paper(latency_min_ms=100, latency_max_ms=100)
    connecting = asyncio.ensure_future(paper.broker.connect())
    await paper.clock.advance(0.049)
    assert not connecting.done()
    await paper.clock.advance(0.002)
    assert connecting.done()
    await paper.broker.disconnect()


async def test_what_was_on_its_way_for_too_long_is_turned_away() -> None:
    paper = Paper(latency_min_ms=8000, latency_max_ms=8000)
    connecting = asyncio.ensure_future(paper.broker.connect())
    await paper.clock.advance(5)
    assert connecting.done()
    paper.quote(99, 101)
    (sending,) = [asyncio.ensure_future(paper.send(buy(1)))]
    await paper.clock.advance(5)
    with pytest.raises(OrderRejected) as refused:
        await sending
    assert "arrived more than 2 s" in (refused.value.venue_text or "")
    assert paper.broker.venue.engine.orders() == []
    await paper.broker.disconnect()


# -- mishaps on request


async def test_a_simulated_rejection_leaves_no_order() -> None:
    async with opened(reject_percent=Decimal(100)) as paper:
        with pytest.raises(OrderRejected, match="turned the order down"):
            await paper.send(buy(1))
        assert paper.broker.venue.engine.orders() == []


async def test_a_lost_reply_leaves_an_order_that_can_be_found() -> None:
    async with opened(lost_reply_percent=Decimal(100)) as paper:
        approved = paper.approve(buy(1))
        with pytest.raises(Timeout) as lost:
            await paper.broker.submit_order(approved)
        assert lost.value.outcome is Outcome.UNKNOWN
        (found,) = (await paper.broker.get_order_history(LONG_AGO)).items
        assert (found.cl_ord_id, found.ord_status) == (approved.cl_ord_id, OrdStatus.FILLED)


async def test_a_lost_request_leaves_nothing() -> None:
    async with opened(lost_request_percent=Decimal(100)) as paper:
        with pytest.raises(Timeout):
            await paper.send(buy(1))
        assert (await paper.broker.get_order_history(LONG_AGO)).items == ()


async def test_events_come_twice_or_late_when_asked_for() -> None:
    async with opened(duplicate_event_percent=Decimal(100)) as paper:
        await paper.send(buy(1))
        assert paper.ear.words() == ["new P00000001"] * 2 + ["trade P00000001"] * 2
    async with opened(late_event_percent=Decimal(100), late_ms=500) as paper:
        await paper.send(buy(1))
        assert paper.ear.words() == []
        await paper.clock.advance(0.6)
        assert paper.ear.words() == ["new P00000001", "trade P00000001"]


async def test_mishaps_repeat_with_their_seed() -> None:
    async def run() -> list[str]:
        answers: list[str] = []
        async with opened(reject_percent=Decimal(50), seed=11) as paper:
            for _ in range(20):
                (answer,) = await paper.broker.submit_orders([paper.approve(buy(1))])
                answers.append(type(answer).__name__)
        return answers

    first = await run()
    assert first == await run()
    assert set(first) == {"tuple", "OrderRejected"}


async def test_a_bust_takes_the_money_back_and_is_told(paper: Paper) -> None:
    await paper.send(buy(10))
    fill = paper.broker.venue.engine.orders()[0].fills[0]
    paper.broker.venue.bust(fill.exec_id, at=paper.clock.now())
    assert await paper.cash() == 100_000
    assert [r.exec_ref_id for r in paper.ear.reports if r.exec_type is ExecType.TRADE_CANCEL] == ["X00000001"]
    (past,) = (await paper.broker.get_fills(LONG_AGO)).items
    assert (past.exec_type, past.exec_ref_id, past.last_qty) == (ExecType.TRADE_CANCEL, "X00000001", 10)


# -- reads


async def test_history_and_fills_know_since_when(paper: Paper) -> None:
    await paper.send(buy(1))
    await paper.clock.advance(100)
    since = paper.clock.now()
    paper.quote(99, 101)
    await paper.send(buy(2))
    assert [r.order_qty for r in (await paper.broker.get_order_history(since)).items] == [2]
    fills = await paper.broker.get_fills(since)
    assert [(r.last_qty, r.exec_type) for r in fills.items] == [(2, ExecType.TRADE)]
    assert fills.asked_at == since
    assert len((await paper.broker.get_fills(LONG_AGO)).items) == 2


async def test_the_popular_symbols_have_prices_and_bars_from_the_start() -> None:
    paper = Paper()
    await paper.broker.connect()
    now = paper.clock.now()
    for symbol in ("AAPL", "MSFT", "SPY", "IBM", "BAC", "AIG", "TSLA", "BTC/USD", "ETH/USD", "EUR/USD"):
        quote = await paper.broker.get_market_data(symbol)
        assert quote.bid is not None
        assert quote.ask is not None
        assert quote.bid < quote.ask
        bars = await paper.broker.get_bars(symbol, span_s=60, start=now - timedelta(hours=1), end=now, limit=10)
        assert len(bars) == 10
    await paper.broker.disconnect()


async def test_fed_bars_are_kept_and_joined(paper: Paper) -> None:
    for n in range(4):
        start = START - timedelta(minutes=10 - n)
        paper.broker.feed(
            Bar(
                symbol="XYZ",
                start=start,
                open=px(n + 1),
                high=px(n + 5),
                low=px(1),
                close=px(n + 2),
                volume=Decimal(10),
            )
        )
    assert len(await paper.broker.get_bars("XYZ", span_s=60, start=LONG_AGO, end=START, limit=10**9)) == 4
    (first, *_) = await paper.broker.get_bars("XYZ", span_s=300, start=START - timedelta(minutes=10), end=START)
    assert (first.open, first.close, first.high, first.volume) == (1, 5, 8, 40)


async def test_hours_are_round_the_clock_unless_real_ones_are_asked_for() -> None:
    sunday = date(2026, 3, 1)
    async with opened() as paper:
        assert (await paper.broker.get_market_hours("XNYS", sunday)).is_open_day
    async with opened(hours="real") as paper:
        assert not (await paper.broker.get_market_hours("XNYS", sunday)).is_open_day
        hours = await paper.broker.get_market_hours("XNYS", date(2026, 3, 2))
        assert hours.open == datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
        with pytest.raises(NotSupported, match="XLON"):
            await paper.broker.get_market_hours("XLON", sunday)


async def test_real_hours_hold_an_order_until_the_open() -> None:
    async with opened(hours="real", step_ms=600_000) as paper:
        await paper.clock.advance(9 * 3600)
        report = await paper.send(buy(1, tif=TimeInForce.DAY))
        assert report.ord_status is OrdStatus.PENDING_NEW
        await paper.clock.advance(14.5 * 3600)
        paper.quote(102, 103)
        assert (await paper.broker.get_order_status(ref(report)))[0].avg_px == 103


async def test_margin_and_risk_add_up(paper: Paper) -> None:
    await paper.send(buy(100))
    need = await paper.broker.get_margin_requirements(buy(10, price=100))
    assert (need.initial, need.buying_power_effect) == (500, 1000)
    assert (await paper.broker.get_margin_requirements(sell(10))).initial == 0
    risk = await paper.broker.get_risk_metrics()
    assert (risk.gross_exposure, risk.net_exposure, risk.equity) == (10_000, 10_000, 99_900)
    account = await paper.broker.get_account_info()
    assert account.buying_power == 2 * account.equity - 10_000


# -- streams


async def test_the_walk_streams_quotes_trades_bars_and_books() -> None:
    paper = Paper()
    await paper.broker.connect()
    heard: list[MarketEvent] = []
    subscription = await paper.broker.subscribe_market_data(["AAPL", "BTC/USD"], frozenset(DataKind), heard.append)
    await paper.clock.advance(125)
    kinds = {kind: sum(isinstance(event, kind) for event in heard) for kind in (Quote, Trade, Bar, BookDelta)}
    assert (kinds[Quote], kinds[BookDelta]) == (250, 252)  # a book is told at once as well
    assert 0 < kinds[Trade] < 250
    assert [bar.start for bar in heard if isinstance(bar, Bar) and bar.symbol == "AAPL"] == [
        START,
        START + timedelta(minutes=1),
    ]
    await subscription.close()
    await subscription.close()
    count = len(heard)
    await paper.clock.advance(5)
    assert len(heard) == count
    await paper.broker.disconnect()


async def test_the_walk_fills_what_it_reaches() -> None:
    paper = Paper()
    await paper.broker.connect()
    quote = await paper.broker.get_market_data("AAPL")
    assert quote.ask is not None
    sent = await paper.send(buy(10, price=quote.ask - Decimal("0.02"), tif=TimeInForce.GTC))
    for _ in range(200):
        await paper.clock.advance(30)
        if (await paper.broker.get_order_status(ref(sent)))[0].ord_status is OrdStatus.FILLED:
            break
    assert (await paper.broker.get_order_status(ref(sent)))[0].avg_px == sent.price
    await paper.broker.disconnect()


async def test_a_fed_symbol_is_moved_by_nothing_else(paper: Paper) -> None:
    await paper.send(buy(10, price=50))
    await paper.clock.advance(10)
    assert (await paper.broker.get_market_data("AAPL")).ask == 101


# -- a life after kill -9


async def test_orders_fills_and_cash_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "paper" / "book.log"
    async with opened(state=LogFile(path)) as first:
        done = await first.send(buy(10))
        resting = await first.send(buy(5, price=95, tif=TimeInForce.GTC))
        bracket = buy(1, price=80, order_class=OrderClass.BRACKET, take_profit=110, stop_loss=StopLoss(stop_px=px(70)))
        head = await first.send(bracket)
    async with opened(state=LogFile(path)) as second:
        assert await second.cash() == 100_000 - 1010
        assert {r.order_id for r in (await second.broker.get_open_orders()).items} == {
            resting.order_id, head.order_id, OrderId("P00000004"), OrderId("P00000005"),
        }  # fmt: skip
        assert [r.exec_id for r in (await second.broker.get_fills(LONG_AGO)).items] == ["X00000001"]
        assert (await second.broker.get_order_status(ref(done)))[0].cl_ord_id == done.cl_ord_id
        with pytest.raises(DuplicateOrderId):
            await second.broker.submit_order(second.approve(buy(1), cl_ord_id=done.cl_ord_id))
        second.quote(94, 95)
        assert second.ear.words() == [f"trade {resting.order_id}"]
        fresh = await second.send(buy(1))
        assert fresh.order_id == "P00000006"


async def test_an_order_is_on_disk_before_the_answer_leaves(tmp_path: Path) -> None:
    path = tmp_path / "book.log"
    async with opened(state=LogFile(path), lost_reply_percent=Decimal(100)) as first:
        with pytest.raises(Timeout):
            await first.send(buy(10, price=90, tif=TimeInForce.GTC))
        again = LogFile(tmp_path / "copy.log")
        again.path.write_bytes(path.read_bytes())
        assert [row.order.order_id for row in again.load().values()] == ["P00000001"]


async def test_a_full_disk_stops_the_venue_instead_of_lying() -> None:
    class FullDisk(MemoryState):
        def append(self, rows: object, deeds: object = ()) -> None:
            raise OSError(28, "No space left on device")

    async with opened(state=FullDisk()) as paper:
        with pytest.raises(Exception, match="No space left") as refused:
            await paper.send(buy(1))
        assert getattr(refused.value, "outcome", None) is Outcome.UNKNOWN
        with pytest.raises(Exception, match="No space left"):
            await paper.send(buy(1))


async def test_every_claimed_ability_is_a_word_of_the_port() -> None:
    assert INFO.can == frozenset(Can) - {Can.PREVIEW, Can.DEAD_MAN, Can.LOGIN}


# -- hands for tests of others


async def test_one_reply_can_be_lost_on_purpose(paper: Paper) -> None:
    paper.broker.lose_next_reply()
    with pytest.raises(Timeout):
        await paper.send(buy(1))
    await paper.send(buy(1))
    assert len((await paper.broker.get_order_history(LONG_AGO)).items) == 2


async def test_a_forced_fill_is_booked_and_told(paper: Paper) -> None:
    sent = await paper.send(buy(10, price=50))
    assert sent.order_id is not None
    paper.broker.venue.force_fill(sent.order_id, qty=units(4), price=px(49), at=paper.clock.now())
    assert paper.ear.words()[-1] == f"trade {sent.order_id}"
    assert await paper.cash() == 100_000 - 4 * 49


async def test_what_is_held_covers_closing_orders_once(paper: Paper) -> None:
    await paper.send(buy(10))
    before = (await paper.broker.get_account_info()).buying_power
    await paper.send(sell(10, price=110))
    assert (await paper.broker.get_account_info()).buying_power == before
    await paper.send(sell(10, price=110))
    assert (await paper.broker.get_account_info()).buying_power == before - 1100
    with pytest.raises(OrderRejected, match="turned the order down"):
        await paper.send(sell(1, price=110, reduce_only=True))
