"""`BrokerManager`: the names that programs expect, over a real desk with two paper accounts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from floorbroker import BrokerManager, NewOrder, OrderSchema
from floorbroker.domain.errors import InvalidRequest, NotReady, SymbolNotFound
from floorbroker.domain.records import Quote
from floorbroker.domain.values import OrderType, Quantity, Side
from floorbroker.gateway.feeds import Tick
from floorbroker.gateway.happenings import OrderCanceled, OrderFilled

pytestmark = pytest.mark.asyncio
TWO = """
[profiles.paper-a]
broker = "PAPER"
environment = "paper"
[profiles.paper-a.options]
hours = "always"
latency_min_ms = "0"
latency_max_ms = "0"
[profiles.paper-b]
broker = "PAPER"
environment = "paper"
[profiles.paper-b.options]
hours = "always"
latency_min_ms = "0"
latency_max_ms = "0"
"""
BUY: dict[str, Any] = {"symbol": "AAPL", "side": "buy", "type": "market", "quantity": "10"}
REST = BUY | {"type": "limit", "limit_price": "1.00"}
PATIENCE_S = 20.0


def _manager(home: Path) -> BrokerManager:
    home.mkdir(exist_ok=True)
    (home / "floorbroker.toml").write_text(TWO)
    return BrokerManager(home=home, profiles=["paper-a", "paper-b"])


@asynccontextmanager
async def managed(home: Path) -> AsyncGenerator[BrokerManager]:
    async with _manager(home) as manager:
        yield manager


async def test_an_order_is_placed_filled_and_told_of(tmp_path: Path) -> None:
    async with managed(tmp_path) as manager:
        filled: asyncio.Future[OrderFilled] = asyncio.get_running_loop().create_future()
        manager.register_callback("order_filled", filled.set_result)
        order = await manager.place_order(BUY, profile="paper-a")
        told = await asyncio.wait_for(filled, PATIENCE_S)
        assert (told.order.intent_id, told.profile, told.order.cum_qty) == (order.intent_id, "paper-a", 10)
        (held,) = await manager.get_positions("paper-a")
        assert (held.position.symbol, held.position.qty) == ("AAPL", 10)
        assert await manager.get_positions("paper-b") == []


async def test_a_callback_registered_before_hears_as_well_and_an_unregistered_one_does_not(tmp_path: Path) -> None:
    manager, heard, unheard = _manager(tmp_path), asyncio.Event(), list[OrderFilled]()
    manager.register_callback("order_filled", lambda told: heard.set())
    manager.register_callback("order_filled", unheard.append)
    assert manager.unregister("order_filled", unheard.append)
    assert not manager.unregister("order_filled", unheard.append)
    await manager.initialize()
    try:
        await manager.place_order(BUY, profile="paper-b")
        await asyncio.wait_for(heard.wait(), PATIENCE_S)
    finally:
        await manager.shutdown()
    assert unheard == []


async def test_the_same_key_never_buys_twice(tmp_path: Path) -> None:
    async with managed(tmp_path) as manager:
        first = await manager.place_order(BUY, profile="paper-a", key="k1")
        second = await manager.place_order(OrderSchema.model_validate(BUY), profile="paper-a", key="k1")
        assert first.intent_id == second.intent_id
        assert len(manager.desk.orders()) == 1


async def test_an_order_is_changed_and_cancelled_by_any_of_its_names(tmp_path: Path) -> None:
    async with managed(tmp_path) as manager:
        cancelled: asyncio.Future[OrderCanceled] = asyncio.get_running_loop().create_future()
        manager.register_callback(OrderCanceled, cancelled.set_result)
        order = await manager.place_order(REST, profile="paper-a")
        changed = await manager.modify_order(order, {"limit_price": "1.50"})
        assert (changed.price, changed.ord_status.value) == (Decimal("1.50"), "new")
        await manager.cancel_order(str(order.cl_ord_id), reason="enough")
        assert (await asyncio.wait_for(cancelled, PATIENCE_S)).order.intent_id == order.intent_id


async def test_both_accounts_are_one(tmp_path: Path) -> None:
    async with managed(tmp_path) as manager:
        await manager.place_order(BUY, profile="paper-a")
        await manager.place_order(BUY | {"side": "sell"}, profile="paper-b")
        whole = await manager.get_consolidated_account()
        assert (whole.complete, whole.currency, [part.profile for part in whole.profiles]) == (
            True,
            "USD",
            ["paper-a", "paper-b"],
        )
        (net,) = whole.positions
        assert (net.symbol, net.qty, [row.position.qty for row in net.parts]) == ("AAPL", 0, [10, -10])
        assert whole.net_exposure == 0 < whole.gross_exposure
        assert len(await manager.get_positions()) == 2


async def test_a_market_is_heard_with_its_source(tmp_path: Path) -> None:
    async with managed(tmp_path) as manager:
        heard: asyncio.Future[Tick] = asyncio.get_running_loop().create_future()
        consumer = await manager.subscribe_market_data(
            ["AAPL"], lambda tick: heard.done() or heard.set_result(tick), profile="paper-b"
        )
        tick = await asyncio.wait_for(heard, PATIENCE_S)
        assert isinstance(tick.event, Quote)
        assert (tick.source, tick.event.symbol) == ("PAPER", "AAPL")
        await consumer.close()
        with pytest.raises(SymbolNotFound):
            await manager.subscribe_market_data(["NO.SUCH.SYMBOL"], print)
        assert manager.desk.feeds.places == ()


async def test_health_says_where_each_profile_stands(tmp_path: Path) -> None:
    async with managed(tmp_path) as manager:
        assert {name: status.state.value for name, status in manager.health().items()} == {
            "paper-a": "ready",
            "paper-b": "ready",
        }


async def test_it_can_be_opened_again_and_closed_twice(tmp_path: Path) -> None:
    manager = _manager(tmp_path)
    with pytest.raises(NotReady, match=r"initialize\(\) first"):
        manager.health()
    await manager.initialize()
    await manager.initialize()
    order = await manager.place_order(REST, profile="paper-a")
    await manager.shutdown()
    await manager.shutdown()
    await manager.initialize()
    try:
        assert manager.desk.order(order.intent_id).intent_id == order.intent_id
    finally:
        await manager.shutdown()


async def test_what_is_not_understood_is_refused_by_name(tmp_path: Path) -> None:
    async with managed(tmp_path) as manager:
        with pytest.raises(InvalidRequest, match="no event is called 'filled'"):
            manager.register_callback("filled", print)
        with pytest.raises(InvalidRequest) as refused:
            await manager.place_order(BUY | {"quantity": 10.5}, profile="paper-a")
        assert refused.value.fields[0].pointer == "/quantity"
        made = NewOrder(symbol="AAPL", side=Side.BUY, order_type=OrderType.MARKET, order_qty=Quantity(Decimal(1)))
        with pytest.raises(InvalidRequest, match="a key needs the order as OrderSchema or mapping"):
            await manager.place_order(made, profile="paper-a", key="k")
        assert manager.desk.orders() == []


async def test_keys_that_a_program_keeps_are_not_shown(tmp_path: Path) -> None:
    manager = BrokerManager(home=tmp_path, keys={"a": {"BROKER_API_KEY": "PK-visible"}})
    assert "PK-visible" not in repr(manager)
