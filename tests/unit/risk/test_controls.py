"""The pre-trade controls of RELIABILITY 5, each against a wish that must pass and one that must not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from floorbroker.domain.capability import BrokerInfo, Can
from floorbroker.domain.errors import (
    InsufficientFunds,
    KillSwitchOn,
    NotSupported,
    PositionSizeExceeded,
    RiskLimitExceeded,
)
from floorbroker.domain.instrument import Instrument
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.records import Account, Quote
from floorbroker.domain.values import (
    AssetClass,
    Environment,
    IntentId,
    OrderClass,
    OrderType,
    PositionIntent,
    Price,
    Quantity,
    Side,
    TimeInForce,
)
from floorbroker.risk import positions
from floorbroker.risk.controls import CONTROLS
from floorbroker.risk.limits import RiskLimits
from floorbroker.risk.situation import Exposure, Reference, Situation
from floorbroker.risk.verdict import refusal
from floorbroker.risk.workload import Part, Workload

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
INFO = BrokerInfo(
    code="TEST",
    folder="test",
    name="Test venue",
    environments=(Environment.PAPER,),
    can=frozenset(Can),
    order_types={AssetClass.EQUITY: frozenset(OrderType)},
    tifs={AssetClass.EQUITY: frozenset(TimeInForce)},
    order_classes=frozenset(OrderClass),
)
AAPL = Instrument(symbol="AAPL", asset_class=AssetClass.EQUITY, currency="USD", shortable=True, as_of=NOW)
BUY = NewOrder(
    symbol="AAPL",
    side=Side.BUY,
    order_type=OrderType.LIMIT,
    order_qty=Quantity(Decimal(10)),
    price=Price(Decimal("189.50")),
)
CALM = Situation(
    wish=BUY,
    limits=RiskLimits(),
    info=INFO,
    environment=Environment.PAPER,
    instrument=AAPL,
    exposure=Exposure(),
    now=NOW,
    account=Account(
        account="A1",
        currency="USD",
        cash=Decimal(100_000),
        equity=Decimal(100_000),
        buying_power=Decimal(100_000),
    ),
    reference=Reference(
        quote=Quote(symbol="AAPL", bid=Price(Decimal("189.40")), ask=Price(Decimal("189.60")), time=NOW), age_s=0.5
    ),
)


def _limits(**changes: object) -> Callable[[Situation], Situation]:
    return lambda s: replace(s, limits=s.limits.model_copy(update=changes))


def _wish(**changes: object) -> Callable[[Situation], Situation]:
    return lambda s: replace(s, wish=replace(s.wish, **changes))


def _instrument(**changes: object) -> Callable[[Situation], Situation]:
    return lambda s: replace(s, instrument=replace(s.instrument, **changes))


def _with(**changes: object) -> Callable[[Situation], Situation]:
    return lambda s: replace(s, **changes)


def _failed(situation: Situation) -> list[str]:
    return [verdict.control for control in CONTROLS if not (verdict := control(situation)).ok]


def test_a_calm_situation_passes_every_control() -> None:
    assert _failed(CALM) == []


@pytest.mark.parametrize(
    ("change", "control"),
    [
        (_with(blocked="the kill switch is on"), "latch"),
        (_with(locked="the vault is locked"), "vault"),
        (_with(not_ready="reconciling"), "ready"),
        (_with(not_armed="live trading is not enabled"), "armed"),
        (_instrument(asset_class=AssetClass.CRYPTO), "supported"),
        (_limits(deny_symbols=frozenset({"AAPL"})), "permission"),
        (_limits(allow_symbols=frozenset({"MSFT"})), "permission"),
        (_limits(allow_sides=frozenset({Side.SELL})), "permission"),
        (_wish(price=Price(Decimal("189.505"))), "tick"),
        (_wish(order_qty=Quantity(Decimal("0.5"))), "lot"),
        (_instrument(min_qty=Decimal(100)), "min_qty"),
        (_instrument(min_notional=Decimal(5_000)), "min_notional"),
        (_with(twin_age_s=0.4), "duplicate"),
        (_with(messages_s=50), "max_messages_s"),
        (_with(messages_min=600), "max_messages_min"),
        (_limits(max_open_orders=0), "max_open_orders"),
        (_instrument(tradable=False), "instrument_age"),
        (_instrument(as_of=datetime(2026, 2, 28, tzinfo=UTC)), "instrument_age"),
        (_limits(max_order_qty=Decimal(9)), "max_order_qty"),
        (_limits(max_order_notional=Decimal("1894.99")), "max_order_notional"),
        (_wish(price=Price(Decimal("210.00"))), "collar_bps"),
        (_limits(max_position_qty=Decimal(9)), "max_position"),
        (_limits(max_gross_exposure=Decimal(1_000)), "max_gross_exposure"),
        (_limits(max_net_exposure=Decimal(1_000)), "max_net_exposure"),
        (_limits(max_leverage=Decimal("0.01")), "max_leverage"),
        (_limits(max_concentration_pct=Decimal(1)), "max_concentration_pct"),
        (_with(exposure=Exposure(reserved=Decimal(99_000))), "buying_power"),
    ],
)
def test_one_thing_wrong_fails_its_own_control(change: Callable[[Situation], Situation], control: str) -> None:
    assert control in _failed(change(CALM))


def test_an_account_without_equity_carries_no_leverage() -> None:
    assert CALM.account is not None
    broke = replace(CALM, account=replace(CALM.account, equity=Decimal(-5)), limits=RiskLimits(max_leverage=Decimal(4)))
    assert "max_leverage" in _failed(broke)


def test_fractions_need_the_venue_and_our_own_leave() -> None:
    half = replace(CALM, wish=replace(BUY, order_qty=Quantity(Decimal("0.5"))))
    taken = replace(half, instrument=replace(AAPL, fraction=Decimal("0.001")))
    assert _failed(half) == ["lot"]
    assert _failed(taken) == []
    assert _failed(replace(taken, limits=RiskLimits(allow_fractional=False))) == ["lot"]


def test_an_order_for_an_amount_of_money_needs_leave_for_fractions() -> None:
    wish = replace(BUY, order_qty=None, notional=Decimal(100))
    assert _failed(replace(CALM, wish=wish)) == []
    assert _failed(replace(CALM, wish=wish, limits=RiskLimits(allow_fractional=False))) == ["lot"]


def test_a_market_order_without_a_price_is_not_sent_blind() -> None:
    blind = replace(CALM, wish=replace(BUY, order_type=OrderType.MARKET, price=None), reference=None)
    assert "reference" in _failed(blind)


def test_a_stale_price_is_no_price_for_a_market_order() -> None:
    assert CALM.reference is not None
    stale = replace(CALM, reference=replace(CALM.reference, age_s=5.1))
    assert "reference" in _failed(replace(stale, wish=replace(BUY, order_type=OrderType.MARKET, price=None)))


def test_a_limit_on_the_passive_side_is_no_collar_matter() -> None:
    assert _failed(_wish(price=Price(Decimal("1.00")))(CALM)) == []


LIT, MIT = OrderType.LIMIT_IF_TOUCHED, OrderType.MARKET_IF_TOUCHED


@pytest.mark.parametrize(
    ("side", "kind", "trigger", "limit", "failed"),
    [
        (Side.BUY, MIT, "150.00", None, []),
        (Side.SELL, MIT, "230.00", None, []),
        (Side.BUY, MIT, "210.00", None, ["collar_bps"]),  # touched already, far above the market: a slip of the finger
        (Side.BUY, LIT, "150.00", "151.00", []),
        (Side.BUY, LIT, "150.00", "166.00", ["collar_bps"]),
        (Side.SELL, LIT, "230.00", "229.00", []),
        (Side.SELL, LIT, "230.00", "206.00", ["collar_bps"]),
        # Touched already: it works at once, against the market and not against its trigger.
        (Side.BUY, LIT, "230.00", "229.00", ["collar_bps"]),
        (Side.SELL, LIT, "150.00", "151.00", ["collar_bps"]),
        (Side.BUY, OrderType.STOP_LIMIT, "230.00", "231.00", []),
    ],
)
def test_a_touched_order_is_measured_where_it_begins_to_work(
    side: Side, kind: OrderType, trigger: str, limit: str | None, failed: list[str]
) -> None:
    price = None if limit is None else Price(Decimal(limit))
    wish = replace(BUY, side=side, order_type=kind, stop_px=Price(Decimal(trigger)), price=price)
    assert _failed(replace(CALM, wish=wish)) == failed


def test_an_order_that_takes_any_price_once_touched_is_not_sent_blind() -> None:
    wish = replace(BUY, order_type=MIT, price=None, stop_px=Price(Decimal("150.00")))
    assert "reference" in _failed(replace(CALM, wish=wish, reference=None))
    assert replace(CALM, wish=wish).notional == Decimal("1500.00")


@pytest.mark.parametrize(
    ("wish", "ability", "says"),
    [
        ({"post_only": True}, Can.POST_ONLY, "takes no post-only orders"),
        ({"display_qty": Quantity(Decimal(2))}, Can.DISPLAY_QTY, "takes no icebergs"),
    ],
)
def test_what_a_venue_cannot_do_is_refused_with_the_reason(wish: dict[str, object], ability: Can, says: str) -> None:
    able = _wish(**wish)(CALM)
    assert _failed(able) == []
    unable = replace(able, info=replace(INFO, can=INFO.can - {ability}))
    error = refusal(next(v for control in CONTROLS if not (v := control(unable)).ok))
    assert isinstance(error, NotSupported)
    assert says in error.detail


def test_reduce_only_is_kept_by_us_where_the_venue_has_no_word_for_it() -> None:
    plain = replace(CALM, info=replace(INFO, can=INFO.can - {Can.REDUCE_ONLY}), wish=replace(BUY, reduce_only=True))
    assert _failed(plain) == ["reduce_only"]
    assert _failed(replace(plain, exposure=Exposure(positions={"AAPL": Decimal(-10)}))) == []


def test_what_shows_of_an_iceberg_stands_on_the_lot() -> None:
    verdict = next(
        v for control in CONTROLS if not (v := control(_wish(display_qty=Quantity(Decimal("2.5")))(CALM))).ok
    )
    assert (verdict.control, verdict.pointer) == ("lot", "/display_quantity")


def test_a_perpetual_counts_by_its_multiplier_and_is_sold_only_with_leave_to_sell_short() -> None:
    perpetual = Instrument(
        symbol="BTC/USDT:USDT", asset_class=AssetClass.PERPETUAL, currency="USDT", lot=Decimal("0.001"),
        multiplier=Decimal("0.01"), shortable=True, as_of=NOW,
    )  # fmt: skip
    info = replace(
        INFO,
        order_types={AssetClass.PERPETUAL: frozenset(OrderType)},
        tifs={AssetClass.PERPETUAL: frozenset(TimeInForce)},
    )
    wish = replace(BUY, symbol=perpetual.symbol, side=Side.SELL, order_qty=Quantity(Decimal("0.5")))
    sold = replace(CALM, wish=wish, instrument=perpetual, info=info)
    assert (_failed(sold), sold.notional) == ([], Decimal("0.5") * Decimal("189.50") * Decimal("0.01"))
    assert _failed(_limits(allow_short=False)(sold)) == ["short_sale"]
    assert _failed(_limits(allow_symbols=frozenset({"BTC/USDT"}))(sold)) == ["permission"]
    assert _failed(_limits(allow_symbols=frozenset({"BTC/USDT:USDT"}))(sold)) == []


def test_a_sell_beyond_what_is_held_is_a_short_sale() -> None:
    sell = replace(CALM, wish=replace(BUY, side=Side.SELL), limits=RiskLimits(allow_short=False))
    assert _failed(sell) == ["short_sale"]
    held = replace(sell, exposure=Exposure(positions={"AAPL": Decimal(10)}))
    assert _failed(held) == []


def test_closing_needs_no_buying_power() -> None:
    assert CALM.account is not None
    poor = replace(CALM, account=replace(CALM.account, buying_power=Decimal(0)), wish=replace(BUY, side=Side.SELL))
    assert "buying_power" in _failed(poor)
    assert _failed(replace(poor, exposure=Exposure(positions={"AAPL": Decimal(10)}))) == []


def test_reduce_only_means_reduce_only() -> None:
    wish = replace(BUY, reduce_only=True)
    assert "reduce_only" in _failed(replace(CALM, wish=wish))
    short = replace(CALM, wish=wish, exposure=Exposure(positions={"AAPL": Decimal(-10)}))
    assert _failed(short) == []


NO_WORD = replace(INFO, can=INFO.can - {Can.REDUCE_ONLY})
CLOSE = replace(BUY, side=Side.SELL, position_intent=PositionIntent.SELL_TO_CLOSE)


def _working(*parts: Part, held: int) -> Exposure:
    work = Workload()
    for number, part in enumerate(parts):
        work.put(IntentId(f"i{number}"), part)
    return Exposure(positions={"AAPL": Decimal(held)}, workload=work)


def _exit(units: int, group: str | None = None, entered: int | None = None) -> Part:
    return Part(
        symbol="AAPL",
        side=Side.SELL,
        units=Decimal(units),
        group=None if group is None else IntentId(group),
        entered=None if entered is None else Decimal(entered),
    )


def _legs(units: int) -> Part:
    """An order of several legs, one of which sells so many."""
    return Part(symbol="ELSE", side=Side.BUY, legs=(("AAPL", Side.SELL, Decimal(units)),))


@pytest.mark.parametrize(
    ("exposure", "fails"),
    [
        pytest.param(_working(held=0), True, id="nothing is held"),
        pytest.param(_working(held=-10), True, id="what is held is short already"),
        pytest.param(_working(held=9), True, id="less is held"),
        pytest.param(_working(held=10), False, id="as much is held"),
        pytest.param(_working(_exit(1), held=10), True, id="another order takes one of them"),
        pytest.param(_working(_exit(5, "g"), _exit(5, "g"), held=15), False, id="two exits of which one fills"),
        pytest.param(_working(_exit(5, "g"), _exit(5, "h"), held=15), True, id="exits of two groups"),
        pytest.param(_working(_exit(5, "g"), _exit(6, "g"), held=15), True, id="the larger exit counts"),
        pytest.param(_working(_exit(8, "g", 0), _exit(8, "g", 0), held=10), False, id="exits without an entry"),
        pytest.param(_working(_exit(8, "g", 3), _exit(8, "g", 3), held=13), False, id="exits of an entry in part"),
        pytest.param(_working(_exit(8, "g", 3), _exit(8, "g", 3), held=12), True, id="what has entered is taken"),
        pytest.param(_working(_legs(5), held=15), False, id="a leg beside it"),
        pytest.param(_working(_legs(6), held=15), True, id="a leg takes what it would close"),
        pytest.param(_working(_legs(5), _exit(5, "i0"), held=15), False, id="a leg and the order that is that leg"),
    ],
)
@pytest.mark.parametrize("wish", [CLOSE, replace(BUY, side=Side.SELL, reduce_only=True)])
def test_what_says_that_it_closes_never_opens(wish: NewOrder, exposure: Exposure, *, fails: bool) -> None:
    assert _failed(replace(CALM, wish=wish, info=NO_WORD, exposure=exposure)) == (["reduce_only"] if fails else [])


def test_a_refusal_to_close_tells_what_is_held_and_what_is_taken() -> None:
    wanting = replace(CALM, wish=CLOSE, info=NO_WORD, exposure=_working(_exit(3), held=12))
    verdict = next(v for control in CONTROLS if not (v := control(wanting)).ok)
    assert (verdict.control, verdict.limit, verdict.value) == ("reduce_only", 9, 10)
    assert verdict.detail.endswith(
        "it would sell 10 AAPL, and 12 are held, of which open orders take 3 already: ask for 9 at most, or cancel them first"
    )
    none = next(v for c in CONTROLS if not (v := c(replace(wanting, exposure=_working(_exit(12), held=12)))).ok)
    assert none.detail.endswith("of which open orders take 12 already: cancel them first")
    bare = next(v for control in CONTROLS if not (v := control(replace(wanting, exposure=Exposure()))).ok)
    assert bare.detail.endswith("it would sell 10 AAPL, and 0 are held")


def test_exits_of_one_group_make_no_short_sale_of_what_is_free() -> None:
    coin = _instrument(shortable=False)(replace(CALM, wish=replace(BUY, side=Side.SELL)))
    spare = _working(_exit(5, "g"), _exit(5, "g"), held=15)
    assert _failed(replace(coin, exposure=spare)) == []
    assert _failed(replace(coin, exposure=_working(_exit(6, "g"), _exit(6, "g"), held=15))) == ["short_sale"]
    assert _failed(replace(coin, exposure=_working(_legs(6), held=15))) == ["short_sale"]


def test_a_venue_that_reduces_only_knows_the_sides_of_a_hedge_that_we_do_not() -> None:
    assert _failed(replace(CALM, wish=CLOSE, exposure=_working(held=2))) == []
    assert _failed(replace(CALM, wish=replace(CLOSE, reduce_only=True), exposure=_working(held=2))) == ["reduce_only"]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (_with(blocked="on"), KillSwitchOn),
        (_limits(max_position_qty=Decimal(1)), PositionSizeExceeded),
        (_limits(max_order_qty=Decimal(1)), RiskLimitExceeded),
        (_with(exposure=Exposure(reserved=Decimal(99_999))), InsufficientFunds),
    ],
)
def test_a_failed_control_raises_its_own_kind_of_error(
    change: Callable[[Situation], Situation], kind: type[Exception]
) -> None:
    failed = next(v for control in CONTROLS if not (v := control(change(CALM))).ok)
    assert isinstance(refusal(failed), kind)


def test_a_refused_amount_names_its_currency() -> None:
    day = next(v for c in CONTROLS if not (v := c(_limits(max_notional_day=Decimal(100))(CALM))).ok)
    assert day.detail == "notional ordered today 1895 is above max_notional_day 100 USD"
    order = next(v for c in CONTROLS if not (v := c(_limits(max_order_notional=Decimal(100))(CALM))).ok)
    assert order.detail.endswith("is above max_order_notional 100 USD")


def test_a_size_in_another_currency_counts_at_its_rate_and_without_one_opens_nothing() -> None:
    """Ten at 189.50 coins of 50,000 dollars each are no order of 1,895 dollars."""
    coins = replace(CALM, instrument=replace(AAPL, currency="BTC"))
    dear = replace(coins, rate=Decimal(50_000))
    assert (dear.quoted, dear.notional, dear.cost) == (1895, 94_750_000, 94_750_000)
    assert {"max_order_notional", "max_position", "max_gross_exposure", "buying_power"} <= set(_failed(dear))
    unknown = replace(coins, rate=None)
    assert _failed(unknown) == ["currency"]
    told = refusal(next(v for c in CONTROLS if not (v := c(unknown)).ok))
    assert "AAPL is measured in BTC and the limits of this account in USD: say under [risk.rates]" in str(told)
    closing = replace(unknown, wish=replace(BUY, side=Side.SELL), exposure=Exposure(positions={"AAPL": Decimal(10)}))
    assert _failed(closing) == []
    small = RiskLimits(max_order_notional=Decimal(1))
    assert _failed(replace(closing, limits=small)) == [], "ten coins are not more than a dollar, nor less"


@pytest.mark.parametrize(("side", "held"), [(Side.BUY, -1), (Side.SELL, 1)])
def test_an_order_for_money_whose_units_nobody_can_tell_reduces_nothing(side: Side, held: int) -> None:
    """Five thousand dollars may be more than is held, and nothing that limits units can take it."""
    money = replace(BUY, side=side, order_type=OrderType.MARKET, price=None, order_qty=None, notional=Decimal(5000))
    limits = RiskLimits(collar_bps=None, max_order_qty=None, allow_short=False)
    holding = Exposure(positions={"AAPL": Decimal(held)}, marks={"AAPL": Decimal(190)})
    blind = replace(CALM, wish=money, limits=limits, reference=None, exposure=holding)
    assert not blind.reduces
    short = ["short_sale"] if side is Side.SELL else []
    assert _failed(blind) == [*short, "max_position", "max_gross_exposure"]
    assert _failed(replace(blind, exposure=Exposure())) == [*short, "max_position", "max_gross_exposure"]
    shares = {"max_position_qty": None, "max_gross_exposure": None, "max_net_exposure": None, "max_leverage": None}
    small = limits.model_copy(update={**shares, "max_concentration_pct": Decimal(50)})
    assert _failed(replace(blind, limits=small)) == [*short, "max_position", "max_concentration_pct"]


def test_what_a_venue_wants_at_least_is_in_the_currency_of_the_instrument() -> None:
    small = _instrument(min_notional=Decimal(2000))(replace(CALM, rate=Decimal(10)))
    assert "min_notional" in _failed(small)


@pytest.mark.parametrize(
    ("side", "held", "net"),
    [
        (Side.BUY, {"MSFT": -10}, 1_000),
        (Side.BUY, {"MSFT": -9}, 995),
        (Side.BUY, {"MSFT": -30}, 3_000),
        (Side.BUY, {"MSFT": 10}, 2_895),
        (Side.SELL, {"MSFT": 10}, 1_000),
        (Side.SELL, {"MSFT": -10}, 2_895),
    ],
)
def test_a_short_takes_from_a_long_in_what_is_net_and_adds_to_what_is_gross(
    side: Side, held: dict[str, int], net: int
) -> None:
    """Ten at 189.50 beside shares at 100; what is on its way may fill, or not."""
    units = {symbol: Decimal(qty) for symbol, qty in held.items()}
    exposure = Exposure(positions=units, marks={"MSFT": Decimal(100), "AAPL": Decimal("189.50")})
    wish = replace(BUY, side=side, price=Price(Decimal("189.50")))
    limits = RiskLimits(max_net_exposure=Decimal(1), max_gross_exposure=None)
    said = positions.exposure(replace(CALM, wish=wish, exposure=exposure, limits=limits))
    assert (said.ok, said.value) == (False, net)
    limits = RiskLimits(max_net_exposure=None, max_gross_exposure=Decimal(1))
    said = positions.exposure(replace(CALM, wish=wish, exposure=exposure, limits=limits))
    assert said.value == 1_895 + abs(sum(units.values())) * 100
