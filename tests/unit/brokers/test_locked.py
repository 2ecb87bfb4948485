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
