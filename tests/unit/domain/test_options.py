"""Option contracts, sizes, and what legs can lose: what outside text may say of them, and what comes out."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.errors import InvalidRequest
from floorbroker.domain.options import (
    OptionContract,
    chosen_expiry,
    for_hedge,
    within_budget,
    worst_loss,
)

PUT = OptionContract(root="AAPL", expiry=date(2026, 3, 20), right="P", strike=Decimal(150))
CENTS = st.integers(1, 10**6).map(lambda cents: Decimal(cents) / 100)


def wrong(error: pytest.ExceptionInfo[InvalidRequest]) -> list[str]:
    return [field.pointer for field in error.value.fields]


def test_a_contract_has_a_padded_and_a_compact_form() -> None:
    assert (PUT.symbol, PUT.compact) == ("AAPL  260320P00150000", "AAPL260320P00150000")
    assert OptionContract.read(PUT.compact) == OptionContract.read(PUT.symbol) == PUT


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["/symbol"]),
        ("AAPL", ["/symbol"]),
        ("AAPL" * 50, ["/symbol"]),
        ("AAPL261320P00150000", ["/expiry"]),
        ("AAPL26032\u0660P00150000", ["/expiry"]),
        ("AAPL260320X00150000", ["/right"]),
        ("AAPL260320P0015000²", ["/strike"]),
        ("AAPL260320P00000000", ["/strike"]),
        ("aapl260320P00150000", ["/root"]),
        ("A-PL260320P00150000", ["/root"]),
        ("ÄAPL261399Z0015000x", ["/root", "/expiry", "/right", "/strike"]),
    ],
)
def test_a_symbol_that_is_wrong_is_refused_by_the_part_that_is(text: str, parts: list[str]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        OptionContract.read(text)
    assert wrong(refused) == parts


@given(st.text(max_size=40))
def test_whatever_is_read_is_a_contract_or_names_what_is_wrong(text: str) -> None:
    found = OptionContract.parse(text)
    if found is not None and found.strike > 0 and found.root.isupper():
        assert OptionContract.read(text) == OptionContract.read(found.symbol) == found
    else:
        with pytest.raises(InvalidRequest) as refused:
            OptionContract.read(text)
        assert wrong(refused)


def test_a_contract_is_made_from_four_texts() -> None:
    found = OptionContract.of(underlying="brk.b", expiry="2026-03-20", right="Put", strike="412.5")
    assert (found.root, found.compact) == ("BRKB", "BRKB260320P00412500")


@pytest.mark.parametrize(
    ("texts", "parts"),
    [
        ({"underlying": "", "expiry": "soon", "right": "x", "strike": "-1"}, ["/underlying", "/expiry", "/right", "/strike"]),
        ({"strike": "150.0005"}, ["/strike"]),
        ({"strike": "100000"}, ["/strike"]),
        ({"strike": "1e400"}, ["/strike"]),
        ({"expiry": "1999-01-15"}, ["/expiry"]),
        ({"underlying": "TOOLONG"}, ["/underlying"]),
    ],
)  # fmt: skip
def test_each_wrong_text_of_the_four_is_named(texts: dict[str, str], parts: list[str]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        OptionContract.of(**{"underlying": "AAPL", "expiry": "2026-03-20", "right": "put", "strike": "150"} | texts)
    assert wrong(refused) == parts


def test_the_day_of_expiry_is_new_yorks() -> None:
    late = datetime(2026, 3, 21, 3, 59, tzinfo=UTC)  # 23:59 on the twentieth
    assert PUT.expires_on(late)
    assert not PUT.is_past(late)
    assert PUT.is_past(datetime(2026, 3, 21, 4, 0, tzinfo=UTC))


@pytest.mark.parametrize(("right", "qty", "shares"), [("P", 2, -200), ("C", 2, 200), ("P", -1, 100), ("C", -1, -100)])
def test_exercise_and_assignment_move_shares(right: str, qty: int, shares: int) -> None:
    contract = OptionContract(root="AAPL", expiry=PUT.expiry, right=right, strike=PUT.strike)
    assert contract.delivers(Decimal(qty)) == shares


def test_without_a_wish_the_next_expiration_is_chosen_and_a_wish_must_be_listed() -> None:
    days = [date(2026, 4, 17), date(2026, 3, 20), date(2026, 3, 13)]
    assert chosen_expiry(days, None, today=date(2026, 3, 14)) == date(2026, 3, 20)
    assert chosen_expiry(days, None, today=date(2026, 3, 20)) == date(2026, 3, 20)
    assert chosen_expiry(days, date(2026, 4, 17), today=date(2026, 3, 14)) == date(2026, 4, 17)
    assert chosen_expiry(days, date(2026, 4, 18), today=date(2026, 3, 14)) is None
    assert chosen_expiry(days, None, today=date(2026, 5, 1)) is None


# -- sizes --------------------------------------------------------------------------------------------------------------


@given(budget=CENTS, premium=CENTS, fee=st.integers(0, 500).map(lambda cents: Decimal(cents) / 100))
def test_a_budget_is_never_passed_and_one_more_contract_would_pass_it(
    budget: Decimal, premium: Decimal, fee: Decimal
) -> None:
    size = within_budget(budget, premium=premium, fee_each=fee)
    assert size.total == size.contracts * (premium * 100 + fee)
    assert size.total <= budget < size.total + size.each


@given(shares=st.integers(1, 100_000).map(Decimal), percent=st.integers(1, 100), premium=CENTS)
def test_a_hedge_never_covers_more_than_was_wished_for(shares: Decimal, percent: int, premium: Decimal) -> None:
    wanted = shares * percent / 100
    size = for_hedge(shares, ratio=Decimal(percent) / 100, premium=premium)
    assert size.contracts * 100 <= wanted < (size.contracts + 1) * 100


def test_a_hedge_stays_within_its_budget_and_says_so() -> None:
    size = for_hedge(Decimal(1000), ratio=Decimal(1), premium=Decimal("2.50"), budget=Decimal(1000))
    assert (size.contracts, size.total) == (4, Decimal(1000))
    assert "400 of 1000 shares" in size.why


@pytest.mark.parametrize(
    ("shares", "ratio", "premium", "field"),
    [("100", "0", "1", "/ratio"), ("100", "1.01", "1", "/ratio"), ("0", "1", "1", "/shares"), ("-5", "1", "1", "/shares"),
     ("100", "1", "0", "/premium")],
)  # fmt: skip
def test_a_hedge_that_makes_no_sense_is_refused_by_name(shares: str, ratio: str, premium: str, field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        for_hedge(Decimal(shares), ratio=Decimal(ratio), premium=Decimal(premium))
    assert wrong(refused) == [field]


# -- what legs can lose -------------------------------------------------------------------------------------------------


def legs(*known: tuple[int, str, int], day: int = 20) -> list[tuple[Decimal, OptionContract]]:
    return [
        (Decimal(qty), OptionContract(root="AAPL", expiry=date(2026, 3, day), right=right, strike=Decimal(strike)))
        for qty, right, strike in known
    ]


@pytest.mark.parametrize(
    ("known", "loss"),
    [
        ([(1, "P", 150)], 0),
        ([(1, "P", 150), (-1, "P", 140)], 0),
        ([(-1, "P", 150), (1, "P", 140)], 10),
        ([(-1, "C", 150), (1, "C", 160)], 10),
        ([(-1, "P", 150)], 150),
        ([(-1, "C", 150)], None),
        ([(-2, "C", 150), (1, "C", 140)], None),
        ([(-1, "P", 140), (1, "P", 130), (-1, "C", 160), (1, "C", 175)], 15),
    ],
)
def test_the_worst_that_legs_can_owe_is_known(known: list[tuple[int, str, int]], loss: int | None) -> None:
    assert worst_loss(legs(*known)) == loss


def test_a_long_leg_that_ends_first_protects_nothing() -> None:
    assert worst_loss([*legs((-1, "P", 150)), *legs((1, "P", 140), day=13)]) == 150
    assert worst_loss([*legs((-1, "C", 150), day=13), *legs((1, "C", 150))]) == 0
