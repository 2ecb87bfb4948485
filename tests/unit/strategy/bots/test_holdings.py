"""A strategy's account: asked for again after fills, and a venue that takes its time leaves a bot neither deaf nor blind."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ConfigInvalid, ConnectionFailed
from floorbroker.domain.values import ProfileName
from floorbroker.risk.book import RiskBook
from floorbroker.strategy.bots import Holdings, Purse

pytestmark = pytest.mark.asyncio
MAIN, OTHER = ProfileName("main"), ProfileName("other")


def context(held: dict[str, int], *, scales: dict[str, str] | None = None) -> Any:
    """An account that holds so many units, each marked at ten, in a desk where a euro is worth two dollars."""
    units = {symbol: Decimal(qty) for symbol, qty in held.items()}
    told = {symbol: Decimal(scale) for symbol, scale in (scales or {}).items()}
    risk = RiskBook(ManualClock(datetime(2026, 3, 2, tzinfo=UTC)), rates={"EUR": Decimal(2)})
    return SimpleNamespace(
        book=SimpleNamespace(holdings=SimpleNamespace(all=lambda: units)),
        share=SimpleNamespace(worth=lambda symbol: (Decimal(10) if symbol in units else None, None)),
        scales=told.get,
        risk=risk,
    )


@dataclass
class Several:
    """A desk of several accounts, each with a hundred of its currency."""

    currencies: dict[ProfileName, str]
    contexts: list[Any]

    def __post_init__(self) -> None:
        named = zip(self.currencies, self.contexts, strict=True)
        self.sessions = {name: SimpleNamespace(ctx=ctx) for name, ctx in named}

    async def account(self, profile: ProfileName) -> Any:
        return SimpleNamespace(cash=Decimal(100), equity=Decimal(100), currency=self.currencies[profile])


async def purse_of(desk: Several, *, profile: ProfileName | None = None) -> Purse:
    holdings = Holdings(cast("Any", desk), profile, ["AAA", "BBB"])
    try:
        return await holdings.purse()
    finally:
        await holdings.close()


@dataclass
class Venue:
    """Answers each question for the account when it is told to, and holds nothing."""

    questions: deque[asyncio.Future[Any]] = field(default_factory=deque["asyncio.Future[Any]"])
    asked: int = 0

    def __post_init__(self) -> None:
        self.sessions = {MAIN: SimpleNamespace(ctx=context({}))}

    async def account(self, profile: ProfileName) -> Any:
        assert profile == MAIN
        self.asked += 1
        self.questions.append(asyncio.get_running_loop().create_future())
        return await self.questions[-1]

    async def answer(self, cash: int) -> None:
        self.questions.popleft().set_result(SimpleNamespace(cash=Decimal(cash), equity=Decimal(cash), currency="USD"))
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


async def test_accounts_in_several_currencies_are_told_in_the_desks_base() -> None:
    contexts = [context({"AAA": 3}, scales={"AAA": "1", "": "1"}), context({"AAA": 2}, scales={"AAA": "7", "": "1"})]
    purse = await purse_of(Several({MAIN: "USD", OTHER: "EUR"}, contexts))
    assert (purse.cash, purse.equity, purse.held) == (300, 300, {"AAA": 5})
    assert purse.marks == {"AAA": 10}
    assert purse.scales == {"AAA": 14, "": 2}, "what accounts do not agree on counts at its dearest"


async def test_an_account_in_a_currency_without_a_rate_is_added_to_no_other() -> None:
    with pytest.raises(ConfigInvalid, match=r"say under \[risk.rates\] what one CHF is worth in USD"):
        await purse_of(Several({MAIN: "USD", OTHER: "CHF"}, [context({}), context({})]))
    francs = await purse_of(Several({MAIN: "CHF", OTHER: "CHF"}, [context({}), context({})]))
    assert francs.equity == 200


async def test_a_purse_tells_what_makes_amounts_of_one_account_and_leaves_out_what_nobody_said() -> None:
    told = context({"CCC": 1}, scales={"AAA": "0.5", "CCC": "100", "": "1"})
    purse = await purse_of(Several({MAIN: "EUR"}, [told]), profile=MAIN)
    assert purse.scales == {"AAA": Decimal("0.5"), "CCC": 100, "": 1}
    assert (purse.equity, purse.marks) == (100, {"CCC": 10})
