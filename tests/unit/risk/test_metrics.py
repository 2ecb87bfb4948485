"""Risk in numbers, against sums anybody can make by hand."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from floorbroker.domain.values import ProfileName
from floorbroker.risk.metrics import Holding, exposures, value_at_risk

A, B = ProfileName("a"), ProfileName("b")
FIRST = date(2026, 1, 1)


def _holding(profile: ProfileName, symbol: str, value: int | None) -> Holding:
    return Holding(profile=profile, symbol=symbol, value=None if value is None else Decimal(value))


def _closes(*returns: str) -> dict[date, Decimal]:
    """Closes that begin at 100 and move by these returns, a day each."""
    closes, price = {FIRST: Decimal(100)}, Decimal(100)
    for day, moved in enumerate(returns, start=1):
        price *= 1 + Decimal(moved)
        closes[FIRST + timedelta(days=day)] = price
    return closes


def test_gross_adds_both_sides_and_concentration_looks_at_the_largest_symbol() -> None:
    held = [_holding(A, "X", 600), _holding(B, "X", -200), _holding(A, "Y", -300), _holding(B, "Z", None)]
    assert exposures(held, Decimal(1_000)) == (Decimal(1_100), Decimal(100), Decimal("1.1"), Decimal("0.4"))
    assert exposures(held, Decimal(0))[2:] == (0, 0)


def test_the_worst_days_of_history_are_the_value_at_risk() -> None:
    moves = ["0.01"] * 95 + ["-0.01", "-0.02", "-0.03", "-0.04", "-0.05"]
    closes = {"X": _closes(*moves)}
    found = value_at_risk({"X": Decimal(1_000)}, closes, Decimal("0.95"))
    assert (found.loss, found.days, found.missing) == (Decimal("10.00"), 100, ())
    assert value_at_risk({"X": Decimal(1_000)}, closes, Decimal("0.99")).loss == Decimal("50.00")
    assert value_at_risk({"X": Decimal(-1_000)}, closes, Decimal("0.99")).loss == Decimal("10.00")


def test_what_has_no_history_is_named_and_left_out() -> None:
    closes = {"X": _closes(*["0.01"] * 40), "Y": _closes("0.01")}
    found = value_at_risk({"X": Decimal(1_000), "Y": Decimal(5), "Z": Decimal(5)}, closes, Decimal("0.95"))
    assert (found.days, found.missing, found.loss) == (40, ("Y", "Z"), Decimal("0.00"))


def test_too_few_days_say_nothing() -> None:
    assert value_at_risk({"X": Decimal(1)}, {"X": _closes(*["0.01"] * 20)}, Decimal("0.95")).loss is None
    assert value_at_risk({}, {}, Decimal("0.95")).days == 0
