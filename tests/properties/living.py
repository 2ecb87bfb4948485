"""A desk that lives through a whole machine: one event loop, one folder, restarts in between."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from hypothesis.stateful import RuleBasedStateMachine

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import FloorbrokerError
from floorbroker.oms.book import OrderBook
from floorbroker.risk.limits import RiskLimits
from tests.support.fake_broker import FakeBroker
from tests.support.house import NOON, PROFILE, Desk, make, stopped

T = TypeVar("T")
AMPLE = RiskLimits(
    max_messages_s=None, max_messages_min=None, max_open_orders=None, max_open_orders_symbol=None, self_match="off",
    max_orders_day=None, max_notional_day=None,
)  # fmt: skip


class LivingDesk(RuleBasedStateMachine):
    """Rules are plain functions; `do` runs what they await on the machine's own loop."""

    limits = AMPLE
    venue: type[FakeBroker] = FakeBroker

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory(prefix="floorbroker-property-")
        self._runner = asyncio.Runner()
        self.desk: Desk = self.do(self._begin(None))

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        # Not `Runner.run`: it asks for the handler of SIGINT, and the standard library prints the whole task to answer.
        return self._runner.get_loop().run_until_complete(work)

    def tried(self, work: Coroutine[Any, Any, T]) -> T | FloorbrokerError:
        """What came of an act that may be refused."""
        try:
            return self.do(work)
        except FloorbrokerError as error:
            return error

    async def _begin(self, before: Desk | None) -> Desk:
        clock = ManualClock(NOON) if before is None else before.clock
        broker = self.venue(clock) if before is None else before.broker
        desk = make(Path(self._folder.name), broker=broker, clock=clock, limits=self.limits)
        await desk.gateway.start()
        await desk.until(lambda: desk.session.state.value == "ready" or not desk.broker.stream_up)
        return desk

    @property
    def broker(self) -> FakeBroker:
        return self.desk.broker

    def crash(self) -> None:
        """Killed, and started again on the same journal and the same venue."""

        async def again() -> Desk:
            await self.desk.crash()
            return await self._begin(self.desk)

        self.desk = self.do(again())

    def restart(self) -> None:
        """Stopped in order, and started again."""

        async def again() -> Desk:
            await stopped(self.desk)
            return await self._begin(self.desk)

        self.desk = self.do(again())

    def settle(self, holds: Callable[[], bool]) -> None:
        """Calm: the venue answers everything and hides nothing, until something holds."""
        broker = self.broker
        for script in (broker.next_submit, broker.next_cancel, broker.next_modify):
            script.clear()
        broker.failing.clear()
        broker.hidden.clear()
        broker.muted = False
        if not broker.stream_up:
            broker.stream(True)
        self.do(self.desk.until(holds, longest_s=600))

    def replayed(self) -> OrderBook:
        """The book that a start would make of the journal as it stands."""
        book = OrderBook(profile=PROFILE, identity=self.broker.identity)
        book.restore(self.desk.journal.replay())
        return book

    def teardown(self) -> None:
        """Whatever the last look finds, the loop and the folder go."""
        try:
            self.at_the_end()
            self.do(stopped(self.desk))
        finally:
            self.desk.journal.honest.abandon()
            self._runner.close()
            self._folder.cleanup()

    def at_the_end(self) -> None:
        """What must hold when all is over."""
