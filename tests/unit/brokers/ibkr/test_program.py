"""The connection that a profile shares, opened again and again: whose account it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from floorbroker.brokers.ibkr.limits import LIMITS
from floorbroker.brokers.ibkr.rest.program import Program
from floorbroker.brokers.ibkr.stream.ids import OrderIds
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.ports import NoLog
from floorbroker.transport.limiter import Limiter
from floorbroker.transport.types import Frame, Socket, SocketTarget


class LoggedIn:
    """A program logged in to some accounts, as far as its greeting."""

    def __init__(self, accounts: str) -> None:
        self._accounts = accounts

    async def __aiter__(self) -> AsyncIterator[Frame]:
        for told in ("176\x0020260302 10:00:00 EST", f"15\x001\x00{self._accounts}", "9\x001\x00100"):
            yield Frame(f"{told}\x00".encode(), text=False)

    async def send(self, data: bytes | str) -> None:
        del data

    async def close(self) -> None:
        return


def program_of(*logins: str, folder: Path, named: str = "") -> Program:
    """Each connection finds the program logged in to the next of these; it ends once it has greeted."""
    waiting = iter(logins)

    async def connect(target: SocketTarget) -> Socket:
        del target
        return LoggedIn(next(waiting))

    return Program(
        connect=connect,
        target=SocketTarget(url="tws://127.0.0.1:9"),
        client_id=7,
        ids=OrderIds(folder / "ids"),
        limiter=Limiter(LIMITS, clock=SystemClock()),
        clock=SystemClock(),
        log=NoLog(),
        account=lambda: named,
    )


@pytest.mark.asyncio
async def test_a_program_that_somebody_logged_in_to_another_account_is_not_traded_with(tmp_path: Path) -> None:
    """Nobody named an account, and there is one each time: an order of the first would go to the second."""
    program = program_of("DU111111", "DU222222", "DU111111", folder=tmp_path)
    await (await program.ready()).close("the program is started anew")
    with pytest.raises(ConfigInvalid, match="the desk began with"):
        await program.ready()
    assert program.account == "DU111111"
    await (await program.ready()).close("the test is over")


@pytest.mark.asyncio
async def test_a_log_in_that_lacks_the_named_account_is_refused(tmp_path: Path) -> None:
    program = program_of("DU111111", "DU222222,DU333333", folder=tmp_path, named="DU222222")
    with pytest.raises(ConfigInvalid, match="other accounts"):
        await program.ready()
    await (await program.ready()).close("the test is over")
    assert program.account == "DU222222"
