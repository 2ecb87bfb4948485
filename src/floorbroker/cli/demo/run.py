"""Plays the market to a desk and its strategy, and waits for quiet after every minute."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from floorbroker.cli.demo.market import DemoMarket
from floorbroker.cli.demo.stages import Stage
from floorbroker.cli.demo.strategy import Action, Place, TwoAverages
from floorbroker.domain.errors import Timeout
from floorbroker.domain.orders import Order, OrderState
from floorbroker.domain.records import Account
from floorbroker.gateway.desk import Caller, Fill, OrderFilter

CALLER = Caller(principal="demo", via="strategy")
_PATIENCE_S = 30.0
_TRIES = 5

Progress = Callable[[str, int, int, int], None]  # profile, minutes played, minutes in all, orders so far


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What one venue's run came to.  `fills` are oldest first."""

    profile: str
    start: Account
    end: Account
    orders: tuple[Order, ...]
    fills: tuple[Fill, ...]
    positions: dict[str, Decimal]


async def play(stage: Stage, market: DemoMarket, *, progress: Progress) -> Played:
    """The whole market through one stage."""
    strategy, start = TwoAverages(), await stage.desk.account()
    orders = 0
    for number, minute in enumerate(market.minutes, start=1):
        was_open = bool(_working(stage))
        await stage.move(minute)
        if was_open:
            await _quiet(stage)
        actions = strategy.on_minute(minute, _held(stage), _working(stage))
        for action in actions:
            orders += await _act(stage, action)
        if actions:
            await _quiet(stage)
        if number % 10 == 0 or number == len(market.minutes):
            progress(stage.profile, number, len(market.minutes), orders)
    return await _result(stage, start)


async def _act(stage: Stage, action: Action) -> int:
    """How many orders that made.  One that never left, since this machine stood still for longer than a decision holds, is placed
    again: its minute is not over.
    """
    if isinstance(action, Place):
        for number in range(1, _TRIES + 1):
            placed = await stage.desk.submit(action.order, profile=stage.profile, caller=CALLER)
            if placed.order.state is not OrderState.NOT_SENT:
                return number
        raise Timeout(f"an order of {action.order.symbol} did not leave in {_TRIES} tries")
    await stage.desk.cancel(action.order.intent_id, caller=CALLER, reason="nobody came")
    return 0


async def _quiet(stage: Stage) -> None:
    """Wait until the desk knows every fill the venue has done, and no order is on its way."""
    desk = stage.desk
    async with asyncio.timeout(_PATIENCE_S):
        subscription = desk.bus.subscribe()
        try:
            while len(desk.fills()) < await stage.fills_at_venue() or any(map(_is_moving, _open(stage))):
                await asyncio.wait([asyncio.ensure_future(anext(subscription))], timeout=0.05)
        finally:
            subscription.close()


def _is_moving(order: Order) -> bool:
    return order.pending_cancel or order.ord_status.value == "pending_new" or order.needs_executions


def _open(stage: Stage) -> list[Order]:
    return stage.desk.orders(OrderFilter(open_only=True))


def _working(stage: Stage) -> dict[str, Order]:
    return {order.terms.symbol: order for order in _open(stage)}


def _held(stage: Stage) -> dict[str, Decimal]:
    return stage.desk.sessions[stage.profile].ctx.book.holdings.all()


async def _result(stage: Stage, start: Account) -> Played:
    await _quiet(stage)
    positions = await stage.desk.positions(stage.profile)
    return Played(
        profile=stage.profile,
        start=start,
        end=await stage.desk.account(),
        orders=tuple(reversed(stage.desk.orders())),
        fills=tuple(reversed(stage.desk.fills())),
        positions={held.position.symbol: held.position.qty for held in positions if held.position.qty != 0},
    )
