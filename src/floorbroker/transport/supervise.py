"""Keeps a stream up: connect, run, and after a loss come back with full jitter (RELIABILITY 11: 0.5 to 60 s)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from random import Random
from typing import Generic, NoReturn, TypeVar

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import (
    ApiError,
    CircuitBreakerError,
    ConnectionFailed,
    FloorbrokerError,
    RateLimitExceeded,
    StreamLost,
    Timeout,
    VaultLocked,
)
from floorbroker.transport.actions import Action, Session
from floorbroker.transport.backoff import Backoff
from floorbroker.transport.pump import Emitter, Pump
from floorbroker.transport.types import Connect, SocketTarget

E = TypeVar("E")
S = TypeVar("S")

# What time may mend.  Anything else (wrong credentials, a bug) ends the supervision and is its owner's to handle.
PASSING = (ApiError, CircuitBreakerError, ConnectionFailed, RateLimitExceeded, StreamLost, Timeout, VaultLocked)


class Supervisor(Generic[E]):
    """One stream, kept open until cancelled.

    `target` is asked before each attempt, so that it may fetch a fresh token.  `on_up` is called when the session's
    first words are sent, `on_down` once for every loss and every failed attempt.  A connection that lived for
    `stable_s` ends the back-off; one that breaks sooner counts as one more failure, so a venue that accepts and hangs
    up is not hammered.
    """

    def __init__(
        self,
        session: Session[E],
        *,
        connect: Connect,
        target: Callable[[], Awaitable[SocketTarget]],
        emit: Emitter[E],
        clock: Clock,
        random: Random,
        on_up: Callable[[], None] = lambda: None,
        on_down: Callable[[FloorbrokerError], None] = lambda _: None,
        backoff: Backoff | None = None,
        tick_s: float = 1.0,
        stable_s: float = 10.0,
    ) -> None:
        self._connect = connect
        self._target = target
        self._clock = clock
        self._random = random
        self._on_up = on_up
        self._on_down = on_down
        self._backoff = Backoff() if backoff is None else backoff
        self._stable_s = stable_s
        self._pump = Pump(session, clock=clock, emit=emit, tick_s=tick_s)
        self._up_since: float | None = None

    @property
    def is_up(self) -> bool:
        """The socket is open and the session has said its first words."""
        return self._up_since is not None

    @property
    def silence_s(self) -> float | None:
        """How long nothing at all was heard on the open connection; None without one."""
        heard_s = self._pump.heard_s
        return None if heard_s is None else self._clock.monotonic() - heard_s

    async def run(self) -> NoReturn:
        """Never returns; ends by cancellation, or by an error that waiting does not mend."""
        failures = 0
        while True:
            lived_s, loss = await self._once()
            failures = 0 if lived_s >= self._stable_s else failures
            self._on_down(loss)
            await self._clock.sleep(max(self._backoff.delay_s(failures, self._random), loss.hint.retry_after_s or 0.0))
            failures += 1

    async def tell(self, decide: Callable[[datetime], Sequence[Action[E]]]) -> None:
        """Have the session decide something now (`session.subscribe`) and perform it, whether or not the stream is up.

        When performing it loses the stream, the next connection is opened, and `on_open` asks for everything again.
        """
        try:
            await self._pump.tell(lambda: decide(self._clock.now()))
        except StreamLost as loss:
            self._pump.lose(loss)

    async def _once(self) -> tuple[float, FloorbrokerError]:
        """One connection's life: how long it was up, and what ended it."""
        try:
            socket = await self._connect(await self._target())
            try:
                await self._pump.run(socket, opened=self._opened)
            finally:
                await socket.close()
        except PASSING as loss:
            return self._lived_s(), loss
        finally:
            self._up_since = None
        return 0.0, StreamLost("the stream ended")

    def _opened(self) -> None:
        self._up_since = self._clock.monotonic()
        self._on_up()

    def _lived_s(self) -> float:
        return 0.0 if self._up_since is None else self._clock.monotonic() - self._up_since
