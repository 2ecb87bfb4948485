"""The client's nouns of people against the real application over a socket: each verb does what it says, at the desk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from pyotp.totp import TOTP

from floorbroker.client import DeskClient, DeskError, Refused
from floorbroker.domain.clock import ManualClock
from floorbroker.people.identity import Role
from tests.support.desk_server import TOKEN, Served, desk_server
from tests.support.house import NOON
from tests.support.people import WORDS, Town, town

pytestmark = pytest.mark.asyncio
OTHER_WORDS = "lantern gravel violin dune"


@dataclass
class Here:
    """A served desk with Ada, an admin, and Bob, a trader."""

    town: Town
    served: Served
    clock: ManualClock

    @asynccontextmanager
    async def signed_in(self, name: str, password: str = WORDS, code: str | None = None) -> AsyncIterator[DeskClient]:
        async with DeskClient.open(token="", url=self.served.origin) as desk:
            await desk.auth.log_in(name, password, code=code)
            yield desk


@pytest_asyncio.fixture
async def here(tmp_path: Path) -> AsyncIterator[Here]:
    clock = ManualClock(NOON)
    async with town(tmp_path, clock) as found:
        await found.add("ada")
        await found.add("bob", Role.TRADER)
        async with desk_server(people=found.people) as served:
            yield Here(found, served, clock)


def status(refused: pytest.ExceptionInfo[DeskError]) -> int:
    return refused.value.problem.status


async def test_an_admin_takes_somebody_in_changes_them_and_lets_them_go(here: Here) -> None:
    async with here.signed_in("ada") as desk:
        made = await desk.users.add("grace", OTHER_WORDS, role="trader", environments=["paper"])
        assert (made.name, made.role, made.environments, made.scopes) == (
            "grace",
            "trader",
            ("paper",),
            ("read", "trade"),
        )
        assert [user.name for user in await desk.users.all()] == ["ada", "bob", "grace"]
        async with here.signed_in("grace", OTHER_WORDS) as grace:
            assert (await grace.users.one("grace")).sessions == 1
            changed = await desk.users.edit("grace", role="risk", environments=["sim", "paper"])
            assert (changed.role, changed.environments, changed.sessions) == ("risk", ("sim", "paper"), 0)
            with pytest.raises(Refused) as signed_out:
                await grace.auth.who()
            assert status(signed_out) == 401
        assert (await desk.users.edit("grace", disabled=True)).disabled
        with pytest.raises(Refused) as disabled:
            async with here.signed_in("grace", OTHER_WORDS):
                pass
        assert status(disabled) == 401
        await desk.users.remove("grace")
        with pytest.raises(Refused) as gone:
            await desk.users.one("grace")
        assert status(gone) == 404


async def test_a_password_of_one_s_own_ends_all_other_sessions(here: Here) -> None:
    async with here.signed_in("bob") as first, here.signed_in("bob") as second:
        assert [session.current for session in await first.auth.sessions()].count(True) == 1
        assert (await first.users.set_password("bob", OTHER_WORDS)).sessions == 1
        assert (await first.auth.who()).principal == "bob"
        with pytest.raises(Refused):
            await second.auth.who()
    async with here.signed_in("bob", OTHER_WORDS):
        pass


async def test_a_second_factor_is_set_up_asked_for_and_dropped(here: Here) -> None:
    async with here.signed_in("bob") as desk:
        begun = await desk.users.begin_second_factor("bob")
        device = TOTP(begun.secret)
        assert begun.uri.startswith("otpauth://totp/Floorbroker:bob?secret=")
        with pytest.raises(Refused) as wrong:
            await desk.users.confirm_second_factor("bob", "000000")
        assert wrong.value.problem.errors[0].pointer == "/code"
        codes = (await desk.users.confirm_second_factor("bob", device.at(here.clock.now()))).recovery_codes
        assert len(codes) == 10
        await here.clock.advance(30)
        with pytest.raises(Refused):
            async with here.signed_in("bob"):
                pass
        async with here.signed_in("bob", code=device.at(here.clock.now())) as again:
            assert (await again.auth.who()).second_factor is True
            await here.clock.advance(301)
            assert (await again.auth.who()).proof_s == 0
            with pytest.raises(Refused) as stale:
                await again.users.drop_second_factor("bob")
            assert (status(stale), stale.value.problem.recovery) == (403, "reauthenticate")
            assert (await again.auth.prove(code=codes[0])).proof_s == 300
            await again.users.drop_second_factor("bob")
            assert (await again.users.one("bob")).second_factor is False


async def test_sessions_are_ended_one_by_one_and_all_but_one(here: Here) -> None:
    async with here.signed_in("bob") as first, here.signed_in("bob") as second, here.signed_in("bob") as third:
        other = next(session for session in await second.auth.sessions() if session.current)
        await first.auth.revoke(other.id)
        with pytest.raises(Refused):
            await second.auth.who()
        await first.auth.revoke_others()
        with pytest.raises(Refused):
            await third.auth.who()
        assert [session.current for session in await first.auth.sessions()] == [True]
        with pytest.raises(Refused) as missing:
            await first.auth.revoke(other.id)
        assert status(missing) == 404


async def test_a_token_is_made_seen_used_within_its_scopes_and_ended(here: Here) -> None:
    async with here.signed_in("bob") as desk:
        made = await desk.tokens.create("bot", environment="paper", scopes=["read"], addresses=["127.0.0.0/8"])
        assert [token.name for token in await desk.tokens.all()] == ["bot"]
        assert (await desk.tokens.one(made.token.id)).addresses == ("127.0.0.0/8",)
        async with DeskClient.open(token=made.secret, url=here.served.origin) as bot:
            who = await bot.auth.who()
            assert (who.principal, who.kind, who.scopes, who.environments) == ("bot", "token", ("read",), ("paper",))
            assert await bot.orders() == []
            with pytest.raises(Refused) as beyond:
                await bot.kill(1, reason="drill")
            assert status(beyond) == 403
            await desk.tokens.revoke("bot")
            with pytest.raises(Refused) as over:
                await bot.auth.who()
            assert status(over) == 401
        with pytest.raises(Refused) as more:
            await desk.tokens.create("admin-bot", environment="paper", scopes=["admin"])
        assert status(more) == 403


async def test_the_operator_has_no_session_and_guesses_are_slowed_down(here: Here) -> None:
    async with DeskClient.open(token=TOKEN, url=here.served.origin) as desk:
        assert (await desk.auth.who()).kind == "operator"
        with pytest.raises(Refused) as none:
            await desk.auth.sessions()
        assert status(none) == 403
    async with DeskClient.open(token="", url=here.served.origin) as stranger:
        for _ in range(5):
            with pytest.raises(Refused):
                await stranger.auth.log_in("ada", "a wrong one, five times")
        with pytest.raises(Refused) as braked:
            await stranger.auth.log_in("ada", WORDS)
        assert (status(braked), "wait" in braked.value.problem.detail) == (429, True)
