"""What roles, tokens, sessions and waits come to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.values import Environment
from floorbroker.people import OPERATOR, ROLES, Brake, Role, Scope, Session, Token, User, digest_of, new_token
from floorbroker.people.brake import KEYS_MAX
from floorbroker.people.identity import why_no_name
from floorbroker.people.records import network_of

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SIM, PAPER, LIVE = Environment
ADA = User(id="u", name="ada", role=Role.TRADER, environments=frozenset({SIM, PAPER}), created_at=NOON)
TOKEN = Token(
    id="t", name="bot-1", digest="", scopes=frozenset({Scope.READ, Scope.RISK}), environment=PAPER, created_at=NOON
)
SESSION = Session(id="s", digest="", user_id="u", opened_at=NOON, used_at=NOON, proved_at=NOON)


def test_only_the_admin_has_everything_and_risk_does_not_trade() -> None:
    assert [role.value for role, scopes in ROLES.items() if Scope.ADMIN in scopes] == ["admin"]
    assert Scope.TRADE not in ROLES[Role.RISK]
    assert Scope.RISK not in ROLES[Role.TRADER]
    assert all(Scope.READ in scopes for scopes in ROLES.values())


def test_a_token_may_never_do_more_than_its_owner() -> None:
    mine = TOKEN.identity(ADA)
    assert (mine.scopes, mine.environments) == (frozenset({Scope.READ}), frozenset({PAPER}))
    assert TOKEN.identity(replace(ADA, environments=frozenset({SIM}))).environments == frozenset()
    assert TOKEN.identity(None).scopes == TOKEN.scopes


@pytest.mark.parametrize(
    ("changed", "address", "why"),
    [
        ({}, "192.0.2.7", ""),
        ({"revoked_at": NOON}, "", "revoked"),
        ({"expires_at": NOON}, "", "expired"),
        ({"expires_at": NOON + timedelta(seconds=1)}, "", ""),
        ({"addresses": ("192.0.2.0/24",)}, "192.0.2.7", ""),
        ({"addresses": ("192.0.2.0/24",)}, "::ffff:192.0.2.7", ""),
        ({"addresses": ("192.0.2.0/24",)}, "192.0.3.7", "another address"),
        ({"addresses": ("2001:db8::/32", "10.0.0.0/8")}, "2001:db8::1", ""),
        ({"addresses": ("10.0.0.0/8",)}, "", "another address"),
    ],
)
def test_a_token_says_why_it_opens_nothing(changed: dict, address: str, why: str) -> None:
    assert replace(TOKEN, **changed).why_not(NOON, address) == why


def test_a_token_begins_with_where_it_works_and_is_kept_by_its_digest() -> None:
    made = new_token(LIVE)
    assert made.reveal().startswith("fb_live_")
    assert len(made.reveal()) == len("fb_live_") + 43
    assert made.reveal() not in digest_of(made.reveal())


@pytest.mark.parametrize(
    ("used", "opened", "over"),
    [
        (timedelta(minutes=30), timedelta(hours=12), False),
        (timedelta(minutes=31), timedelta(hours=1), True),
        (timedelta(0), timedelta(hours=12, seconds=1), True),
        (timedelta(0), timedelta(hours=-1), True),
    ],
)
def test_a_session_ends_by_silence_by_age_and_by_a_clock_set_back(
    used: timedelta, opened: timedelta, over: bool
) -> None:
    assert replace(SESSION, used_at=NOON - used, opened_at=NOON - opened).is_over(NOON) is over


def test_a_proof_is_good_for_five_minutes_and_a_token_has_none() -> None:
    person = SESSION.identity(ADA, NOON + timedelta(minutes=5))
    assert person.why_not_proved() == ""
    assert "prove again" in SESSION.identity(ADA, NOON + timedelta(minutes=5, seconds=1)).why_not_proved()
    assert "prove again" in replace(SESSION, proved_at=None).identity(ADA, NOON).why_not_proved()
    assert "a token cannot" in TOKEN.identity(None).why_not_proved()
    assert OPERATOR.why_not_proved() == ""


@pytest.mark.parametrize("name", ["", "Ada", "operator", "-a", "a" * 33, "a b", "ada\n", "../x", "ада", "unknown"])
def test_names_that_would_mislead_are_refused(name: str) -> None:
    assert why_no_name(name)


@pytest.mark.parametrize("name", ["ada", "a", "bot-1", "j.doe_2", "9lives", "a" * 32])
def test_plain_names_are_taken(name: str) -> None:
    assert why_no_name(name) == ""


def test_a_network_may_be_a_single_address() -> None:
    assert (network_of(" 192.0.2.7"), network_of("10.1.2.3/8")) == ("192.0.2.7/32", "10.0.0.0/8")
    with pytest.raises(ValueError, match="network"):
        network_of("example.com")


# -- guesses ------------------------------------------------------------------------------------------------------------


def wrong(brake: Brake, times: int, *keys: str) -> None:
    for _ in range(times):
        brake.failed(*keys)


@pytest.mark.asyncio
async def test_five_guesses_are_free_then_each_wait_is_twice_the_last() -> None:
    clock = ManualClock(NOON)
    brake, waits = Brake(clock), []
    wrong(brake, 4, "account:ada")
    assert brake.wait_s("account:ada") == 0
    for _ in range(6):
        brake.failed("account:ada")
        waits.append(brake.wait_s("account:ada"))
        await clock.advance(waits[-1])
        assert brake.wait_s("account:ada") == 0
    assert waits == [60, 120, 240, 480, 900, 900]


def test_a_wait_is_for_the_account_and_for_the_address_and_for_nobody_else() -> None:
    brake = Brake(ManualClock(NOON))
    wrong(brake, 5, "account:ada", "address:192.0.2.7")
    assert brake.wait_s("account:ada", "address:192.0.2.9") == 60
    assert brake.wait_s("account:bob", "address:192.0.2.7") == 60
    assert brake.wait_s("account:bob", "address:192.0.2.9") == 0
    brake.passed("account:ada")
    assert brake.wait_s("account:ada") == 0


@pytest.mark.asyncio
async def test_failures_long_ago_are_forgotten_and_memory_has_a_bound() -> None:
    clock = ManualClock(NOON)
    brake = Brake(clock)
    wrong(brake, 4, "account:ada")
    await clock.advance(61)
    brake.failed("account:ada")
    assert brake.wait_s("account:ada") == 0
    wrong(brake, 5, "account:bob")
    for number in range(KEYS_MAX):
        brake.failed(f"address:{number}")
    assert brake.wait_s("account:bob") == 0


def test_who_came_in_is_forgiven_the_one_try() -> None:
    brake = Brake(ManualClock(NOON))
    wrong(brake, 5, "address:192.0.2.7")
    brake.forgive("address:192.0.2.7")
    assert brake.wait_s("address:192.0.2.7") == 0
    brake.failed("address:192.0.2.7")
    assert brake.wait_s("address:192.0.2.7") == 60
