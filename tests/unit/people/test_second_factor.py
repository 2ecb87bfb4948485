"""Codes: good in their time, and once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pyotp.totp import TOTP

from floorbroker.domain.values import Environment
from floorbroker.people.identity import Role
from floorbroker.people.records import User
from floorbroker.people.second_factor import look_at, new_secret, uri_of
from floorbroker.people.tokens import new_recovery_codes, recovery_digest

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
NOON = datetime(2026, 11, 20, 12, 0, 15, tzinfo=UTC)
ADA = User(
    id="u", name="ada", role=Role.ADMIN, environments=frozenset(Environment), created_at=NOON, totp=SECRET, totp_on=True
)


def code_at(moment: datetime) -> str:
    return TOTP(SECRET).at(moment)


@pytest.mark.parametrize(("off_s", "good"), [(0, True), (-30, True), (30, True), (-60, False), (60, False)])
def test_a_code_is_good_a_step_before_and_after_its_time(off_s: int, good: bool) -> None:
    assert (look_at(code_at(NOON + timedelta(seconds=off_s)), ADA, NOON) is not None) is good


def test_a_code_is_good_once_and_none_before_it_ever_again() -> None:
    code = code_at(NOON)
    passed = look_at(code, ADA, NOON)
    assert passed is not None
    after = replace(ADA, totp_step=passed.step)
    assert look_at(code, after, NOON) is None
    assert look_at(code, after, NOON + timedelta(seconds=20)) is None
    assert look_at(code_at(NOON - timedelta(seconds=30)), after, NOON) is None
    assert look_at(code_at(NOON + timedelta(seconds=30)), after, NOON + timedelta(seconds=30)) is not None


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "abcdef", "\uff11\uff12\uff13\uff14\uff15\uff16", "-12345", "000000 or 1=1"]
)
def test_anything_else_is_no_code(code: str) -> None:
    assert look_at(code, ADA, NOON) is None


def test_a_code_may_be_typed_in_two_halves() -> None:
    code = code_at(NOON)
    assert look_at(f" {code[:3]} {code[3:]} ", ADA, NOON) is not None


def test_without_a_second_factor_no_code_is_right() -> None:
    assert look_at(code_at(NOON), replace(ADA, totp=None), NOON) is None


def test_a_recovery_code_opens_once_and_leaves_the_others() -> None:
    codes = new_recovery_codes()
    assert len(set(codes)) == len(codes) == 10
    person = replace(ADA, recovery=tuple(recovery_digest(code) for code in codes))
    passed = look_at(codes[3].upper().replace("-", " "), person, NOON)
    assert passed is not None
    assert (passed.by_recovery, len(passed.recovery)) == (True, 9)
    assert look_at(codes[3], replace(person, recovery=passed.recovery), NOON) is None
    assert look_at(codes[4], replace(person, recovery=passed.recovery), NOON) is not None


def test_the_picture_names_the_desk_and_the_account() -> None:
    secret = new_secret()
    assert len(secret) == 32
    assert uri_of(secret, "ada") == f"otpauth://totp/Floorbroker:ada?secret={secret}&issuer=Floorbroker"
