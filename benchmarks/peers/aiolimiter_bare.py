"""One bare `async with` of aiolimiter around a call that succeeds, with a limit that is never reached."""

from __future__ import annotations

import asyncio

from aiolimiter import AsyncLimiter
from speak import Answer, per_await_ns, prepare, serve_async

PLENTY = 10**9


async def acquire(count: int) -> Answer:
    limiter = AsyncLimiter(PLENTY, 1)

    async def limited() -> int:
        async with limiter:
            return 1

    return await per_await_ns(limited, count)


prepare(cpu=0)
asyncio.run(serve_async({"acquire": acquire}, "aiolimiter"))
