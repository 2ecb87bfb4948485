"""The wiring: environments kept apart, live only with its own limits, secrets in no record (I13, I17, I21)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from floorbroker.app.compose import Seat, Surroundings, compose
from floorbroker.app.config import Config, ProfileSection
from floorbroker.app.home import Home
from floorbroker.app.permits import FilePermits
from floorbroker.app.redactor import SecretFilter
from floorbroker.brokers.wiring import Shells
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ConfigInvalid, Conflict, ConnectionFailed, JournalFault
from floorbroker.domain.orders import OrderRef
from floorbroker.domain.ports import NoLog, NoMeter, Profile, Record
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import ClOrdId, Environment, IntentId, OrderId, ProfileName
from floorbroker.gateway.desk import Caller
from floorbroker.gateway.gateway import Gateway
from floorbroker.risk.limits import REQUIRED_IN_LIVE, limits_of
from floorbroker.store.sqlite import SqliteJournal
from floorbroker.transport import AioHttp, OrderHttpClient, WsConnect
from floorbroker.transport.types import Request, Response
from tests.support.house import NOON

LIMITS: dict[str, object] = dict.fromkeys(REQUIRED_IN_LIVE, 5)
KEY = "canary-key-5f2b"


def _profile(environment: Environment, **options: str) -> Profile:
    return Profile(name=ProfileName("a"), broker="ALPACA", environment=environment, options=options)


def _seat(profile: Profile, **plain: str) -> Seat:
    secrets = {"BROKER_API_KEY": Secret(KEY), "BROKER_SECRET_KEY": Secret("canary-secret-91c3")}
    return Seat(profile=profile, limits=limits_of(LIMITS, profile.environment), plain=plain, secrets=secrets)


def _around(root: Path, redactor: SecretFilter, *, live_enabled: bool = False) -> Surroundings:
    return Surroundings(
        clock=ManualClock(NOON),
        random=Random(1),
        log=NoLog(),
        meter=NoMeter(),
        redactor=redactor,
        shells=Shells(http=AioHttp, order_http=lambda check: OrderHttpClient(check=check), connect=WsConnect()),
        permits=FilePermits(Home.at(root)),
        on_fatal=_never,
        on_record=_nothing,
        instance_tag=1,
        live_enabled=live_enabled,
    )


def _never(fault: JournalFault) -> None:
    raise AssertionError(fault)


def _nothing(record: Record) -> None:
    del record


def _compose(root: Path, seat: Seat, *, live_enabled: bool = False, redactor: SecretFilter | None = None) -> Gateway:
    environment = seat.profile.environment
    journal = SqliteJournal.open(root / f"{environment.value}.db", clock=ManualClock(NOON), environment=environment)
    around = _around(root, redactor or SecretFilter(), live_enabled=live_enabled)
    return compose(journal=journal, seats=[seat], around=around)


@pytest.mark.parametrize("missing", REQUIRED_IN_LIVE)
def test_live_without_each_of_its_limits_does_not_start_i13(missing: str) -> None:
    limits = {name: value for name, value in LIMITS.items() if name != missing}
    section = ProfileSection(broker="ALPACA", environment="live", limits=limits)
    with pytest.raises(ConfigInvalid, match=missing):
        Config(profiles={"a": section}).limits(_profile(Environment.LIVE))


@pytest.mark.parametrize(
    "limits",
    [
        {"max_order_qty": 0},
        {"max_order_qty": "NaN"},
        {"max_order_qty": 1.5},
        {"max_ordr_qty": 5},
        {"collar_bps": "1e999"},
    ],
)
def test_limits_that_cannot_be_read_or_are_out_of_range_are_refused_i13(limits: dict[str, object]) -> None:
    with pytest.raises(ConfigInvalid):
        limits_of({**LIMITS, **limits}, Environment.LIVE)


def test_a_money_limit_in_floats_is_refused_i25() -> None:
    with pytest.raises(ConfigInvalid):
        limits_of({"max_order_notional": 100.1}, Environment.PAPER)
    assert limits_of({"max_order_notional": "100.1"}, Environment.PAPER).max_order_notional == Decimal("100.1")


@pytest.mark.asyncio
async def test_live_is_off_until_it_is_enabled_i17(tmp_path: Path) -> None:
    for enabled, told in ((False, "not enabled"), (True, "not armed")):
        gateway = _compose(tmp_path, _seat(_profile(Environment.LIVE)), live_enabled=enabled)
        (session,) = gateway.sessions.values()
        assert told in session.ctx.switches.not_armed()
        await gateway.journal.close()


@pytest.mark.asyncio
async def test_what_was_armed_counts_after_a_restart_until_it_runs_out_i17(tmp_path: Path) -> None:
    gateway = _compose(tmp_path, _seat(_profile(Environment.LIVE)), live_enabled=True)
    FilePermits(Home.at(tmp_path)).grant(ProfileName("a"))
    caller = Caller(principal="tester", via="test")
    await gateway.arm(ProfileName("a"), for_s=600, confirm="a", caller=caller, reason="the test")
    await gateway.journal.close()
    again = _compose(tmp_path, _seat(_profile(Environment.LIVE)), live_enabled=True)
    (session,) = again.sessions.values()
    assert session.ctx.switches.not_armed() == ""
    await session.ctx.clock.advance(600)  # type: ignore[attr-defined] - a clock of ours
    assert "ran out" in session.ctx.switches.not_armed()
    await again.journal.close()


@pytest.mark.asyncio
async def test_the_journal_of_one_environment_opens_in_no_other_i17(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    journal = SqliteJournal.open(tmp_path / "j.db", clock=clock, environment=Environment.PAPER)
    await journal.close()
    with pytest.raises(Conflict):
        SqliteJournal.open(tmp_path / "j.db", clock=clock, environment=Environment.LIVE)


def test_a_profile_named_for_one_environment_reaches_no_host_of_another_i17(tmp_path: Path) -> None:
    seat = _seat(_profile(Environment.PAPER), BROKER_URL="https://api.alpaca.markets")
    with pytest.raises(ConfigInvalid):
        _compose(tmp_path, seat)


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf"])
def test_an_arrival_bound_is_a_number_of_seconds_and_only_for_simulators_i3(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigInvalid):
        _compose(tmp_path, _seat(_profile(Environment.SIM, arrival_bound_s=text), BROKER_URL="http://127.0.0.1:1"))
    (tmp_path / "paper").mkdir()
    with pytest.raises(ConfigInvalid, match="only environment sim"):
        _compose(tmp_path / "paper", _seat(_profile(Environment.PAPER, arrival_bound_s="5")))


class Deaf:
    """An order client that notes each request and reaches nobody."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    async def send(self, request: Request) -> Response:
        self.asked.append(request)
        raise ConnectionFailed("nobody listens")

    async def close(self) -> None:
        """Holds nothing."""


@pytest.mark.asyncio
async def test_the_configured_send_timeout_is_the_one_a_command_leaves_with(tmp_path: Path) -> None:
    shell = Deaf()
    shells = Shells(http=AioHttp, order_http=lambda check: shell, connect=WsConnect())
    around = replace(_around(tmp_path, SecretFilter()), shells=shells, send_timeout_s=0.7)
    journal = SqliteJournal.open(tmp_path / "j.db", clock=ManualClock(NOON), environment=Environment.PAPER)
    gateway = compose(journal=journal, seats=[_seat(_profile(Environment.PAPER))], around=around)
    (session,) = gateway.sessions.values()
    ref = OrderRef(intent_id=IntentId("i"), cl_ord_id=ClOrdId("c"), symbol="AAPL", order_id=OrderId("v"))
    with pytest.raises(ConnectionFailed):
        await session.ctx.broker.cancel_order(ref)
    assert [request.timeout_s for request in shell.asked] == [0.7]
    await gateway.journal.close()


@pytest.mark.asyncio
async def test_every_secret_of_a_seat_is_known_to_the_last_filter_i21(tmp_path: Path) -> None:
    redactor = SecretFilter()
    gateway = _compose(tmp_path, _seat(_profile(Environment.PAPER)), redactor=redactor)
    assert KEY not in redactor.clean(f"url?key={KEY}")
    assert KEY not in repr(gateway.sessions)
    await gateway.journal.close()
