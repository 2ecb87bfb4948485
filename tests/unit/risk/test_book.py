"""The parts of the shared risk book: days, resting orders, equity, strategies, windows, and the sums of scopes."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, ValuesView
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.records import Quote
from floorbroker.domain.values import IntentId, OrderType, Price, ProfileName, Quantity, Side
from floorbroker.risk.book import RiskBook
from floorbroker.risk.day import Counted, DayLedger
from floorbroker.risk.equity import Equity
from floorbroker.risk.limits import SharedLimits
from floorbroker.risk.resting import Resting
from floorbroker.risk.scope import Owner, ScopeKind, scope_of
from floorbroker.risk.settings import common_limits, settings_of
from floorbroker.risk.untouched import Strategies, StrategyState, state_in, words_of
from floorbroker.risk.watch import Watch
from floorbroker.risk.window import Windows
from floorbroker.risk.workload import Part

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
A, B = ProfileName("a"), ProfileName("b")


def _wish(side: Side, price: str | None, symbol: str = "AAPL") -> NewOrder:
    kind = OrderType.MARKET if price is None else OrderType.LIMIT
    limit = None if price is None else Price(Decimal(price))
    return NewOrder(symbol=symbol, side=side, order_type=kind, order_qty=Quantity(Decimal(1)), price=limit)


def _counted(notional: int, *, profile: ProfileName = A, strategy: str = "s") -> Counted:
    owner = Owner(profile=profile, symbol="AAPL", strategy=strategy)
    return Counted(owner=owner, amount=Decimal(notional))


def test_a_day_counts_what_was_decided_and_gives_back_what_never_filled() -> None:
    day = DayLedger()
    day.decide(IntentId("1"), _counted(100), NOON)
    day.decide(IntentId("2"), _counted(50, profile=B), NOON, rate=Decimal(2))
    assert (day.of("profile", "a").orders, day.of("profile", "a").notional) == (1, Decimal(100))
    assert (day.of("global", "").orders, day.of("global", "").notional) == (2, Decimal(200))
    day.done(IntentId("1"), Decimal(30))
    assert day.of("global", "").notional == Decimal(130)
    assert day.of("strategy", "s").notional == Decimal(130)
    day.drop(IntentId("2"))
    assert (day.of("global", "").orders, day.of("global", "").notional) == (1, Decimal(30))


def test_an_order_counts_once_in_the_symbol_that_it_names_and_trades() -> None:
    """An order of several legs may bear the symbol of one of them."""
    day, owner = DayLedger(), Owner(profile=A, symbol="AAPL", legs=("AAPL", "MSFT"))
    day.decide(IntentId("1"), Counted(owner=owner, amount=Decimal(100)), NOON)
    for symbol in ("AAPL", "MSFT"):
        assert (day.of("symbol", symbol).orders, day.of("symbol", symbol).notional) == (1, 100)


def test_a_change_of_an_order_counts_at_the_larger_of_its_sizes() -> None:
    day = DayLedger()
    day.decide(IntentId("1"), _counted(100), NOON)
    day.decide(IntentId("1"), _counted(60), NOON)
    assert day.of("profile", "a").notional == Decimal(100)
    day.decide(IntentId("1"), _counted(140), NOON)
    assert (day.of("profile", "a").orders, day.of("profile", "a").notional) == (1, Decimal(140))


def test_a_rate_that_becomes_known_turns_every_order_of_its_symbol_without_a_look_at_one() -> None:
    """However many there are: what is counted is looked at by symbol alone."""
    day, looked = DayLedger(), 0

    class Looking(dict[IntentId, Counted]):
        def values(self) -> ValuesView[Counted]:
            nonlocal looked
            looked += 1
            return super().values()

        def items(self) -> ItemsView[IntentId, Counted]:
            nonlocal looked
            looked += 1
            return super().items()

        def __iter__(self) -> Iterator[IntentId]:
            nonlocal looked
            looked += 1
            return super().__iter__()

    day.orders = Looking()
    day.begin(NOON)
    for scope in (("global", ""), ("strategy", "s"), ("symbol", "AAPL")):
        day.of(*scope)
    for number in range(20):
        owner = Owner(profile=A, symbol="AAPL", strategy="s")
        symbol = "BTC/JPY" if number % 2 else "AAPL"
        counted = Counted(owner=owner, amount=Decimal(100), symbol=symbol)
        scale = None if number % 2 else Decimal(1)
        day.decide(IntentId(str(number)), counted, NOON, scale=scale, rate=None)
    looked = 0
    assert (day.of("profile", A).told, day.of("profile", A).untold, day.untold(A)) == (None, 10, {"BTC/JPY"})
    day.rescale(A, "BTC/JPY", Decimal("0.5"))
    assert (day.of("profile", A).told, day.of("strategy", "s").told) == (1_500, None)
    day.own(A, account="N-1", rate=Decimal(2), scale={"AAPL": Decimal(3), "BTC/JPY": Decimal(1)}.get)
    assert [day.of(*scope).told for scope in (("account", "N-1"), ("global", ""), ("strategy", "s"))] == [
        4_000, 8_000, 8_000,
    ]  # fmt: skip
    assert looked == 0


def test_an_account_has_the_orders_of_all_its_profiles() -> None:
    day = DayLedger()
    for number, profile in enumerate((A, B)):
        day.decide(IntentId(str(number)), _counted(100, profile=profile), NOON, rate=Decimal(7))
        day.own(profile, account="N-1", rate=Decimal(7), scale=lambda _, scale=Decimal(number + 1): scale)
    assert (day.of("account", "N-1").orders, day.of("account", "N-1").told) == (2, 300)
    assert day.beside(IntentId("1"), Decimal(30), kind="account", name="N-1").told == 160
    day.own(B, account="N-2", rate=Decimal(7), scale=lambda _: Decimal(1))
    assert (day.of("account", "N-1").told, day.of("account", "N-2").told) == (100, 100)


def test_a_new_day_begins_at_midnight_utc_and_no_clock_brings_one_back() -> None:
    day = DayLedger()
    day.decide(IntentId("1"), _counted(100), NOON)
    day.begin(NOON - timedelta(days=1))
    assert day.of("profile", "a").orders == 1
    day.begin(NOON + timedelta(hours=12))
    assert day.of("profile", "a").orders == 0


def test_own_orders_meet_at_the_best_price_of_the_other_side() -> None:
    resting = Resting()
    for name, price in (("1", "101"), ("2", "100"), ("3", "102")):
        resting.put(IntentId(name), _wish(Side.SELL, price), Decimal(price))
    assert resting.met(_wish(Side.BUY, "99.99")) is None
    assert resting.met(_wish(Side.BUY, "100")) == (Decimal(100), IntentId("2"))
    assert resting.met(_wish(Side.BUY, None)) == (Decimal(100), IntentId("2"))
    assert resting.met(_wish(Side.SELL, "90")) is None
    assert resting.met(_wish(Side.BUY, "100", symbol="MSFT")) is None
    resting.drop(IntentId("2"))
    assert resting.met(_wish(Side.BUY, "101")) == (Decimal(101), IntentId("1"))
    assert resting.met(_wish(Side.BUY, "105"), leave_out=IntentId("1")) == (Decimal(102), IntentId("3"))


def test_a_price_that_moved_counts_where_it_is_now() -> None:
    resting = Resting()
    for number in range(500):
        resting.put(IntentId("1"), _wish(Side.BUY, "100"), Decimal(100 + number % 7))
        resting.put(IntentId("2"), _wish(Side.BUY, "100"), Decimal(50))
    best = resting.met(_wish(Side.SELL, "40"))
    assert best == (Decimal(100 + 499 % 7), IntentId("1"))
    resting.drop(IntentId("1"))
    assert resting.met(_wish(Side.SELL, "40")) == (Decimal(50), IntentId("2"))


def test_loss_and_drawdown_are_measured_from_day_and_peak() -> None:
    equity = Equity()
    assert equity.tell(Decimal(1_000), NOON)
    assert not equity.tell(Decimal("1000.5"), NOON), "a peak this little higher is not written down"
    assert equity.tell(Decimal(1_250), NOON)
    assert not equity.tell(Decimal(900), NOON)
    assert (equity.loss, equity.loss_pct, equity.drawdown_pct) == (Decimal(100), Decimal(10), Decimal(28))
    assert equity.tell(Decimal(950), NOON + timedelta(days=1))
    assert (equity.loss, equity.drawdown_pct) == (0, Decimal(24))


def test_equity_comes_back_from_its_note() -> None:
    equity, back = Equity(), Equity()
    equity.tell(Decimal(1_000), NOON)
    equity.tell(Decimal(1_250), NOON)
    back.restore(equity.words())
    back.tell(Decimal(900), NOON + timedelta(minutes=5))
    assert (back.loss, back.drawdown_pct) == (Decimal(100), Decimal(28))


def test_a_switched_off_strategy_stays_off_until_it_is_touched() -> None:
    strategies = Strategies()
    strategies.filled("s", 3, NOON)
    off = StrategyState(name="s", off="too many", by="gateway", at=NOON)
    strategies.switch(state_in(words_of(off), NOON))
    assert strategies.why_off("s") == "too many"
    strategies.filled("s", 1, NOON + timedelta(days=1))
    assert strategies.fills("s") == 1
    strategies.switch(StrategyState(name="s", by="ann", at=NOON))
    assert (strategies.why_off("s"), strategies.fills("s")) == ("", 0)


def test_the_middle_of_a_window_is_the_mean_of_what_was_heard_in_it() -> None:
    windows = Windows()
    for second, price in enumerate(("100", "102", "104", "106")):
        px = Price(Decimal(price))
        windows.hear(Quote(symbol="AAPL", bid=px, ask=px, time=NOON), float(second), 60)
    assert windows.middle("AAPL", 3.0, 60) == Decimal(103)
    assert windows.middle("AAPL", 61.5, 60) is None, "two prices are no average"
    assert windows.middle("MSFT", 3.0, 60) is None


def test_exposures_are_not_netted_between_accounts_and_positions_are() -> None:
    watch = Watch(key="global", limits=SharedLimits())
    watch.hold((A, "AAPL"), Decimal(10))
    watch.hold((B, "AAPL"), Decimal(-4))
    for profile in (A, B):
        watch.mark((profile, "AAPL"), Decimal(100), Decimal(1), Decimal(1))
    assert (watch.longs, watch.shorts, watch.position("AAPL")) == (Decimal(1000), Decimal(-400), Decimal(6))
    watch.put(IntentId("1"), B, Part(symbol="AAPL", side=Side.SELL, units=Decimal(3)))
    assert (watch.shorts, watch.worst("AAPL", Side.SELL)) == (Decimal(-700), Decimal(3))
    with watch.without(IntentId("1"), fills_yet=False):
        assert (watch.shorts, watch.open_total) == (Decimal(-400), 0)
    with watch.without(IntentId("1"), fills_yet=True):
        assert (watch.shorts, watch.open_total, watch.open_symbol("AAPL")) == (Decimal(-700), 0, 0)
    assert (watch.shorts, watch.open_total, watch.open_symbol("AAPL")) == (Decimal(-700), 1, 1)
    for fills_yet in (False, True):
        with pytest.raises(ZeroDivisionError), watch.without(IntentId("1"), fills_yet=fills_yet):
            raise ZeroDivisionError
        assert (watch.shorts, watch.open_total, watch.open_symbol("AAPL")) == (Decimal(-700), 1, 1)
    watch.put(IntentId("1"), B, None)
    assert (watch.longs, watch.shorts, watch.open_total) == (Decimal(1000), Decimal(-400), 0)
    assert (watch.gross, watch.net) == (1_400, 1_400)
    watch.hold((A, "MSFT"), Decimal(-6))
    watch.mark((A, "MSFT"), Decimal(100), Decimal(1), Decimal(1))
    assert (watch.gross, watch.net) == (2_000, 800), "a short takes from a long of its own account alone"


def test_scopes_are_named_by_kind() -> None:
    assert scope_of("strategy:m:1") == (ScopeKind.STRATEGY, "m:1")
    assert scope_of("global") == (ScopeKind.GLOBAL, "")
    for wrong in ("world", "strategy", "global:x", ""):
        with pytest.raises(ConfigInvalid, match="scope"):
            scope_of(wrong)


def test_the_risk_section_tells_common_limits_from_those_of_scopes() -> None:
    section: dict[str, object] = {
        "max_order_qty": 5,
        "base_currency": "EUR",
        "rates": {"USD": "0.9"},
        "global": {"max_gross_exposure": "1000"},
        "strategy": {"m": {"max_open_orders": 3}},
    }
    found = settings_of(section)
    assert common_limits(section) == {"max_order_qty": 5}
    assert (found.base_currency, found.rates) == ("EUR", {"USD": Decimal("0.9")})
    assert found.scopes["global"].max_gross_exposure == Decimal(1000)
    assert found.scopes["strategy:m"].max_open_orders == 3


@pytest.mark.parametrize(
    ("section", "named"),
    [
        ({"strategy": {"m": {"max_opn_orders": 3}}}, "strategy:m: max_opn_orders"),
        ({"global": 5}, "risk.global"),
        ({"rates": {"EUR": 1.1}}, "rates.EUR"),
        ({"rates": {"EUR": "-1"}}, "rates.EUR"),
        ({"base_currency": "usd"}, "base_currency"),
    ],
)
def test_what_is_wrong_in_the_risk_section_is_named(section: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigInvalid, match=named):
        settings_of(section)


def test_a_currency_is_worth_in_another_what_their_rates_in_the_base_say() -> None:
    book = RiskBook(ManualClock(NOON), base="USD", rates={"EUR": Decimal("1.25"), "BTC": Decimal(50_000)})
    assert (book.between("BTC", "USD"), book.between("BTC", "EUR")) == (50_000, 40_000)
    assert (book.between("JPY", "JPY"), book.between("USDT", "USD"), book.between("EUR", "USDC")) == (
        1,
        1,
        Decimal("1.25"),
    )
    assert (book.between("JPY", "USD"), book.between("USD", "JPY")) == (None, None)
    assert [book.rate_of(currency) for currency in ("USD", "USDT", "EUR", "JPY")] == [1, 1, Decimal("1.25"), None]
    told = RiskBook(ManualClock(NOON), base="EUR", rates={"USDT": Decimal("0.9")})
    assert (told.between("USDT", "EUR"), told.between("USDC", "EUR")) == (Decimal("0.9"), None)
