"""What an account's connections show of themselves, gathered when somebody asks: streams, feeds and rate budgets."""

from __future__ import annotations

from dataclasses import dataclass

from floorbroker.domain.records import Signs
from floorbroker.transport.feeds import Feeds
from floorbroker.transport.limiter import Limiter
from floorbroker.transport.private import OrderStream


@dataclass(frozen=True, slots=True)
class SignsOf:
    """Called for the `Signs` of an adapter's own parts."""

    orders: OrderStream
    feeds: Feeds
    limiter: Limiter | None = None

    def __call__(self) -> Signs:
        return Signs(
            stream_silence_s=self.orders.silence_s,
            data_silence_s=self.feeds.silence_s,
            budget_used=None if self.limiter is None else self.limiter.fullest,
            budgets={} if self.limiter is None else self.limiter.shares,
        )
