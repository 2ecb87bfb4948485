"""The connection that a profile shares, opened again and again: whose account it is, and what is told of its questions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.codec import requests
from floorbroker.brokers.ibkr.limits import LIMITS
from floorbroker.brokers.ibkr.rest.collect import Single
from floorbroker.brokers.ibkr.rest.program import Program
from floorbroker.brokers.ibkr.stream.ids import OrderIds
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.errors import ConfigInvalid, ConnectionFailed, GatewayNotRunning, Outcome, Timeout, VenueError
from floorbroker.domain.ports import NoLog
from floorbroker.transport.layers.audit import Exchange
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


class AtWork(LoggedIn):
    """A program that stays, and answers each later frame with the next of these; with none it says nothing more."""

    def __init__(self, *answers: str) -> None:
        super().__init__("DU111111")
        self._answers = list(answers)
        self._asked = asyncio.Queue[None]()
        self._said = 0

    async def __aiter__(self) -> AsyncIterator[Frame]:
        async for frame in super().__aiter__():
            yield frame
        while True:
            await self._asked.get()
            if self._answers:
                yield Frame(f"{self._answers.pop(0)}\x00".encode(), text=False)

    async def send(self, data: bytes | str) -> None:
        self._said += 1
        if self._said > 2:  # behind the greeting
            self._asked.put_nowait(None)


def _unheard(exchange: Exchange) -> None:
    del exchange


def program_at_work(socket: Socket | None, heard: list[Exchange], folder: Path) -> Program:
    async def connect(target: SocketTarget) -> Socket:
        if socket is None:
            raise ConnectionFailed(f"nobody listens at {target.url}")
        return socket

    return Program(
        connect=connect,
        target=SocketTarget(url="tws://127.0.0.1:9"),
        client_id=7,
        ids=OrderIds(folder / "ids"),
        limiter=Limiter(LIMITS, clock=SystemClock()),
        clock=SystemClock(),
        log=NoLog(),
        tap=heard.append,
    )


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
        tap=_unheard,
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


async def ask(program: Program, endpoint: str) -> None:
    question = Single(wire.CurrentTime, lambda _: True, request=5, what="the time")
    await program.ask(question, lambda _: requests.current_time(), endpoint=endpoint, within_s=0.05)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("answers", "endpoint", "raises", "told"),
    [
        (("49\x001\x001795853000",), "clock", None, (200, None, None)),
        (("4\x002\x005\x00321\x00no\x00",), "contracts.details", VenueError, (400, None, None)),
        ((), "clock", Timeout, (None, "timeout", Outcome.UNKNOWN)),
        ((), "market.snapshot", Timeout, (None, "cancelled", Outcome.UNKNOWN)),
    ],
    ids=["answered", "refused", "silent", "a question that may stay without an answer"],
)
async def test_whoever_listens_hears_of_each_question_what_came_of_it(
    answers: tuple[str, ...],
    endpoint: str,
    raises: type[Exception] | None,
    told: tuple[int | None, str | None, Outcome | None],
    tmp_path: Path,
) -> None:
    heard: list[Exchange] = []
    program = program_at_work(AtWork(*answers), heard, tmp_path)
    with pytest.raises(raises) if raises is not None else nullcontext():
        await ask(program, endpoint)
    await program.close()
    assert [(one.method, one.endpoint, one.url) for one in heard] == [
        ("GET", endpoint, f"tws://127.0.0.1:9/{endpoint}")
    ]
    assert [(one.status, one.error, one.outcome) for one in heard] == [told]


@pytest.mark.asyncio
async def test_a_program_that_does_not_run_is_a_question_that_failed(tmp_path: Path) -> None:
    heard: list[Exchange] = []
    program = program_at_work(None, heard, tmp_path)
    with pytest.raises(GatewayNotRunning):
        await ask(program, "clock")
    assert [one.error for one in heard] == ["gateway_not_running"]
