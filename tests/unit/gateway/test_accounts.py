"""Profiles are asked at once and for a bounded time; a silent one delays nobody and is not passed over in silence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import SymbolNotFound
from floorbroker.domain.records import Account, Fetched, Position, Quote
from floorbroker.domain.values import Price, ProfileName
from floorbroker.gateway.accounts import ASK_S, PRICE_S, RATE_AGE, UNLISTED_MOST, UNLISTED_S, Accounts
from floorbroker.gateway.consolidated import Consolidated, left_out
from tests.support.fake_broker import FakeBroker, silence
from tests.support.house import NOON, Desk, opened

pytestmark = pytest.mark.asyncio
A, B = ProfileName("a"), ProfileName("b")


class Priced(FakeBroker):
    """Quotes one pair and lists nothing else; its own account is in `currency`."""

    pair, middle = "EUR/USD", Decimal("1.10")
    currency = "USD"
    equity = Decimal(1000)
    asked_quotes: int = 0

    async def get_account_info(self) -> Account:
        told = await FakeBroker.get_account_info(self)
        return Account(
            account=told.account,
            currency=self.currency,
            cash=Decimal(1000),
            equity=self.equity,
            buying_power=Decimal(1000),
            environment_hint=told.environment_hint,
        )

    async def get_market_data(self, symbol: str) -> Quote:
        self.asked_quotes += 1
        if symbol != self.pair:
            raise SymbolNotFound(f"no symbol {symbol}")
        bid, ask = Price(self.middle - Decimal("0.01")), Price(self.middle + Decimal("0.01"))
        return Quote(symbol=symbol, bid=bid, ask=ask, time=self.clock.now(), source="fake")


@dataclass
class Pair:
    one: Desk
    other: Desk
    accounts: Accounts

    async def whole(self, currency: str | None = None) -> Consolidated:
        asked = asyncio.ensure_future(self.accounts.consolidated(currency))
        for _ in range(40):
            if asked.done():
                break
            await self.one.clock.advance(0.25)
        return await asked


@asynccontextmanager
async def pair(root: Path, broker: FakeBroker | None = None, *, number: str = "F-2") -> AsyncGenerator[Pair]:
    clock = ManualClock(NOON)
    first = broker or FakeBroker(clock)
    first.clock = clock
    (root / "one").mkdir()
    (root / "other").mkdir()
    async with (
        opened(root / "one", clock=clock, broker=first) as one,
        opened(root / "other", clock=clock, broker=FakeBroker(clock, account=number)) as other,
    ):
        yield Pair(one, other, Accounts({A: one.session, B: other.session}, clock, one.log))


async def test_both_profiles_are_in_it(tmp_path: Path) -> None:
    async with pair(tmp_path) as desks:
        desks.one.broker.positions["AAPL"] = Decimal(3)
        desks.other.broker.positions["AAPL"] = Decimal(-1)
        whole = await desks.whole()
        assert [part.profile for part in whole.profiles] == ["fake", "fake"]
        assert whole.equity == 200_000
        assert [(net.symbol, net.qty) for net in whole.positions] == [("AAPL", 2)]


async def test_an_account_that_two_profiles_share_is_counted_once_with_the_one_that_answers(tmp_path: Path) -> None:
    async with pair(tmp_path, number="F-1") as desks:
        # Both desks of this test call their profile alike; the sums go by the account.
        whole = await desks.whole()
        assert (whole.equity, whole.complete, left_out(whole)) == (100_000, True, ())
        assert [(one.reason, one.shared) for one in whole.missing] == [
            ("it shares its account with fake, and is counted there", True)
        ]
        desks.one.broker.failing["get_account_info"] = silence()
        again = await desks.whole()
        assert (again.equity, again.complete, [part.stale for part in again.profiles]) == (100_000, True, [""])
        desks.one.broker.positions["AAPL"] = desks.other.broker.positions["AAPL"] = Decimal(3)
        assert [(net.symbol, net.qty) for net in (await desks.whole()).positions] == [("AAPL", 3)]


async def test_one_that_hangs_is_missing_after_a_bounded_time(tmp_path: Path) -> None:
    async with pair(tmp_path) as desks:
        desks.other.broker.gates["get_positions"] = asyncio.Event()
        began = desks.one.clock.monotonic()
        whole = await desks.whole()
        assert desks.one.clock.monotonic() - began <= ASK_S + 0.25
        assert [(one.profile, one.reason) for one in whole.missing] == [("b", "no answer within 5 s")]
        assert (whole.complete, whole.equity) == (False, 100_000)


async def test_one_that_fails_stands_with_what_it_told_last_and_its_age(tmp_path: Path) -> None:
    async with pair(tmp_path) as desks:
        assert (await desks.whole()).equity == 200_000
        desks.other.broker.failing["get_account_info"] = silence()
        await desks.one.wait(30)
        whole = await desks.whole()
        assert (whole.equity, whole.complete, whole.missing) == (200_000, False, ())
        ages = {part.stale: part.age_s for part in whole.profiles}
        assert ages[""] == 0
        assert ages["502 from the venue"] >= 30


async def test_a_bug_in_an_adapter_is_told_as_one_and_takes_nobody_with_it(tmp_path: Path) -> None:
    async with pair(tmp_path) as desks:
        desks.other.broker.failing["get_balances"] = RuntimeError("secret text of a bug")
        whole = await desks.whole()
        assert [(one.profile, one.reason) for one in whole.missing] == [("b", "unforeseen: RuntimeError")]
        assert whole.equity == 100_000


async def test_a_rate_is_a_profile_s_quote_and_says_so(tmp_path: Path) -> None:
    broker = Priced(ManualClock(NOON))
    async with pair(tmp_path, broker) as desks:
        whole = await desks.whole("EUR")
        (rate,) = whole.rates
        assert (rate.currency, rate.source) == ("USD", "EUR/USD at a (fake)")
        assert rate.rate == Decimal(1) / Decimal("1.10")
        asked = broker.asked_quotes
        await desks.whole("EUR")
        assert broker.asked_quotes == asked, "a rate is kept for a minute"
        await desks.one.wait(RATE_AGE.total_seconds() + 1)
        await desks.whole("EUR")
        assert broker.asked_quotes == asked + 1, "and a symbol that is not listed is not asked for again"


async def test_rupees_and_dollars_are_one_account_in_either(tmp_path: Path) -> None:
    broker = Priced(ManualClock(NOON))
    broker.currency, broker.equity, broker.pair, broker.middle = "INR", Decimal(83_000), "USD/INR", Decimal(83)
    async with pair(tmp_path, broker) as desks:
        in_rupees = await desks.whole("INR")
        assert (in_rupees.equity, in_rupees.complete) == (83_000 + 100_000 * 83, True)
        in_dollars = await desks.whole("USD")
        assert (round(in_dollars.equity, 9), in_dollars.complete) == (101_000, True)
        assert [(rate.currency, rate.source) for rate in in_dollars.rates] == [("INR", "USD/INR at a (fake)")]


async def test_a_position_tells_the_currency_of_its_amounts(tmp_path: Path) -> None:
    broker = Priced(ManualClock(NOON))
    broker.currency = "INR"
    async with pair(tmp_path, broker) as desks:
        broker.positions |= {"INFY": Decimal(2), "BTC/USDT": Decimal(1)}
        rows = await desks.accounts.one(desks.one.session)
        assert {row.position.symbol: row.currency for row in rows} == {"INFY": "INR", "BTC/USDT": "USDT"}


class Costs(Priced):
    """Tells what a holding cost, and no price of it."""

    async def get_positions(self) -> Fetched[Position]:
        told = await super().get_positions()
        return replace(told, items=tuple(replace(one, avg_px=Price(Decimal(100))) for one in told.items))


async def test_neither_a_cost_nor_a_limit_price_is_shown_as_what_a_holding_is_worth(tmp_path: Path) -> None:
    broker = Costs(ManualClock(NOON))
    broker.pair = "MSFT"
    async with pair(tmp_path, broker) as desks:
        broker.positions["AAPL"] = Decimal(3)
        reconciling = asyncio.ensure_future(desks.one.session.reconcile_now())
        await desks.one.until(reconciling.done)
        broker.asked_quotes = 0
        (row,) = await desks.accounts.one(desks.one.session)
        assert (row.position.avg_px, row.position.market_px, row.marked_by) == (100, None, "")
        for _ in range(3):
            await desks.accounts.one(desks.one.session)
        await desks.one.wait(1)
        assert broker.asked_quotes == 1
        await desks.one.wait(PRICE_S)
        broker.pair, broker.middle = "AAPL", Decimal(130)
        await desks.accounts.one(desks.one.session)
        await desks.one.wait(1)
        (row,) = await desks.accounts.one(desks.one.session)
        assert (row.position.market_px, row.position.unrealized_pl, row.marked_by) == (130, 90, "desk")
        assert broker.asked_quotes == 2


async def test_without_a_quote_there_is_no_rate(tmp_path: Path) -> None:
    broker = Priced(ManualClock(NOON))
    async with pair(tmp_path, broker) as desks:
        desks.other.broker.failing["get_market_data"] = silence()
        whole = await desks.whole("CHF")
        assert (whole.equity, whole.complete, whole.rates) == (0, False, ())
        assert {one.what for one in whole.unconverted} == {"equity", "cash", "buying power"}


async def test_what_is_kept_of_currencies_is_bounded_and_a_venue_is_asked_again_in_time(tmp_path: Path) -> None:
    async with pair(tmp_path, Priced(ManualClock(NOON))) as desks:
        accounts = desks.one.gateway.accounts
        for number in range(UNLISTED_MOST + 5):
            accounts._note_unlisted((ProfileName("a"), f"X{number}/USD"))  # noqa: SLF001 - asking for each takes seconds
        assert len(accounts._unlisted) == UNLISTED_MOST  # noqa: SLF001
        assert not accounts._is_unlisted((ProfileName("a"), "X0/USD"))  # noqa: SLF001
        assert accounts._is_unlisted((ProfileName("a"), "X9/USD"))  # noqa: SLF001
        await desks.one.wait(UNLISTED_S + 1)
        assert not accounts._is_unlisted((ProfileName("a"), "X9/USD"))  # noqa: SLF001


async def test_the_day_is_counted_from_where_the_desk_saw_it_begin(tmp_path: Path) -> None:
    broker = Priced(ManualClock(NOON))
    async with pair(tmp_path, broker) as desks:
        first = await desks.one.gateway.consolidated()
        broker.equity = Decimal("987.5")
        later = await desks.one.gateway.consolidated()
        assert (first.day_pl, later.day_pl, later.unknown_day) == (0, Decimal("-12.5"), ())


async def test_a_desk_without_profiles_has_nothing(tmp_path: Path) -> None:
    async with pair(tmp_path) as desks:
        empty = await Accounts({}, desks.one.clock, desks.one.log).consolidated()
        assert (empty.equity, empty.complete, empty.currency) == (0, True, "USD")
