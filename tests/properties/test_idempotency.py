"""Idempotency keys, as a machine: one key and one body are one order, whoever asks, goes away or dies in between (I20).

It bites: without the wait for a first use, and without the comparison of bodies, it fails within thirty runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from floorbroker.domain.errors import FloorbrokerError, InvalidRequest
from floorbroker.domain.orders import NewOrder, OrderState
from floorbroker.domain.values import IntentId
from floorbroker.gateway.desk import Submitted
from tests.properties.living import AMPLE, LivingDesk
from tests.support.fake_broker import buy
from tests.support.house import CALLER, PROFILE

KEYS = ("k1", "k2", "k3")
BODIES = ("a", "b")
WISHES: dict[str, NewOrder] = {"a": buy("1"), "b": buy("2")}
SCRIPTS = ("accept", "accept", "refuse", "drop", "lose", "accept_then_fill")
keys, bodies = st.sampled_from(KEYS), st.sampled_from(BODIES)
turns = st.sampled_from([0, 1, 1, 2, 2, 3, 3, 4, 5, 6, 8, 12, 20, 40])  # most of it happens in the first few


class Idempotency(LivingDesk):
    """`used` is the model: which body and which order a key stands for."""

    limits = AMPLE.model_copy(update={"deny_symbols": frozenset({"DENIED"})})

    def __init__(self) -> None:
        super().__init__()
        self.used: dict[str, tuple[str, IntentId]] = {}

    async def asked(self, key: str, body: str, *, symbol: str = "AAPL") -> Submitted | FloorbrokerError:
        wish = WISHES[body] if symbol == "AAPL" else buy(symbol=symbol)
        try:
            return await self.desk.gateway.submit(wish, profile=None, caller=CALLER, key=key, body_hash=body)
        except FloorbrokerError as error:
            return error

    def judged(self, key: str, body: str, outcome: Submitted | FloorbrokerError) -> None:
        """An answer against the model, which learns from a first use."""
        known = self.used.get(key)
        if known is None:
            assert isinstance(outcome, Submitted), outcome
            assert not outcome.replayed
            self.used[key] = (body, outcome.order.intent_id)
        elif known[0] == body:
            assert isinstance(outcome, Submitted), outcome
            assert (outcome.replayed, outcome.order.intent_id) == (True, known[1])
        else:
            assert isinstance(outcome, InvalidRequest), outcome

    # -- rules --------------------------------------------------------------------------------------------------------

    @rule(key=keys, body=bodies, script=st.sampled_from(SCRIPTS))
    def use(self, key: str, body: str, script: str) -> None:
        self.broker.next_submit.append(script)
        self.judged(key, body, self.do(self.asked(key, body)))
        self.broker.next_submit.clear()

    @rule(key=keys, body=bodies)
    def be_refused_by_us(self, key: str, body: str) -> None:
        """A refusal of ours stores nothing: the key stays free."""
        outcome = self.do(self.asked(key, body, symbol="DENIED"))
        if key not in self.used:
            assert isinstance(outcome, FloorbrokerError)

    @rule(key=keys, asked=st.lists(bodies, min_size=2, max_size=5), script=st.sampled_from(SCRIPTS))
    def use_together(self, key: str, asked: list[str], script: str) -> None:
        """All at once, while the venue takes its time: nobody has an answer before the first one has."""
        self.broker.next_submit.append(script)
        outcomes = self.do(self._together(key, asked))
        winners = [i for i, outcome in enumerate(outcomes) if isinstance(outcome, Submitted) and not outcome.replayed]
        assert len(winners) == (0 if key in self.used else 1)
        for index in (*winners, *(i for i in range(len(asked)) if i not in winners)):
            self.judged(key, asked[index], outcomes[index])
        self.broker.next_submit.clear()

    async def _together(self, key: str, asked: Sequence[str]) -> list[Submitted | FloorbrokerError]:
        gate = self.broker.gates["submit"] = asyncio.Event()
        tasks = [asyncio.create_task(self.asked(key, body)) for body in asked]
        await self.desk.wait()
        assert key in self.used or not any(task.done() for task in tasks), "somebody did not wait for the first use"
        gate.set()
        del self.broker.gates["submit"]
        return list(await asyncio.gather(*tasks))

    @rule(key=keys, body=bodies, after=turns, script=st.sampled_from(SCRIPTS))
    def go_away(self, key: str, body: str, after: int, script: str) -> None:
        """The caller gives up after some turns of the loop; the act goes on, or never began."""
        self.broker.next_submit.append(script)

        async def impatient() -> None:
            await self.desk.wait(4)  # the price is old now, so the decision has to wait for another
            task = asyncio.create_task(self.asked(key, body))
            for _ in range(after):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self.desk.wait()

        self.do(impatient())
        self.broker.next_submit.clear()
        self.learn(key, body)
        if key in self.used:
            order = self.desk.gateway.order(self.used[key][1])
            assert order.state not in (OrderState.PREPARED, OrderState.SENDING), "the act ended with its caller"

    @rule(key=keys, body=bodies, after=turns, script=st.sampled_from(SCRIPTS))
    def die(self, key: str, body: str, after: int, script: str) -> None:
        """The process ends after some turns of the loop."""
        self.broker.next_submit.append(script)

        async def cut_short() -> None:
            task = asyncio.create_task(self.asked(key, body))
            for _ in range(after):
                await asyncio.sleep(0)
            task.cancel()

        self.do(cut_short())
        self.crash()
        self.broker.next_submit.clear()
        self.learn(key, body)

    @rule()
    def stop_and_start(self) -> None:
        self.restart()

    @rule(seconds=st.sampled_from([1.0, 30.0]))
    def time_passes(self, seconds: float) -> None:
        self.do(self.desk.wait(seconds))

    def learn(self, key: str, body: str) -> None:
        """Whether an act without an answer came far enough: then its key stands in the journal, and its order in the book."""
        stored = self.desk.journal.find_key(principal=CALLER.principal, profile=PROFILE, key=key)
        if stored is not None and key not in self.used:
            assert stored.body_hash == body
            self.used[key] = (body, stored.intent_id)

    # -- what holds ---------------------------------------------------------------------------------------------------

    @invariant()
    def one_key_is_one_order(self) -> None:
        orders = [order.intent_id for order in self.desk.gateway.orders()]
        assert sorted(orders) == sorted(intent_id for _, intent_id in self.used.values())

    @invariant()
    def one_order_is_one_request(self) -> None:
        sent = [cl_ord_id for kind, cl_ord_id in self.broker.requests if kind == "submit"]
        assert len(sent) == len(set(sent))
        assert len(sent) <= len(self.used)


TestIdempotency = Idempotency.TestCase
TestIdempotency.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)
