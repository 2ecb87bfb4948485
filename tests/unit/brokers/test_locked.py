"""A desk is put together while its vault is still locked: no adapter may look at a secret before it signs."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from floorbroker.app.redactor import SecretFilter
from floorbroker.brokers.registry import BROKERS, build
from floorbroker.brokers.wiring import Shells, Wiring
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.errors import VaultLocked
from floorbroker.domain.ports import NoLog, NoMeter, Profile
from floorbroker.domain.secret import LeasedSecret, Secret
from floorbroker.domain.values import Environment, ProfileName
from floorbroker.transport import AioHttp, OrderHttpClient
from floorbroker.transport.types import Socket, SocketTarget


def locked() -> Secret:
    raise VaultLocked("nobody unlocked it yet")


async def no_stream(target: SocketTarget) -> Socket:
    raise AssertionError("building opens nothing")


@pytest.mark.asyncio
@pytest.mark.parametrize("code", sorted(code for code, info in BROKERS.items() if info.fields))
async def test_a_broker_is_built_while_the_vault_is_locked(code: str, tmp_path: Path) -> None:
    wiring = Wiring(
        profile=Profile(name=ProfileName("locked"), broker=code, environment=Environment.SIM),
        shells=Shells(http=AioHttp, order_http=lambda check: OrderHttpClient(check=check), connect=no_stream),
        clock=SystemClock(),
        random=Random(1),
        log=NoLog(),
        meter=NoMeter(),
        redactor=SecretFilter(),
        tap=lambda _: None,
        may_send=lambda _: None,
        state=tmp_path / "locked.log",
        plain={
            "BROKER_URL": f"{'tws' if code == 'IBKR' else 'http'}://127.0.0.1:9",
            "BROKER_ACCOUNT_NUMBER": "VA00000001",
        },
        secrets={field.name: LeasedSecret(locked) for field in BROKERS[code].fields if field.secret},
    )
    broker = build(wiring)
    assert not broker.is_connected()
    await broker.disconnect()


@pytest.mark.parametrize("code", ["OANDA", "TRADIER"])
def test_an_account_number_is_found_where_the_vault_keeps_it(code: str, tmp_path: Path) -> None:
    """It is sealed with the secrets of a profile, though no form calls it one."""
    wiring = Wiring(
        profile=Profile(name=ProfileName("sealed"), broker=code, environment=Environment.SIM),
        shells=Shells(http=AioHttp, order_http=lambda check: OrderHttpClient(check=check), connect=no_stream),
        clock=SystemClock(),
        random=Random(1),
        log=NoLog(),
        meter=NoMeter(),
        redactor=SecretFilter(),
        tap=lambda _: None,
        may_send=lambda _: None,
        state=tmp_path / "sealed.log",
        plain={"BROKER_URL": "http://127.0.0.1:9"},
        secrets={"BROKER_API_KEY": Secret("token"), "BROKER_ACCOUNT_NUMBER": Secret("101-004-1234567-001")},
    )
    assert wiring.account_number == "101-004-1234567-001"
    assert not build(wiring).is_connected()


SEALED = sorted(
    code for code, info in BROKERS.items() if any(asked.name == "BROKER_ACCOUNT_NUMBER" for asked in info.fields)
)


@pytest.mark.parametrize("code", SEALED)
def test_an_account_number_that_is_locked_away_stops_no_desk_from_being_put_together(code: str, tmp_path: Path) -> None:
    wiring = Wiring(
        profile=Profile(name=ProfileName("locked"), broker=code, environment=Environment.SIM),
        shells=Shells(http=AioHttp, order_http=lambda check: OrderHttpClient(check=check), connect=no_stream),
        clock=SystemClock(),
        random=Random(1),
        log=NoLog(),
        meter=NoMeter(),
        redactor=SecretFilter(),
        tap=lambda _: None,
        may_send=lambda _: None,
        state=tmp_path / "locked.log",
        plain={"BROKER_URL": f"{'tws' if code == 'IBKR' else 'http'}://127.0.0.1:9"},
        secrets={asked.name: LeasedSecret(locked) for asked in BROKERS[code].fields if asked.name != "BROKER_URL"},
    )
    assert not build(wiring).is_connected()
