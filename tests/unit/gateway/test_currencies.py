"""Amounts in several currencies: what orders, days and holdings come to in an account's, looked up when it is needed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import InsufficientFunds, RiskLimitExceeded, SymbolNotFound
from floorbroker.domain.instrument import Instrument, quote_of
from floorbroker.domain.orders import NewOrder, OrderState
from floorbroker.domain.records import Account, Fetched, Position
from floorbroker.domain.values import Price, Side
from floorbroker.gateway.limiting import Wanted
from floorbroker.risk.limits import RiskLimits
from tests.support.fake_broker import INFO, FakeBroker, buy
from tests.support.house import CALLER, NOON, PROFILE, Desk, make, opened, stopped

pytestmark = pytest.mark.asyncio

PAIR = "ETH/BTC"
RATES = {"BTC": Decimal(10)}
WIDE_LIMITS = RiskLimits(self_match="off", max_leverage=None)
BY_DAY = RiskLimits(self_match="off", max_gross_exposure=None, max_net_exposure=None, max_leverage=None)


@dataclass(slots=True)
class Mixed(FakeBroker):
    """It trades pairs in their quote and shares in dollars; `converts` makes it tell what pairs come to in the account's."""

    currency: str = "USD"
    converts: Decimal | None = None

    async def get_instrument(self, symbol: str) -> Instrument:
        found = await FakeBroker.get_instrument(self, symbol)
        if self.converts is not None and quote_of(symbol):
            return replace(found, currency=self.currency, multiplier=self.converts)
        return replace(found, currency=quote_of(symbol) or "USD")

    async def get_account_info(self) -> Account:
        return replace(await FakeBroker.get_account_info(self), currency=self.currency)


def _day(desk: Desk, kind: str = "profile", name: str = PROFILE) -> Decimal | None:
    return desk.gateway.guard.risk.day.of(kind, name).told


def _gross(desk: Desk, scope: str = f"profile:{PROFILE}") -> object:
    return desk.gateway.guard.usage(scope).get("max_gross_exposure")


async def _held(desk: Desk, wish: NewOrder) -> None:
    order = await desk.place(wish)
    desk.broker.fill(desk.broker.of(order.cl_ord_id), wish.order_qty or Decimal(1))
    await desk.wait(1)


@pytest.mark.parametrize("rates", [RATES, {"BTC": Decimal("2.5")}])
async def test_right_after_a_start_everything_counts_in_the_accounts_currency_before_a_symbol_is_asked_about(
    tmp_path: Path, rates: dict[str, Decimal]
) -> None:
    clock = ManualClock(NOON)
    broker = Mixed(clock)
    async with opened(tmp_path, seals=True, broker=broker, clock=clock, limits=WIDE_LIMITS) as desk:
        desk.gateway.guard.risk.rates = RATES
        await _held(desk, buy("2", symbol=PAIR))
        await desk.place(buy("3", symbol=PAIR))
        await desk.place(buy("1"))
        assert (_day(desk), _gross(desk)) == (5100, 5100)
    broker.reads.clear()
    async with opened(tmp_path, seals=True, broker=broker, clock=clock, limits=WIDE_LIMITS, ready=False) as desk:
        desk.gateway.guard.risk.rates = rates
        await desk.until(lambda: desk.session.state.value == "ready")
        each = 100 * rates["BTC"]
        assert (_day(desk), _day(desk, "global", "")) == (5 * each + 100, 5 * each + 100)
        assert _gross(desk) == 5 * each + 100
        assert "get_instrument" not in broker.reads


async def test_after_a_start_a_share_is_in_the_currency_that_its_venue_trades_in(tmp_path: Path) -> None:
    """An account in euros that trades shares in dollars."""
    clock = ManualClock(NOON)
    broker = Mixed(clock, info=replace(INFO, priced_in="USD"), currency="EUR")
    for _ in range(2):
        async with opened(tmp_path, seals=True, broker=broker, clock=clock) as desk:
            desk.gateway.guard.risk.rates = {"EUR": Decimal("1.25")}
            if not broker.orders:
                await desk.place(buy("1"))
            desk.gateway.guard.risk.catch_up()
            assert (_day(desk), _day(desk, "global", ""), _gross(desk)) == (80, 100, 80)


async def test_new_rates_hold_at_once_for_days_scopes_and_accounts(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    async with opened(tmp_path, broker=Mixed(clock), clock=clock, limits=WIDE_LIMITS) as desk:
        guard = desk.gateway.guard
        guard.risk.rates = RATES
        await guard.set_limit(Wanted(scope="global", name="max_gross_exposure", value=1_000_000), caller=CALLER)
        await _held(desk, buy("2", symbol=PAIR))
        seen: list[tuple[object, ...]] = []
        for rate in (10, 25):
            guard.risk.rates = {"BTC": Decimal(rate)}
            seen.append((_gross(desk, "global"), _gross(desk), _day(desk), _day(desk, "global", "")))
        assert seen == [(2000,) * 4, (5000,) * 4]


async def test_a_venue_that_converts_itself_is_asked_after_a_start_where_no_rate_is_known(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    broker = Mixed(clock, converts=Decimal("0.01"))
    for _ in range(2):
        async with opened(tmp_path, seals=True, broker=broker, clock=clock) as desk:
            if not broker.orders:
                await _held(desk, buy("30", symbol="USD/JPY"))
            assert (_day(desk), desk.ctx.scales("USD/JPY")) == (30, Decimal("0.01"))


async def test_an_order_for_money_counts_after_a_start_as_before_it(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    broker = Mixed(clock)
    wish = replace(buy(symbol=PAIR, price=None), order_qty=None, notional=Decimal(50))
    for _ in range(2):
        async with opened(tmp_path, seals=True, broker=broker, clock=clock) as desk:
            desk.gateway.guard.risk.rates = RATES
            if not broker.orders:
                await desk.place(wish)
            desk.gateway.guard.risk.catch_up()
            assert _day(desk) == 500


async def test_a_doubt_for_money_of_an_earlier_process_takes_what_it_comes_to_in_the_accounts_currency_i5(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, broker=Mixed(clock := ManualClock(NOON)), clock=clock) as desk:
        desk.gateway.guard.risk.rates = RATES
        desk.broker.next_submit.append("drop")
        await desk.place(replace(buy(symbol=PAIR, price=None), order_qty=None, notional=Decimal(50)))
        await desk.crash()
        broker = desk.broker
    again = make(tmp_path, broker=broker, clock=clock)
    again.gateway.guard.risk.rates = RATES
    await again.gateway.start()
    await again.until(lambda: again.session.state.value == "ready")
    assert (again.only().state, again.ctx.exposure().reserved) == (OrderState.UNKNOWN, 500)
    again.gateway.guard.risk.rates = {}
    with pytest.raises(InsufficientFunds, match=r"orders in doubt .* rate of exchange under \[risk.rates\]"):
        await again.place(buy("1"))
    await stopped(again)


async def test_beside_what_is_in_a_currency_without_a_rate_only_what_reduces_meets_a_limit_of_exposure(
    tmp_path: Path,
) -> None:
    """Two hundred coins are no two hundred dollars, whatever the limit says of dollars."""
    clock = ManualClock(NOON)
    limits = RiskLimits(self_match="off", max_notional_day=None)
    async with opened(tmp_path, broker=Mixed(clock), clock=clock, limits=limits) as desk:
        desk.gateway.guard.risk.rates = RATES
        await _held(desk, buy("2", symbol=PAIR))
        await _held(desk, buy("5"))
        desk.gateway.guard.risk.rates = {}
        with pytest.raises(RiskLimitExceeded, match=r"gross exposure .* under \[risk.rates\] for ETH/BTC"):
            await desk.place(buy("1"))
        assert (_gross(desk), desk.gateway.guard.usage(f"profile:{PROFILE}").get("max_leverage")) == (None, None)
        await _held(desk, buy("5", side=Side.SELL))
        await desk.gateway.guard.set_limit(Wanted(scope="global", name="max_order_notional", value=1), caller=CALLER)
        await _held(desk, buy("2", symbol=PAIR, side=Side.SELL))
        assert _gross(desk) == 0


async def test_a_day_with_an_order_in_a_currency_without_a_rate_meets_no_limit_of_its_notional(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    async with opened(tmp_path, broker=Mixed(clock), clock=clock, limits=BY_DAY) as desk:
        desk.gateway.guard.risk.rates = RATES
        await _held(desk, buy("2", symbol=PAIR))
        await _held(desk, buy("5"))
        desk.gateway.guard.risk.rates = {}
        with pytest.raises(RiskLimitExceeded, match=r"notional ordered today .* under \[risk.rates\]"):
            await desk.place(buy("1"))
        await desk.place(buy("1", side=Side.SELL))
        desk.gateway.guard.risk.rates = RATES
        await desk.place(buy("1"))
        assert _day(desk) == 2000 + 500 + 100 + 100


async def test_without_any_limit_of_amounts_nothing_has_to_be_told(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    free = BY_DAY.model_copy(update={"max_notional_day": None})
    async with opened(tmp_path, broker=Mixed(clock), clock=clock, limits=free) as desk:
        desk.gateway.guard.risk.rates = RATES
        await _held(desk, buy("2", symbol=PAIR))
        desk.gateway.guard.risk.rates = {}
        await desk.place(buy("1"))


async def test_a_position_is_valued_in_the_currency_that_it_is_told_in(tmp_path: Path) -> None:
    """A rate of the desk is for limits: an amount that is said to be in coins is not one in dollars."""
    clock = ManualClock(NOON)
    async with opened(
        tmp_path, broker=Mixed(clock, info=replace(INFO, priced_in="USD"), currency="EUR"), clock=clock
    ) as desk:
        desk.gateway.guard.risk.rates = {**RATES, "EUR": Decimal("1.25")}
        await _held(desk, buy("2", symbol=PAIR))
        await _held(desk, buy("3"))
        rows = {row.position.symbol: row for row in await desk.gateway.positions()}
        told = {symbol: (row.position.market_value, row.currency) for symbol, row in rows.items()}
        assert told == {PAIR: (200, "BTC"), "AAPL": (300, "USD")}


async def test_a_report_leaves_out_and_names_what_is_in_a_currency_without_a_rate(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    async with opened(tmp_path, broker=Mixed(clock), clock=clock) as desk:
        desk.gateway.guard.risk.rates = RATES
        await _held(desk, buy("2", symbol=PAIR))
        await _held(desk, buy("5"))
        assert (await desk.gateway.guard.report(None)).gross_exposure == 2500
        desk.gateway.guard.risk.rates = {}
        found = await desk.gateway.guard.report(None)
        assert (found.gross_exposure, found.unknown) == (500, ("ETH/BTC: no rate for BTC",))


class OneCoin(Mixed):
    """Its positions are coins: each is told once, in the pair that it was traded in last."""

    async def get_positions(self) -> Fetched[Position]:
        found = await FakeBroker.get_positions(self)
        return replace(found, items=tuple(replace(p, market_px=Price(Decimal(5))) for p in found.items))


async def test_a_coin_that_is_told_in_another_pair_now_is_worth_in_the_first_what_the_rates_say(tmp_path: Path) -> None:
    """After a start nobody hears a price of the pair that it was bought in: it would count for nothing."""
    clock = ManualClock(NOON)
    broker = OneCoin(clock, info=replace(INFO, whole_coins=True))
    async with opened(tmp_path, seals=True, broker=broker, clock=clock, limits=WIDE_LIMITS) as desk:
        await _held(desk, buy("20", "50", symbol="ETH/USD"))
    broker.positions = {PAIR: Decimal(20)}
    async with opened(tmp_path, seals=True, broker=broker, clock=clock, limits=WIDE_LIMITS, ready=False) as desk:
        desk.gateway.guard.risk.rates = RATES
        await desk.until(lambda: desk.session.state.value == "ready")
        assert (desk.ctx.exposure().positions, _gross(desk)) == ({"ETH/USD": 20}, 20 * 5 * 10)


@dataclass(slots=True)
class Crowded(Mixed):
    """It notes how many questions about rules wait at once."""

    waiting: int = 0
    most: list[int] = field(default_factory=list[int])

    async def get_instrument(self, symbol: str) -> Instrument:
        self.waiting += 1
        for _ in range(3):
            await asyncio.sleep(0)
        self.most.append(self.waiting)
        self.waiting -= 1
        if symbol.startswith("X1/"):
            raise SymbolNotFound("not listed")
        return await Mixed.get_instrument(self, symbol)


async def test_rules_of_many_symbols_are_asked_for_side_by_side_after_the_first_and_one_that_is_none_stops_nobody(
    tmp_path: Path,
) -> None:
    clock = ManualClock(NOON)
    broker = Crowded(clock, converts=Decimal("0.01"))
    broker.positions = {f"X{number}/YYY": Decimal(1) for number in range(20)}
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        assert [desk.ctx.scales(symbol) is None for symbol in sorted(broker.positions)] == [
            symbol == "X1/YYY" for symbol in sorted(broker.positions)
        ]
        assert (len(broker.most), broker.most[0], max(broker.most)) == (20, 1, 8)
