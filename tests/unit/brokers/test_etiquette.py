"""What is sent stays within each venue's rules, and leaves a fifth of them for cancels and for finding out (RELIABILITY 11)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from floorbroker.brokers.registry import BROKERS
from floorbroker.domain.capability import Allowance, BrokerInfo, Etiquette
from floorbroker.domain.clock import ManualClock
from floorbroker.transport.limiter import Limiter, limits_of
from floorbroker.transport.types import Lane

INDIA = Etiquette(
    allowances=(
        Allowance(name="all", requests=600, per_s=60.0),
        Allowance(name="orders", requests=10, per_s=1.0, endpoints=("orders.submit", "orders.replace"), beside=True),
    )
)  # an order-rate rule beside a general one, as some regulators have it
RULES = {**{code: info.etiquette for code, info in BROKERS.items()}, "two rules at once": INDIA}
PAIRS = [(rules, allowance) for rules in RULES.values() for allowance in rules.allowances]
USED = 0.8


class Load:
    """Work that never ends, of several lanes at once, on a clock of its own; `sent` is when each request left."""

    def __init__(self, rules: Etiquette) -> None:
        self.clock = ManualClock(datetime(2026, 3, 2, 15, tzinfo=UTC))
        self.limiter = Limiter(limits_of(rules), clock=self.clock)
        self.sent: list[tuple[float, Lane]] = []

    async def without_end(self, endpoint: str, lane: Lane) -> None:
        while True:
            await self.limiter.acquire(endpoint, lane=lane, max_wait_s=1e9)
            self.sent.append((self.clock.monotonic(), lane))
            await asyncio.sleep(0)

    async def run(self, endpoint: str, lanes: Sequence[Lane], *, windows_s: float) -> None:
        tasks = [asyncio.ensure_future(self.without_end(endpoint, lane)) for lane in lanes]
        for _ in range(600):
            await self.clock.advance(windows_s / 600)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def most_in(self, window_s: float) -> int:
        """The most that left within any window of this length."""
        times = [at for at, _ in self.sent]
        return max(sum(1 for at in times if start <= at < start + window_s) for start in set(times))


@pytest.mark.parametrize(("rules", "allowance"), PAIRS, ids=lambda each: getattr(each, "name", ""))
@pytest.mark.asyncio
async def test_under_any_load_ordinary_work_uses_four_fifths_of_what_the_venue_allows(
    rules: Etiquette, allowance: Allowance
) -> None:
    load = Load(rules)
    lanes = (Lane.NEW, Lane.REDUCE, Lane.RECONCILE, Lane.QUERY)
    await load.run(allowance.endpoints[0], lanes, windows_s=3 * allowance.per_s)
    most = load.most_in(allowance.per_s)
    assert 0 < most <= allowance.requests * USED
    assert most > allowance.requests * USED * 0.9  # it is a budget, not a brake


@pytest.mark.parametrize(
    ("rules", "allowance"),
    [pair for pair in PAIRS if not pair[1].reads_only],
    ids=lambda each: getattr(each, "name", ""),
)
@pytest.mark.asyncio
async def test_a_cancel_and_a_question_about_a_doubt_find_room_when_ordinary_work_has_used_its_part(
    rules: Etiquette, allowance: Allowance
) -> None:
    load = Load(rules)
    endpoint = allowance.endpoints[0]
    filling = asyncio.ensure_future(load.without_end(endpoint, Lane.NEW))
    await load.clock.advance(0.001)
    used = len(load.sent)
    kept = int(min(bucket.capacity for bucket in load.limiter.buckets(endpoint)) * (1 - USED))  # of the tightest rule
    for lane in (Lane.CANCEL, Lane.RESOLVE):
        for _ in range(kept // 2):
            await load.limiter.acquire(endpoint, lane=lane, max_wait_s=0)  # raises when there is no room at once
    assert used + 2 * (kept // 2) <= allowance.requests
    filling.cancel()
    await asyncio.gather(filling, return_exceptions=True)


def test_an_order_rate_rule_counts_beside_the_general_one() -> None:
    limits = limits_of(INDIA)
    assert limits.routes == {"*": ("all",), "orders.submit": ("orders", "all"), "orders.replace": ("orders", "all")}


def test_a_rule_for_some_endpoints_alone_takes_them_out_of_the_general_one() -> None:
    assert limits_of(BROKERS["ALPACA"].etiquette).routes == {"*": ("trading",), "data": ("data",)}


@pytest.mark.parametrize("info", BROKERS.values(), ids=BROKERS)
def test_each_rule_names_where_it_was_read_and_every_broker_says_what_keys_can_do(info: BrokerInfo) -> None:
    assert all(allowance.document.startswith("https://") for allowance in info.etiquette.allowances)
    assert info.etiquette.session_rules
    assert info.withdrawals
