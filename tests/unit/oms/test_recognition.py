"""Whose account it is: what the venue says of it against what the profile means."""

from __future__ import annotations

from decimal import Decimal

import pytest

from floorbroker.domain.records import Account
from floorbroker.domain.values import Environment
from floorbroker.oms.recognition import stranger


@pytest.mark.parametrize(
    ("told", "expected", "wrong"),
    [
        ("PA3WALK", "", ""),
        ("PA3WALK", "PA3WALK", ""),
        ("PA3WALK", "PA3ELSE", "it ends in WALK"),
        ("", "PA3ELSE", "tells no account number"),
    ],
)
def test_the_account_is_the_one_whose_number_was_given(told: str, expected: str, wrong: str) -> None:
    account = Account(
        account=told,
        currency="USD",
        cash=Decimal(0),
        equity=Decimal(0),
        buying_power=Decimal(0),
        environment_hint="paper",
    )
    why = stranger(account, Environment.PAPER, expected=expected)
    assert wrong in why
    assert bool(why) is bool(wrong)
