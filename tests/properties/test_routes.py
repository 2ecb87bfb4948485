"""Routed orders against venues that answer anything: one key, at most one intent that may be alive (I16, I20, RELIABILITY 7).

It bites: when orders in doubt may move, or a link is not followed after a restart, it fails within a few runs.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from floorbroker.domain.errors import InsufficientFunds, MarketClosed, NotReady, Outcome, Timeout
from floorbroker.domain.orders import Order, OrderState
from floorbroker.domain.values import ProfileName
from floorbroker.gateway.routing.policy import Moving, Strategy
from tests.support.fake_broker import OPEN, buy
from tests.support.fleet import NAMES, Fleet, make, opened, ruled

ANSWERS = (
    "accept", "accept_then_fill", "refuse", "not_sent", "drop", "lose", "empty", "funds",
    "closed", "late", "silence",
)  # fmt: skip
ERRORS = {
    "funds": InsufficientFunds("not enough", outcome=Outcome.REFUSED),
    "closed": MarketClosed("closed"),
    "late": Timeout("no token in time", outcome=Outcome.NOT_SENT),
    "silence": Timeout("no answer", outcome=Outcome.UNKNOWN),
}
ALIVE = frozenset({OrderState.PREPARED, OrderState.SENDING, OrderState.UNKNOWN, OrderState.PRESUMED_NOT_PLACED})
scripts = st.lists(st.sampled_from(ANSWERS), min_size=3, max_size=6)


def may_live(order: Order) -> bool:
    """Whether an intent has, had, or may yet have an order at its venue."""
    return order.is_open or order.state in ALIVE or bool(order.cum_qty) or order.state is OrderState.CANCELLED


def assert_one(fleet: Fleet) -> None:
    """At most one intent of the key may live; at the venues themselves at most one order works or is filled."""
    alive = [order for order in fleet.gateway.orders() if may_live(order)]
    assert len(alive) <= 1, alive
    assert len(fleet.working()) <= 1, fleet.working()


async def course(folder: Path, answers: Sequence[str], waits: Sequence[float], dies_after: int) -> None:
    """One key used again and again while venues answer as they please; the desk dies once on the way."""
    policy = ruled(Strategy.FAILOVER, moving=Moving(enabled=True, max_moves=2, max_age_s=300.0))
    fleet = make(folder, policy)
    script(fleet, answers)
    await fleet.gateway.start()
    await fleet.until(fleet.ready)
    first = asyncio.ensure_future(fleet.submitted(buy(), key="k", body_hash="one"))
    for _ in range(dies_after):
        await asyncio.sleep(0)
    await fleet.clock.advance(waits[0])
    assert_one(fleet)
    await fleet.crash()
    await asyncio.gather(first, return_exceptions=True)
    async with opened(folder, policy, brokers=fleet.brokers, clock=fleet.clock) as again:
        for wait in waits[1:]:
            with suppress(NotReady):
                await again.submitted(buy(), key="k", body_hash="one")
            assert_one(again)
            await again.clock.advance(wait)
            assert_one(again)
        await again.until(lambda: not any(order.in_doubt for order in again.gateway.orders()), longest_s=600.0)
        assert_one(again)
        working = [name for name, broker in again.brokers.items() for o in broker.orders.values() if o.status in OPEN]
        assert len(working) <= 1


def script(fleet: Fleet, answers: Sequence[str]) -> None:
    """The n-th send anywhere gets the n-th answer."""
    left = list(answers)

    def answer(name: ProfileName) -> None:
        word = left.pop(0) if left else "accept"
        fleet.brokers[name].next_submit.append(ERRORS.get(word, word))

    for name in NAMES:
        fleet.brokers[name].on_sent = lambda what, name=name: answer(name) if what == "submit" else None


@settings(max_examples=40, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(
    scripts,
    st.lists(st.sampled_from([0.0, 0.5, 6.0, 40.0]), min_size=3, max_size=3),
    st.sampled_from([0, 1, 2, 3, 4, 6, 9, 14, 20, 40, 80]),
)
def test_whatever_venues_answer_one_intent_at_most_may_be_alive_for_a_key(
    answers: list[str], waits: list[float], dies_after: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(course(Path(folder), answers, waits, dies_after))
