"""What is asked before an order is decided: nobody waits long for a venue that hangs, and it is asked once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from floorbroker.domain.errors import Outcome, RiskLimitExceeded, SymbolNotFound, Timeout
from floorbroker.domain.values import OrdStatus
from floorbroker.oms.asking import Asking
from tests.support.fake_broker import buy
from tests.support.house import Desk, opened

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def hanging(root: Path, read: str) -> AsyncGenerator[tuple[Desk, asyncio.Event]]:
    """A desk whose venue says nothing to one question until the event; nobody has much patience here."""
    async with opened(root) as desk:
        desk.ctx.asking.patience_s = 0.05
        gate = desk.broker.gates[read] = asyncio.Event()
        yield desk, gate


async def test_an_order_for_which_no_price_comes_is_refused_while_the_question_still_hangs(tmp_path: Path) -> None:
    async with hanging(tmp_path, "get_market_data") as (desk, gate):
        with pytest.raises(RiskLimitExceeded, match="no price for AAPL") as refused:
            await desk.place(buy(price=None))
        assert refused.value.outcome is Outcome.NOT_SENT
        assert not gate.is_set()
        assert desk.sent("submit_order") == 0
        assert desk.ctx.exposure().reserved == 0
        assert "reference.unavailable" in desk.log.events


async def test_a_price_that_is_too_old_is_named_with_its_symbol(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.place(buy(price=None))
        desk.ctx.asking.patience_s = 0.05
        desk.broker.gates["get_market_data"] = asyncio.Event()
        await desk.clock.advance(60)
        with pytest.raises(RiskLimitExceeded, match="AAPL: the age of the price in seconds"):
            await desk.place(buy(price=None))


async def test_wishes_that_wait_for_one_price_ask_once_and_the_next_one_takes_the_late_answer(tmp_path: Path) -> None:
    async with hanging(tmp_path, "get_market_data") as (desk, gate):
        told = await asyncio.gather(*(desk.place(buy(price=None)) for _ in range(3)), return_exceptions=True)
        assert {type(error) for error in told} == {RiskLimitExceeded}
        assert desk.broker.reads.count("get_market_data") == 1
        gate.set()
        await desk.wait()
        placed = await desk.place(buy(price=None))
        assert placed.ord_status is not OrdStatus.REJECTED
        assert desk.broker.reads.count("get_market_data") == 1


async def test_rules_of_a_symbol_that_do_not_come_are_a_refusal_that_names_them(tmp_path: Path) -> None:
    async with hanging(tmp_path, "get_instrument") as (desk, _):
        with pytest.raises(Timeout, match="the rules of MSFT") as refused:
            await desk.place(buy(symbol="MSFT"))
        assert refused.value.outcome is Outcome.NOT_SENT
        assert desk.sent("submit_order") == 0


async def test_a_desk_that_stops_leaves_no_question_behind(tmp_path: Path) -> None:
    async with hanging(tmp_path, "get_market_data") as (desk, _):
        with pytest.raises(RiskLimitExceeded):
            await desk.place(buy(price=None))
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("asked:")]


async def test_what_a_question_raises_is_raised_to_everybody_who_waits() -> None:
    asking, gate = Asking(), asyncio.Event()

    async def question() -> None:
        await gate.wait()
        raise SymbolNotFound("no symbol NOPE")

    waiting = asyncio.gather(*(asking.ask("the rules of NOPE", question) for _ in range(2)), return_exceptions=True)
    await asyncio.sleep(0)
    gate.set()
    assert [type(error) for error in await waiting] == [SymbolNotFound] * 2
