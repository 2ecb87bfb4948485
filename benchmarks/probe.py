"""Our own side of the small figures: guards around a call, an order read from bytes.

python -m benchmarks.probe
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime

from benchmarks.fixed.alpaca import Orders
from benchmarks.peers.speak import Answer, per_await_ns, per_call_ns, prepare, serve_async
from floorbroker import AdaptiveRateLimiter, CircuitBreaker, MultiEndpointRateLimiter, with_exponential_backoff
from floorbroker.brokers.alpaca import wire
from floorbroker.brokers.alpaca.mapping.reports import Heard, order_reports
from floorbroker.domain.facts import Source

PLENTY = 10**9
RAW = Orders().accept(b"")
HEARD = Heard(source=Source.REPLY, at=datetime(2026, 3, 2, 15, tzinfo=UTC))


async def guards(count: int) -> Answer:
    """Limiter, breaker and retry around one awaited call that succeeds."""
    limiter, breaker = AdaptiveRateLimiter(PLENTY, 1.0), CircuitBreaker()

    @with_exponential_backoff()
    async def guarded() -> int:
        async with limiter, breaker:
            return 1

    return await per_await_ns(guarded, count)


async def guards_by_endpoint(count: int) -> Answer:
    """The same with a limiter of several endpoints."""
    limiter, breaker = MultiEndpointRateLimiter({"orders": (PLENTY, 1.0), "data": (PLENTY, 1.0)}), CircuitBreaker()

    @with_exponential_backoff()
    async def guarded() -> int:
        async with limiter.limit("orders"), breaker:
            return 1

    return await per_await_ns(guarded, count)


async def limiter_alone(count: int) -> Answer:
    """The limiter by itself."""
    limiter = AdaptiveRateLimiter(PLENTY, 1.0)

    async def limited() -> int:
        async with limiter:
            return 1

    return await per_await_ns(limited, count)


async def breaker_alone(count: int) -> Answer:
    """The breaker by itself."""
    breaker = CircuitBreaker()

    async def broken() -> int:
        async with breaker:
            return 1

    return await per_await_ns(broken, count)


async def retry_alone(count: int) -> Answer:
    """The retry by itself."""

    @with_exponential_backoff()
    async def repeated() -> int:
        return 1

    return await per_await_ns(repeated, count)


async def decode(count: int) -> Answer:
    """Bytes of an order to the adapter's wire struct, by what the adapter reads the reply to a command with."""
    read = wire.read_order
    return per_call_ns(lambda: read(RAW), count)


async def report(count: int) -> Answer:
    """Bytes of an order to what the desk hears of it."""

    def read() -> object:
        return order_reports(wire.read_order(RAW), HEARD, parent=None)

    return per_call_ns(read, count)


async def main() -> None:
    rounds = {
        "guards": guards,
        "guards_by_endpoint": guards_by_endpoint,
        "limiter_alone": limiter_alone,
        "breaker_alone": breaker_alone,
        "retry_alone": retry_alone,
        "decode": decode,
        "report": report,
    }
    await serve_async(rounds, "floorbroker", "msgspec")


if __name__ == "__main__":
    prepare(cpu=0)
    asyncio.run(main())
    sys.exit(0)
