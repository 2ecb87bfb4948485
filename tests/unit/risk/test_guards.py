"""The controls of a day, a strategy, the clock, our own resting orders and a person's word; each bites and lets go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from floorbroker.domain.errors import DailyLossLimit, InvalidRequest
from floorbroker.domain.values import AssetClass, Environment, IntentId, OrderType, Price, Quantity, Side
from floorbroker.risk import guards
from floorbroker.risk.controls import CONTROLS
from floorbroker.risk.equity import Equity
from floorbroker.risk.hours import shut, window_of
from floorbroker.risk.limits import limits_of
from floorbroker.risk.situation import Exposure, Situation
from floorbroker.risk.verdict import refusal
from tests.unit.risk.test_controls import BUY, CALM, NOW

Change = Callable[[Situation], Situation]
LOST = Equity(day=NOW.date(), opened=Decimal(1_000), peak=Decimal(1_200), now=Decimal(890))


def _with(**changes: object) -> Change:
    return lambda s: replace(s, **changes)


def _limits(**changes: object) -> Change:
    return lambda s: replace(s, limits=s.limits.model_copy(update=changes))


def _both(*changes: Change) -> Change:
    def changed(s: Situation) -> Situation:
        for change in changes:
            s = change(s)
        return s

    return changed


def _failed(situation: Situation) -> list[str]:
    return [verdict.control for control in CONTROLS if not (verdict := control(situation)).ok]


@pytest.mark.parametrize(
    ("change", "control"),
    [
        (_with(off="strategy a filled 1000 times"), "max_fills_untouched"),
        (_limits(trade_hours="core", blackouts=()), None),
        (_both(_limits(trade_hours="core"), _with(now=datetime(2026, 3, 1, 15, tzinfo=UTC))), "trade_hours"),
        (_limits(blackouts=("mon 14:00-15:30",)), "blackouts"),
        (_limits(blackouts=("tue 14:00-15:30",)), None),
        (_with(orders_day=10_000), "max_orders_day"),
        (_with(orders_day=9_999), None),
        (_with(notional_day=Decimal(4_999_000)), "max_notional_day"),
        (_limits(allow_assets=frozenset({AssetClass.OPTION})), "permission"),
        (_both(_with(via="page"), _limits(confirm_above_notional=Decimal(1_000))), "confirm"),
        (_both(_with(via="page", confirm="yes"), _limits(confirm_above_notional=Decimal(1_000))), None),
        (_both(_with(via="api"), _limits(confirm_above_notional=Decimal(1_000))), None),
        (
            _both(
                _with(via="page", confirm="yes", environment=Environment.LIVE),
                _limits(confirm_above_notional=Decimal(1_000)),
            ),
            "confirm",
        ),
        (_with(middle=Decimal(170)), "collar_window_bps"),
        (_with(middle=Decimal(180)), None),
        (_limits(collar_bps_by_asset={AssetClass.EQUITY: Decimal("0.001")}), None),
        (_with(equity=LOST), "max_loss_day_pct"),
        (_both(_with(equity=LOST), _limits(max_loss_day_pct=None)), "max_drawdown_pct"),
        (_both(_with(equity=LOST), _limits(max_loss_day_pct=None, max_drawdown_pct=None)), None),
        (_both(_with(equity=LOST), _limits(max_loss_day=Decimal(110))), "max_loss_day"),
        (_with(met=(Decimal(189), IntentId("i7"))), "self_match"),
        (_both(_with(met=(Decimal(189), IntentId("i7"))), _limits(self_match="off")), None),
        (_both(_with(messages_symbol_min=5), _limits(max_messages_symbol_min=5)), "max_messages_symbol_min"),
    ],
)
def test_each_control_stops_what_it_is_for_and_nothing_else(change: Change, control: str | None) -> None:
    found = _failed(change(CALM))
    assert found[:1] == ([] if control is None else [control])


def test_a_loss_lets_what_only_reduces_pass() -> None:
    held = replace(
        CALM,
        equity=LOST,
        wish=replace(CALM.wish, side=Side.SELL),
        exposure=Exposure(positions={"AAPL": Decimal(10)}, marks={"AAPL": Decimal(190)}),
    )
    assert _failed(held) == []
    assert _failed(replace(held, wish=replace(held.wish, order_qty=Quantity(Decimal(11)))))[:1] == ["max_loss_day_pct"]


def test_a_market_order_is_held_against_the_mean_of_the_last_minute() -> None:
    wish = replace(CALM.wish, order_type=OrderType.MARKET, price=None)
    assert _failed(replace(CALM, wish=wish, middle=Decimal(170))) == ["collar_window_bps"]
    assert _failed(replace(CALM, wish=wish, middle=Decimal(189))) == []


def test_the_errors_say_which_kind_of_no_it_was() -> None:
    lost = next(v for control in CONTROLS if not (v := control(replace(CALM, equity=LOST))).ok)
    assert isinstance(refusal(lost), DailyLossLimit)
    page = replace(CALM, via="page", limits=CALM.limits.model_copy(update={"confirm_above_notional": Decimal(1)}))
    error = refusal(next(v for control in CONTROLS if not (v := control(page)).ok))
    assert isinstance(error, InvalidRequest)
    assert error.fields[0].pointer == "/confirm"


def test_the_collar_of_an_asset_class_stands_for_the_common_one() -> None:
    far = replace(CALM, wish=replace(CALM.wish, price=Price(Decimal(195))))
    tight = far.limits.model_copy(update={"collar_bps_by_asset": {AssetClass.EQUITY: Decimal(50)}})
    assert _failed(far) == []
    assert _failed(replace(far, limits=tight)) == ["collar_bps"]


@pytest.mark.parametrize(
    ("text", "at", "holds"),
    [
        ("13:25-13:35", datetime(2026, 3, 2, 13, 30, tzinfo=UTC), True),
        ("13:25-13:35", datetime(2026, 3, 2, 13, 35, tzinfo=UTC), False),
        ("fri-mon 13:25-13:35", datetime(2026, 3, 2, 13, 25, tzinfo=UTC), True),
        ("tue-fri 13:25-13:35", datetime(2026, 3, 2, 13, 25, tzinfo=UTC), False),
        ("sun 23:00-01:00", datetime(2026, 3, 2, 0, 59, tzinfo=UTC), True),
        ("mon 23:00-01:00", datetime(2026, 3, 2, 0, 59, tzinfo=UTC), False),
    ],
)
def test_a_window_of_the_week(text: str, at: datetime, *, holds: bool) -> None:
    assert window_of(text).holds(at) is holds


@pytest.mark.parametrize("text", ["", "13:25", "25:00-26:00", "13:00-13:00", "moon 13:00-14:00", "13:00 - 14:00"])
def test_a_window_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="window"):
        window_of(text)


def test_a_market_without_a_known_calendar_is_closed_only_where_hours_matter() -> None:
    assert shut("XXXX", "any", NOW) == ""
    assert "not known" in shut("XXXX", "core", NOW)


def test_limits_read_tables_and_windows() -> None:
    limits = limits_of(
        {"collar_bps_by_asset": {"crypto": "300"}, "blackouts": ["mon-fri 13:25-13:35"], "allow_assets": ["equity"]},
        Environment.PAPER,
    )
    assert limits.collar_of(AssetClass.CRYPTO) == Decimal(300)
    assert limits.collar_of(AssetClass.EQUITY) == Decimal(1_000)
    assert limits.allow_assets == frozenset({AssetClass.EQUITY})


@pytest.mark.parametrize(
    ("order_type", "price", "end"),
    [
        (OrderType.LIMIT, "150", "which buys at 120"),
        (OrderType.MARKET, None, "which buys at 120 and a market order takes any price: give it a limit short of that"),
    ],
)
def test_a_match_with_ourselves_is_told_as_what_could_be(order_type: OrderType, price: str | None, end: str) -> None:
    limit = None if price is None else Price(Decimal(price))
    wish = replace(BUY, side=Side.SELL, order_type=order_type, price=limit)
    told = guards.self_match(replace(CALM, wish=wish, met=(Decimal(120), IntentId("i7"))))
    assert (told.ok, told.detail) == (False, f"it could trade with our own order i7, {end}")
