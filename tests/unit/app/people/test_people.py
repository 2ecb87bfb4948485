"""People as a desk keeps them: who comes in, how, until when, and what the audit says of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pyotp.totp import TOTP

from floorbroker.app.people import NewToken, NewUser, Refused, SignedIn
from floorbroker.app.people.passes import Refusal
from floorbroker.app.trail import Trail
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import Conflict, Forbidden, InvalidRequest, NotFound
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.gateway.desk import Caller
from floorbroker.people.identity import OPERATOR as OPERATOR_ID
from floorbroker.people.identity import Role, Scope
from floorbroker.people.passwords import Argon2
from floorbroker.people.records import User
from tests.support.house import NOON
from tests.support.people import OPERATOR, WORDS, Town, town

pytestmark = pytest.mark.asyncio
SIM, PAPER, LIVE = Environment
ADA = Caller(principal="ada", via="page")


@pytest_asyncio.fixture
async def here(tmp_path: Path) -> AsyncIterator[tuple[Town, ManualClock]]:
    clock = ManualClock(NOON)
    async with town(tmp_path, clock) as found:
        await found.add("ada")
        yield found, clock


async def with_second_factor(found: Town, clock: ManualClock, name: str = "ada") -> tuple[TOTP, list[str]]:
    secret = await found.people.members.begin_second_factor(name, caller=ADA)
    device = TOTP(secret.reveal())
    codes = await found.people.members.confirm_second_factor(name, Secret(device.at(clock.now())), caller=ADA)
    await clock.advance(30)
    return device, [code.reveal() for code in codes]


async def test_who_is_changed_while_the_password_is_looked_at_does_not_come_in(
    here: tuple[Town, ManualClock], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, _ = here
    members = found.people.members
    looked_at = members.fits

    async def slow(user: User | None, password: Secret) -> bool:
        fits = await looked_at(user, password)
        await members.set_password("ada", Secret("another lamp in orbit"), caller=ADA)
        return fits

    monkeypatch.setattr(type(members), "fits", lambda _, user, password: slow(user, password))
    assert isinstance(await found.sign_in("ada", password=WORDS), Refused)
    assert found.people.memory.sessions == {}


# -- users ------------------------------------------------------------------------------------------------------------------


async def test_a_password_changed_while_a_sign_in_is_recorded_leaves_it_no_session(
    here: tuple[Town, ManualClock], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was looked at held when the audit was asked, and the old password must not outlive its change."""
    found, _ = here
    members, changing = found.people.members, list[asyncio.Task[User]]()
    record = Trail.came_in

    async def recorded(trail: Trail, *args: Any, **named: Any) -> None:
        changing.append(
            asyncio.ensure_future(members.set_password("ada", Secret("other words than those"), caller=OPERATOR))
        )
        await asyncio.wait(changing, timeout=0.5)
        await record(trail, *args, **named)

    monkeypatch.setattr(Trail, "came_in", recorded)
    signed = await found.sign_in("ada")
    await asyncio.gather(*changing)
    if isinstance(signed, SignedIn):
        assert found.people.visits.standing(signed.reference) is None
    assert found.people.visits.open_sessions(members.one("ada").id) == []


async def test_the_first_user_is_admin_everywhere_and_ends_set_up_once(tmp_path: Path) -> None:
    ended: list[str] = []
    async with town(tmp_path, ManualClock(NOON)) as found:
        found.people.on_first.append(lambda: ended.append("set-up"))
        assert not found.people.has_users
        first = await found.add("ada", Role.VIEWER, frozenset({SIM}))
        assert (first.role, first.environments) == (Role.ADMIN, frozenset(Environment))
        second = await found.add("bob", Role.VIEWER, frozenset({SIM}))
        assert (second.role, second.environments, ended) == (Role.VIEWER, frozenset({SIM}), ["set-up"])


async def test_people_their_sessions_and_tokens_outlive_the_process(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    async with town(tmp_path, clock) as found:
        ada = await found.add("ada")
        reference = await found.session("ada")
        new = NewToken(name="bot", environment=PAPER, scopes=frozenset({Scope.READ}), addresses=("192.0.2.0/24",))
        _, secret = await found.people.passes.create(new, owner=OPERATOR_ID, caller=OPERATOR)
    async with town(tmp_path, clock) as again:
        assert again.people.members.one("ada") == ada
        assert again.people.visits.by_reference(reference) is not None
        identity = again.people.passes.by_token(secret.reveal(), "192.0.2.9")
        assert not isinstance(identity, Refusal)
        assert identity is not None
        assert (identity.principal, identity.scopes) == ("bot", frozenset({Scope.READ}))
    await clock.advance(3600)
    async with town(tmp_path, clock) as later:
        assert later.people.memory.sessions == {}


@pytest.mark.parametrize("name", ["operator", "Ada!", "", "ada", "ADA"])
async def test_a_name_that_misleads_or_is_taken_is_refused(here: tuple[Town, ManualClock], name: str) -> None:
    with pytest.raises((InvalidRequest, Conflict)):
        await here[0].add(name)


async def test_no_secret_stands_in_the_file_or_in_the_audit(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    async with town(tmp_path, clock) as found:
        await found.add("ada")
        reference = await found.session("ada")
        await found.sign_in("ada", password="a password that is wrong")
        await found.sign_in("a password in the wrong field", password=WORDS)
        new = NewToken(name="bot", environment=LIVE, scopes=frozenset({Scope.READ}))
        _, secret = await found.people.passes.create(new, owner=OPERATOR_ID, caller=OPERATOR)
        _, codes = await with_second_factor(found, clock)
        told = repr(found.audit.rows)
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("desk.db*"))
    for word in (WORDS, reference, secret.reveal(), codes[0], "a password"):
        assert word not in told
        assert word.encode() not in stored


async def test_every_act_on_a_person_is_in_the_audit(here: tuple[Town, ManualClock]) -> None:
    found, clock = here
    await found.add("bob", Role.TRADER)
    members = found.people.members
    await members.edit("bob", role=Role.RISK, caller=ADA)
    await members.set_password("bob", Secret("another lamp in orbit"), caller=ADA)
    await with_second_factor(found, clock)
    await members.drop_second_factor("ada", caller=ADA)
    await members.remove("bob", caller=ADA)
    assert [row[1:] for row in found.audit.told()] == [
        ("user.add", "ada", "done"),
        ("user.add", "bob", "done"),
        ("user.edit", "bob", "done"),
        ("user.password", "bob", "done"),
        ("user.2fa", "ada", "done"),
        ("user.2fa", "ada", "done"),
        ("user.2fa", "ada", "done"),
        ("user.remove", "bob", "done"),
    ]
    assert dict(found.audit.rows[2].detail) == {
        "role": "risk",
        "environments": "sim paper live",
        "disabled": "false",
    }


async def test_a_desk_is_not_left_without_an_admin_but_by_the_operator(here: tuple[Town, ManualClock]) -> None:
    members = here[0].people.members
    spoils: list[dict[str, Any]] = [{"role": Role.TRADER}, {"disabled": True}]
    for spoil in spoils:
        with pytest.raises(Conflict, match="only admin"):
            await members.edit("ada", caller=ADA, **spoil)
    with pytest.raises(Conflict, match="only admin"):
        await members.remove("ada", caller=ADA)
    await here[0].add("bob")
    await members.edit("ada", role=Role.VIEWER, caller=ADA)
    await members.remove("bob", caller=OPERATOR)
    assert [user.name for user in members.all()] == ["ada"]


async def test_who_is_changed_disabled_or_gets_a_password_is_signed_out(here: tuple[Town, ManualClock]) -> None:
    found, _ = here
    await found.add("bob", Role.TRADER)
    members, visits = found.people.members, found.people.visits
    for act in (
        members.edit("bob", role=Role.VIEWER, caller=ADA),
        members.set_password("bob", Secret(WORDS), caller=ADA),
        members.edit("bob", disabled=True, caller=ADA),
    ):
        reference = await found.session("bob")
        assert visits.by_reference(reference) is not None
        await act
        assert visits.by_reference(reference) is None
    assert await found.sign_in("bob") == Refused()


# -- signing in ---------------------------------------------------------------------------------------------------------------


async def test_name_and_password_open_a_session_as_long_as_it_is_used(here: tuple[Town, ManualClock]) -> None:
    found, clock = here
    signed = await found.sign_in(" Ada ")
    assert isinstance(signed, SignedIn)
    visits = found.people.visits
    for _ in range(23):
        await clock.advance(29 * 60)
        assert visits.by_reference(signed.reference) is not None
    await clock.advance(29 * 60)
    await clock.advance(29 * 60)
    assert visits.by_reference(signed.reference) is None  # twelve hours
    idle = await found.session("ada")
    await clock.advance(30 * 60 + 1)
    assert visits.by_reference(idle) is None


@pytest.mark.parametrize(
    ("name", "password"),
    [("ada", "wrong lamp orbit moss"), ("eve", WORDS), ("", ""), ("ada", ""), ("ada", WORDS + " ")],
)
async def test_anything_else_is_refused_without_a_reason(
    here: tuple[Town, ManualClock], name: str, password: str
) -> None:
    assert await here[0].sign_in(name, password) == Refused()


async def test_an_unknown_name_costs_as_much_work_as_a_known_one(here: tuple[Town, ManualClock]) -> None:
    found, worked = here[0], list[str]()

    class Counting(Argon2):
        def fits(self, password: str, kept: str) -> bool:
            worked.append(kept[:10])
            return super().fits(password, kept)

    found.people.members.passwords = Counting(memory_kib=8, iterations=1)
    for name in ("ada", "eve"):
        await found.sign_in(name, "wrong lamp orbit moss")
    assert worked == ["$argon2id$", "$argon2id$"]


async def test_five_wrong_tries_make_everybody_wait_who_tries_that_account_or_from_there(
    here: tuple[Town, ManualClock],
) -> None:
    found, clock = here
    await found.add("bob")
    for _ in range(5):
        assert await found.sign_in("ada", "wrong lamp orbit moss") == Refused()
    assert await found.sign_in("ada", address="198.51.100.1") == Refused(wait_s=60)
    assert await found.sign_in("bob") == Refused(wait_s=60)
    assert isinstance(await found.sign_in("bob", address="198.51.100.1"), SignedIn)
    assert [row[1:] for row in found.audit.told()[-3:]] == [
        ("door.login", "198.51.100.1", "too many"),
        ("door.login", "192.0.2.7", "too many"),
        ("door.login", "198.51.100.1", "done"),
    ]
    assert [dict(row.detail).get("account") for row in found.audit.rows[-3:]] == ["ada", "bob", None]
    await clock.advance(61)
    assert isinstance(await found.sign_in("ada"), SignedIn)


async def test_a_stranger_who_guesses_keeps_nobody_out_where_they_were_before(here: tuple[Town, ManualClock]) -> None:
    found, clock = here
    await found.session("ada")
    for hour in range(24):  # whoever guesses at each end of a wait
        await clock.advance(3600)
        for _ in range(6):
            await found.sign_in("ada", "wrong lamp orbit moss", address="198.51.100.1")
            await found.sign_in("eve", "wrong lamp orbit moss")  # and in another name from her own address
        assert isinstance(await found.sign_in("ada"), SignedIn), hour
    assert (await found.sign_in("ada", address="198.51.100.1")).wait_s > 0
    assert (await found.sign_in("bob")).wait_s > 0


async def test_guesses_from_a_known_address_are_slowed_down_too(here: tuple[Town, ManualClock]) -> None:
    found, clock = here
    await found.session("ada")
    for _ in range(5):
        assert await found.sign_in("ada", "wrong lamp orbit moss") == Refused()
    assert await found.sign_in("ada") == Refused(wait_s=60)
    assert isinstance(await found.sign_in("ada", address="198.51.100.1"), SignedIn)
    await clock.advance(61)
    assert isinstance(await found.sign_in("ada"), SignedIn)


async def test_an_admin_reaches_no_further_than_their_own_environments(here: tuple[Town, ManualClock]) -> None:
    found, _ = here
    await found.add("bob", Role.ADMIN, frozenset({PAPER}))
    await found.add("grace", Role.TRADER, frozenset({PAPER}))
    members, bob = found.people.members, Caller(principal="bob", via="page")
    both = frozenset({PAPER, Environment.LIVE})
    new = NewUser(name="eve", password=Secret(WORDS), environments=both)
    for act in (
        members.edit("bob", environments=both, caller=bob),
        members.edit("grace", environments=both, caller=bob),
        members.edit("ada", role=Role.VIEWER, caller=bob),
        members.set_password("ada", Secret(WORDS), caller=bob),
        members.drop_second_factor("ada", caller=bob),
        members.remove("ada", caller=bob),
        members.add(new, caller=bob),
    ):
        with pytest.raises(Forbidden, match="you may do nothing in"):
            await act
    assert await found.sign_in("ada") != Refused()
    assert (await members.edit("grace", role=Role.RISK, caller=bob)).role is Role.RISK
    assert (await members.edit("grace", environments=both, caller=ADA)).environments == both


async def test_a_password_kept_with_less_care_is_kept_anew_at_the_next_sign_in(here: tuple[Town, ManualClock]) -> None:
    found, _ = here
    found.people.members.passwords = Argon2(memory_kib=16, iterations=1)
    await found.session("ada")
    assert "m=16,t=1" in (found.people.members.one("ada").password or "")
    assert isinstance(await found.sign_in("ada"), SignedIn)


async def test_sessions_are_listed_and_ended_one_by_one_or_all_but_one(here: tuple[Town, ManualClock]) -> None:
    found, clock = here
    bob = await found.add("bob")
    visits, references = found.people.visits, []
    for _ in range(4):
        references.append(await found.session("ada"))
        await clock.advance(1)
    theirs = await found.session("bob")
    ada = found.people.members.one("ada")
    listed = visits.open_sessions(ada.id)
    assert len(listed) == 4
    with pytest.raises(NotFound):
        await visits.revoke(ada, visits.open_sessions(bob.id)[0].id, caller=ADA)
    await visits.revoke(ada, listed[-1].id, caller=ADA)
    assert [visits.by_reference(one) is None for one in references] == [True, False, False, False]
    assert await visits.revoke_others(ada, keep=listed[0].id, caller=ADA) == 2
    assert [visits.by_reference(one) is None for one in references] == [True, True, True, False]
    assert visits.by_reference(theirs) is not None


async def test_what_ended_while_its_use_was_being_written_stays_ended(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    async with town(tmp_path, clock) as found:
        ada = await found.add("ada")
        reference = await found.session("ada")
        new = NewToken(name="bot", environment=PAPER, scopes=frozenset({Scope.READ}))
        token, secret = await found.people.passes.create(new, owner=OPERATOR_ID, caller=OPERATOR)
        (session,) = found.people.memory.sessions.values()
        await found.people.visits.revoke_others(ada, keep="", caller=ADA)
        await found.people.passes.revoke("bot", by=OPERATOR_ID, caller=ADA)
        await found.people.memory.mark_session(session, used_at=NOON, proved_at=NOON)
        await found.people.memory.mark_token(token, NOON)
        assert found.people.visits.by_reference(reference) is None
        assert found.people.passes.by_token(secret.reveal(), "") == Refusal(why="revoked")
    async with town(tmp_path, clock) as again:
        assert again.people.visits.by_reference(reference) is None
        assert again.people.passes.by_token(secret.reveal(), "") == Refusal(why="revoked")


async def test_guesses_at_the_sign_in_keep_nobody_from_a_proof(here: tuple[Town, ManualClock]) -> None:
    found, _ = here
    identity = found.people.visits.by_reference(await found.session("ada"))
    assert identity is not None
    for _ in range(6):
        await found.sign_in("ada", "wrong lamp orbit moss")
    nothing, right = Secret(""), Secret(WORDS)
    proved = await found.people.visits.prove(identity, password=right, code=nothing, address="")
    assert not isinstance(proved, Refused)


async def test_one_person_has_twenty_sessions_at_most(here: tuple[Town, ManualClock]) -> None:
    found, clock = here
    references = []
    for _ in range(21):
        references.append(await found.session("ada"))
        await clock.advance(1)
    open_ = [found.people.visits.by_reference(one) is not None for one in references]
    assert open_ == [False] + [True] * 20


# -- the second factor --------------------------------------------------------------------------------------------------------


async def test_with_a_second_factor_a_password_is_half_and_each_code_is_good_once(
    here: tuple[Town, ManualClock],
) -> None:
    found, clock = here
    device, codes = await with_second_factor(found, clock)
    assert await found.sign_in("ada") == Refused()
    code = device.at(clock.now())
    assert await found.sign_in("ada", "wrong lamp orbit moss", code) == Refused()
    assert isinstance(await found.sign_in("ada", code=code), SignedIn)
    assert await found.sign_in("ada", code=code) == Refused()
    assert isinstance(await found.sign_in("ada", code=codes[0]), SignedIn)
    assert await found.sign_in("ada", code=codes[0]) == Refused()


async def test_a_second_factor_counts_when_a_first_code_was_shown(here: tuple[Town, ManualClock]) -> None:
    found, clock = here
    members = found.people.members
    secret = await members.begin_second_factor("ada", caller=ADA)
    assert isinstance(await found.sign_in("ada"), SignedIn)
    with pytest.raises(InvalidRequest, match="clock of the telephone"):
        await members.confirm_second_factor("ada", Secret("000000"), caller=ADA)
    await members.confirm_second_factor("ada", Secret(TOTP(secret.reveal()).at(clock.now())), caller=ADA)
    with pytest.raises(Conflict, match="on already"):
        await members.begin_second_factor("ada", caller=ADA)


async def test_a_short_password_stands_beside_a_second_factor_alone(here: tuple[Town, ManualClock]) -> None:
    found, clock = here
    members = found.people.members
    with pytest.raises(InvalidRequest, match="at least 15"):
        await members.set_password("ada", Secret("nine lamps"), caller=ADA)
    await with_second_factor(found, clock)
    await members.set_password("ada", Secret("nine lamps"), caller=ADA)
    with pytest.raises(Conflict, match="password is short"):
        await members.drop_second_factor("ada", caller=ADA)
    await members.set_password("ada", Secret(WORDS), caller=ADA)
    assert not (await members.drop_second_factor("ada", caller=ADA)).totp_on


async def test_a_proof_is_the_code_where_there_is_one_and_else_the_password(here: tuple[Town, ManualClock]) -> None:
    found, clock = here
    visits = found.people.visits
    reference = await found.session("ada")
    await clock.advance(400)
    identity = visits.by_reference(reference)
    assert identity is not None
    assert identity.why_not_proved()
    nothing, where = Secret(""), "192.0.2.7"
    assert await visits.prove(identity, password=Secret("wrong"), code=nothing, address=where) == Refused()
    proved = await visits.prove(identity, password=Secret(WORDS), code=nothing, address=where)
    assert not isinstance(proved, Refused)
    assert proved.why_not_proved() == ""
    again = visits.by_reference(reference)
    assert again is not None
    assert again.why_not_proved() == ""
    device, _ = await with_second_factor(found, clock)
    assert await visits.prove(again, password=Secret(WORDS), code=nothing, address=where) == Refused()
    code = Secret(device.at(clock.now()))
    assert not isinstance(await visits.prove(again, password=nothing, code=code, address=where), Refused)


# -- tokens -------------------------------------------------------------------------------------------------------------------


async def test_a_token_is_never_more_than_its_owner_and_goes_with_them(here: tuple[Town, ManualClock]) -> None:
    found, _ = here
    bob = await found.add("bob", Role.TRADER, frozenset({PAPER}))
    identity = found.people.visits.by_reference(await found.session("bob"))
    assert identity is not None
    passes = found.people.passes
    trade = NewToken(name="bot", environment=PAPER, scopes=frozenset({Scope.READ, Scope.TRADE}))
    for wrong in (replace(trade, environment=LIVE), replace(trade, scopes=frozenset({Scope.RISK}))):
        with pytest.raises(Forbidden):
            await passes.create(wrong, owner=identity, caller=ADA)
    _, secret = await passes.create(trade, owner=identity, caller=ADA)
    assert secret.reveal().startswith("fb_paper_")
    await found.people.members.edit("bob", role=Role.VIEWER, caller=ADA)
    less = passes.by_token(secret.reveal(), "")
    assert not isinstance(less, Refusal)
    assert less is not None
    assert less.scopes == frozenset({Scope.READ})
    await found.people.members.edit("bob", disabled=True, caller=ADA)
    assert isinstance(passes.by_token(secret.reveal(), ""), Refusal)
    await found.people.members.remove("bob", caller=ADA)
    assert passes.by_token(secret.reveal(), "") is None
    assert bob.id not in {token.user_id for token in found.people.memory.tokens.values()}


async def test_a_token_is_seen_by_its_owner_by_an_admin_and_by_itself(here: tuple[Town, ManualClock]) -> None:
    found, _ = here
    await found.add("bob", Role.TRADER)
    await found.add("eve", Role.TRADER)
    passes, visits = found.people.passes, found.people.visits
    ada, bob, eve = [visits.by_reference(await found.session(name)) for name in ("ada", "bob", "eve")]
    assert ada is not None
    assert bob is not None
    assert eve is not None
    new = NewToken(name="bot", environment=PAPER, scopes=frozenset({Scope.READ}))
    token, secret = await passes.create(new, owner=bob, caller=ADA)
    itself = passes.by_token(secret.reveal(), "")
    assert not isinstance(itself, Refusal)
    assert itself is not None
    assert passes.all(by=eve) == []
    for who in (ada, bob, itself):
        assert passes.one("bot", by=who).id == token.id
    with pytest.raises(NotFound):
        await passes.revoke("bot", by=eve, caller=ADA)
    with pytest.raises(Forbidden, match="cannot make another"):
        await passes.create(replace(new, name="bot-2"), owner=itself, caller=ADA)
    await passes.revoke(token.id, by=itself, caller=ADA)
    refused = passes.by_token(secret.reveal(), "")
    assert refused == Refusal(why="revoked")
    with pytest.raises(Conflict, match="stays taken"):
        await passes.create(new, owner=bob, caller=ADA)


async def test_a_token_with_a_rate_waits_for_its_minute(here: tuple[Town, ManualClock]) -> None:
    found, clock = here
    passes = found.people.passes
    new = NewToken(name="bot", environment=PAPER, scopes=frozenset({Scope.READ}), per_minute=2)
    _, secret = await passes.create(new, owner=OPERATOR_ID, caller=OPERATOR)
    bot = passes.by_token(secret.reveal(), "")
    assert not isinstance(bot, Refusal)
    assert bot is not None
    assert [passes.wait_s(bot), passes.wait_s(bot), passes.wait_s(bot)] == [0, 0, 60]
    await clock.advance(60)
    assert passes.wait_s(bot) == 0


@pytest.mark.parametrize(
    "changed",
    [
        {"expires_at": NOON},
        {"addresses": ("example.com",)},
        {"scopes": frozenset()},
        {"name": "operator"},
    ],
)
async def test_a_token_that_could_never_be_used_is_not_made(here: tuple[Town, ManualClock], changed: dict) -> None:
    new = NewToken(name="bot", environment=PAPER, scopes=frozenset({Scope.READ}), expires_at=NOON + timedelta(days=1))
    with pytest.raises(InvalidRequest):
        await here[0].people.passes.create(replace(new, **changed), owner=OPERATOR_ID, caller=OPERATOR)
