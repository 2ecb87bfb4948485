"""The last look before a command leaves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from floorbroker.domain.errors import Forbidden, KillSwitchOn, NotReady, Outcome, OwnRefusal
from floorbroker.domain.values import Environment
from floorbroker.transport.layers.gate import HostTable, IntentAge, SendGate, all_of
from floorbroker.transport.types import Lane, Request
from tests.unit.transport.fakes import Scripted, clock, command

HOSTS = {
    "api.venue.example": Environment.LIVE,
    "paper-api.venue.example": Environment.PAPER,
    "localhost:5000": Environment.LIVE,
    "127.0.0.1:5000": Environment.LIVE,
}


@pytest.mark.asyncio
async def test_what_the_check_refuses_does_not_reach_the_wire() -> None:
    inner, latch_on = Scripted(), True

    def check(request: Request) -> None:
        if latch_on:
            raise KillSwitchOn("on")

    gate = SendGate(inner, check=check)
    with pytest.raises(OwnRefusal) as caught:
        await gate.send(command())
    assert caught.value.outcome is Outcome.NOT_SENT
    assert inner.sent == []
    latch_on = False
    await gate.send(command())
    assert len(inner.sent) == 1


@pytest.mark.parametrize(
    ("environment", "origin"),
    [
        (Environment.LIVE, "https://api.venue.example"),
        (Environment.LIVE, "https://API.venue.example"),
        (Environment.LIVE, "https://localhost:5000"),
        (Environment.LIVE, "http://127.0.0.1:5000"),
        (Environment.PAPER, "https://paper-api.venue.example:443"),
        (Environment.SIM, "http://127.0.0.1:18080"),
        (Environment.SIM, "https://localhost:18080"),
        (Environment.SIM, "http://[::1]:18080"),
    ],
)
def test_each_environment_reaches_its_own_hosts(environment: Environment, origin: str) -> None:
    HostTable(environment, HOSTS)(command(origin=origin))


@pytest.mark.parametrize(
    ("environment", "origin"),
    [
        (Environment.PAPER, "https://api.venue.example"),
        (Environment.SIM, "https://api.venue.example"),
        (Environment.SIM, "https://paper-api.venue.example"),
        (Environment.SIM, "https://localhost.evil.example"),
        (Environment.LIVE, "https://paper-api.venue.example"),
        (Environment.LIVE, "http://api.venue.example"),
        (Environment.LIVE, "https://api.venue.example.evil.example"),
        (Environment.LIVE, "https://evil.example"),
        (Environment.LIVE, "https://localhost:5001"),
        (Environment.PAPER, "http://127.0.0.1:18080"),
    ],
)
def test_i17_no_environment_reaches_the_hosts_of_another(environment: Environment, origin: str) -> None:
    with pytest.raises(Forbidden) as caught:
        HostTable(environment, HOSTS)(command(origin=origin))
    assert caught.value.outcome is Outcome.NOT_SENT


@pytest.mark.asyncio
async def test_a_stale_decision_is_refused_and_a_cancel_is_never_stale() -> None:
    time = clock()
    check = IntentAge(clock=time, max_age_s=5)
    order = command(decided_at=time.monotonic())
    await time.advance(5)
    check(order)
    await time.advance(0.1)
    with pytest.raises(NotReady):
        check(order)
    check(replace(order, lane=Lane.CANCEL))
    check(replace(order, decided_at=None))


def test_checks_are_asked_in_order_until_one_refuses() -> None:
    asked: list[str] = []

    def refuse(request: Request) -> None:
        asked.append("second")
        raise KillSwitchOn("on")

    with pytest.raises(KillSwitchOn):
        all_of(lambda _: asked.append("first"), refuse, lambda _: asked.append("third"))(command())
    assert asked == ["first", "second"]
