"""A profile's name is bound to its broker and environment by the journal of its first start (I17)."""

from __future__ import annotations

from pathlib import Path

import pytest

from floorbroker.app.binding import BOUND, assert_bound, bind
from floorbroker.app.floor import Outside, open_floor
from floorbroker.app.home import Home
from floorbroker.app.meters import AccountLog, AccountMeter
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ConfigInvalid, JournalFault
from floorbroker.domain.ports import NoLog, Profile
from floorbroker.domain.values import Environment, ProfileName
from floorbroker.store.sqlite import SqliteJournal
from tests.support.house import NOON, FaultyJournal, Notes

pytestmark = pytest.mark.asyncio


def _profile(name: str, broker: str, environment: Environment) -> Profile:
    return Profile(name=ProfileName(name), broker=broker, environment=environment)


MINE = _profile("mine", "ALPACA", Environment.PAPER)


def _journal(home: Home, environment: Environment = Environment.PAPER) -> SqliteJournal:
    return SqliteJournal.open(home.journal(environment), clock=ManualClock(NOON), environment=environment)


async def _once(home: Home, profile: Profile) -> None:
    journal = _journal(home, profile.environment)
    await bind(journal, [profile], NoLog())
    await journal.close()


@pytest.mark.parametrize(
    "now",
    [_profile("mine", "ALPACA", Environment.LIVE), _profile("mine", "PAPER", Environment.PAPER)],
    ids=["another environment", "another broker"],
)
async def test_a_name_that_moved_is_refused_and_told_what_it_was_i17(tmp_path: Path, now: Profile) -> None:
    home = Home.at(tmp_path)
    await _once(home, MINE)
    with pytest.raises(ConfigInvalid, match=r"profile mine: .* belongs to ALPACA paper.*name of its own"):
        assert_bound(home, [now], NoLog())


async def test_the_same_profile_and_a_fresh_name_pass_and_are_noted_once(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    await _once(home, MINE)
    await _once(home, MINE)
    assert_bound(home, [MINE, _profile("other", "ALPACA", Environment.LIVE)], NoLog())
    journal = _journal(home)
    assert len(journal.notes(BOUND)) == 1
    await journal.close()


async def test_a_journal_that_cannot_be_read_is_told_and_holds_up_no_other_environment(tmp_path: Path) -> None:
    home, log = Home.at(tmp_path), Notes()
    home.journal(Environment.LIVE).write_bytes(
        b"no database at all, and long enough to be taken for a damaged one" * 20
    )
    assert_bound(home, [MINE], log)
    assert log.events == ["profiles.not_compared"]


async def test_a_full_disk_leaves_the_binding_to_the_next_start_i15(tmp_path: Path) -> None:
    log, honest = Notes(), _journal(Home.at(tmp_path))
    await bind(FaultyJournal(honest, fault_when=lambda entries: True, fault=JournalFault("full")), [MINE], log)
    assert (log.events, honest.notes(BOUND)) == (["profiles.not_bound"], [])
    await honest.close()


async def test_a_floor_refuses_a_profile_whose_environment_was_changed_before_it_opens_anything_i17(
    tmp_path: Path,
) -> None:
    home = Home.at(tmp_path)
    home.config.write_text('[profiles.mine]\nbroker = "PAPER"\nenvironment = "paper"\n')
    async with open_floor(home, outside=Outside(), environ={}) as floor:
        assert list(floor.desks) == [Environment.PAPER]
    home.config.write_text('[profiles.mine]\nbroker = "ALPACA"\nenvironment = "sim"\n')
    with pytest.raises(ConfigInvalid, match="this name belongs to PAPER paper"):
        async with open_floor(home, outside=Outside(), environ={}):
            raise AssertionError("it opened")
    assert not home.journal(Environment.SIM).exists()


async def test_two_environments_in_one_home_have_tags_that_differ_i17(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    home.config.write_text(
        '[profiles.one]\nbroker = "PAPER"\nenvironment = "paper"\n'
        '[profiles.two]\nbroker = "ALPACA"\nenvironment = "sim"\n'
    )
    given = {
        "BROKER_CODE": "ALPACA",
        "BROKER_URL": "http://127.0.0.1:9",
        "BROKER_API_KEY": "PKTEST",
        "BROKER_SECRET_KEY": "none",
    }
    async with open_floor(home, outside=Outside(), environ=given) as floor:
        tags = {e: desk.sessions[name].ctx.ids.tag for e, desk in floor.desks.items() for name in desk.sessions}
    assert {environment: tag & 3 for environment, tag in tags.items()} == {Environment.SIM: 1, Environment.PAPER: 2}


class _Heard:
    def __init__(self) -> None:
        self.told: list[tuple[str, float, dict[str, str]]] = []

    def count(self, name: str, value: float = 1.0, **labels: str) -> None:
        self.told.append((name, value, labels))

    gauge = observe = count


async def test_every_figure_of_an_account_says_whose_it_is_and_in_which_environment_i17() -> None:
    heard = _Heard()
    meter = AccountMeter.of(MINE, heard)
    meter.count("orders", outcome="filled", profile="mine")
    meter.gauge("rate_budget_used", 0.5, budget="trading")
    meter.observe("submit_seconds", 0.1)
    assert all((labels["profile"], labels["environment"]) == ("mine", "paper") for _, _, labels in heard.told)
    assert [(name, value) for name, value, _ in heard.told] == [
        ("orders", 1.0),
        ("rate_budget_used", 0.5),
        ("submit_seconds", 0.1),
    ]


async def test_every_line_of_an_account_says_whose_it_is() -> None:
    told: list[tuple[str, dict[str, object]]] = []

    class Lines(NoLog):
        def warning(self, event: str, **members: object) -> None:
            told.append((event, members))

    AccountLog(Lines(), "mine").warning("breaker.open", endpoints="orders")
    AccountLog(Lines(), "mine").warning("session.resting", profile="theirs")
    assert told == [
        ("breaker.open", {"profile": "mine", "endpoints": "orders"}),
        ("session.resting", {"profile": "theirs"}),
    ]
