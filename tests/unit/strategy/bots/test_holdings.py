"""A strategy's account: asked for again after fills, and a venue that takes its time leaves a bot neither deaf nor blind."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from floorbroker.domain.errors import ConnectionFailed
from floorbroker.domain.values import ProfileName
from floorbroker.strategy.bots import Holdings

pytestmark = pytest.mark.asyncio
MAIN = ProfileName("main")


@dataclass
class Venue:
    """Answers each question for the account when it is told to, and holds nothing."""

    questions: deque[asyncio.Future[Any]] = field(default_factory=deque["asyncio.Future[Any]"])
    asked: int = 0

    def __post_init__(self) -> None:
        nothing = SimpleNamespace(all=dict[str, Decimal])
        self.sessions = {MAIN: SimpleNamespace(ctx=SimpleNamespace(book=SimpleNamespace(holdings=nothing)))}

    async def account(self, profile: ProfileName) -> Any:
        assert profile == MAIN
        self.asked += 1
        self.questions.append(asyncio.get_running_loop().create_future())
        return await self.questions[-1]

    async def answer(self, cash: int) -> None:
        self.questions.popleft().set_result(SimpleNamespace(cash=Decimal(cash), equity=Decimal(cash)))
        await asyncio.sleep(0)


async def known(venue: Venue, cash: int) -> Holdings:
    """Holdings that were told once, and lose patience at once."""
    holdings = Holdings(cast("Any", venue), MAIN, patience_s=0)
    first = asyncio.create_task(holdings.purse())
    for _ in range(3):  # it begins, its question begins, and nothing follows
        await asyncio.sleep(0)
    assert not first.done()  # before anything is known nobody is told anything
    await venue.answer(cash)
    assert (await first).cash == cash
    return holdings


async def test_a_slow_answer_is_waited_for_no_longer_than_patience_and_is_seen_later() -> None:
    venue = Venue()
    holdings = await known(venue, 100)
    holdings.is_stale = True
    assert (await holdings.purse()).cash == 100
    assert (await holdings.purse()).cash == 100
    assert venue.asked == 2  # and one question at a time
    await venue.answer(70)
    assert (await holdings.purse()).cash == 70
    await holdings.close()


async def test_a_fill_during_a_question_is_asked_about_afterwards() -> None:
    venue = Venue()
    holdings = await known(venue, 100)
    holdings.is_stale = True
    await holdings.purse()
    holdings.is_stale = True
    await venue.answer(70)
    assert (await holdings.purse()).cash == 70
    await holdings.purse()
    assert venue.asked == 3
    await venue.answer(40)
    assert (await holdings.purse()).cash == 40
    await holdings.close()


async def test_a_question_that_failed_is_asked_again_and_nothing_of_it_is_left_at_the_end() -> None:
    venue = Venue()
    holdings = await known(venue, 100)
    holdings.is_stale = True
    await holdings.purse()
    venue.questions.popleft().set_exception(ConnectionFailed("no route"))
    await asyncio.sleep(0)
    assert (await holdings.purse()).cash == 100
    await holdings.purse()
    assert venue.asked == 3
    await holdings.close()
    assert venue.questions[0].cancelled()
