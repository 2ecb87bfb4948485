"""From a seed to a whole schedule: the same seed always expands to the same plan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from random import Random

from floorbroker.domain.orders import NewOrder, OrderChanges, StopLoss
from floorbroker.domain.values import OrderClass, OrderType, Price, Quantity, Side, TimeInForce
from tests.simulation.bots.plan import with_bot
from tests.simulation.schedule import (
    ACCOUNTS,
    ACTIVE_S,
    TICK,
    Act,
    Bust,
    Calm,
    Cancel,
    Crash,
    Force,
    Kill,
    Modify,
    Move,
    Plan,
    Reconcile,
    Reopen,
    Stop,
    Submit,
)
from tests.simulation.together import together
from tests.simulation.troubles import troubled
from tests.simulation.weather import COMMON, Fault
from tests.simulation.worlds import ALL, NAMED, STRATEGY, World, world_of

_CALMS = (Calm.PATIENT, *[Calm.LONG] * 4, *[Calm.BRISK] * 15)


def plan_of(seed: int, venue: str | None = None) -> Plan:
    """Expand a seed, in the world it belongs to or in another."""
    venue = world_of(seed) if venue is None else venue
    if venue == ALL:
        return together(seed, {name: _drawn(seed, name.partition("-")[0], f"{seed} {name}") for name in ACCOUNTS})
    if venue == STRATEGY:
        return with_bot(_drawn(seed, venue, f"{seed} strategy"), Random(f"bot {seed}"))
    return _drawn(seed, venue, str(seed))


def _drawn(seed: int, venue: str, key: str) -> Plan:
    """A plan at one venue; plans of one seed differ by their `key`."""
    world, random = NAMED[venue], Random(f"plan {key}")
    orders = random.randint(3, 9)
    acts: list[Act] = [act for number in range(1, orders + 1) for act in _life_of(number, world, random)]
    acts += [_move(world, random) for _ in range(random.randint(2, 8))]
    acts += [
        Force(_moment(random), random.randint(0, 5), random.choice((Decimal("0.5"), Decimal(1))))
        for _ in range(random.randint(0, 6))
    ]
    events = random.choice(world.events)
    if world.tells_busts and events != "websocket":  # the venue tells of them in activity events alone
        acts += [Bust(_moment(random), random.randint(0, 5)) for _ in range(random.choice((0, 1, 2)))]
    acts += [Reconcile(_moment(random)) for _ in range(random.choice((0, 0, 1)))]
    drawn = Plan(
        seed=seed,
        disorder=random.choice((0.0, 0.1, 0.5, 1.0)),
        skew_s=random.choice((0.0, 0.0, random.uniform(-0.9, 0.9), random.uniform(-world.skew_s, world.skew_s))),
        order_events=events,
        calm=_CALMS[seed % len(_CALMS)],
        acts=tuple(sorted(acts, key=lambda act: act.at_s)),
        faults=_faults(random),
        kills=_kills(random),
        venue=venue,
    )
    tried = _tried(drawn, Random(f"trials {key}"))
    is_whole = world.has_whole_successors and Random(f"venue {key}").random() < 0.5
    made = troubled(replace(tried, whole_successors=is_whole), Random(f"troubles {key}"))
    return replace(made, faults=tuple(f for f in made.faults if f"{f.where}.{f.what}" not in world.spares))


def _moment(random: Random) -> float:
    return round(random.uniform(2.0, ACTIVE_S), 2)


def _life_of(number: int, world: World, random: Random) -> list[Act]:
    """One order: placed, and perhaps changed and cancelled, at times that may cross."""
    at_s = _moment(random)
    order = _order(number, world, random)
    acts: list[Act] = [Submit(at_s, number, order, random.random() < 0.7)]
    while random.random() < 0.35:
        acts.append(Modify(_soon(at_s, random), number, _changes(order, world, random)))
    while random.random() < 0.45:
        acts.append(Cancel(_soon(at_s, random), number))
    return acts


def _soon(at_s: float, random: Random) -> float:
    return round(at_s + random.choice((random.uniform(0, 0.3), random.uniform(0, 15))), 2)


def _order(number: int, world: World, random: Random) -> NewOrder:
    symbol = random.choice(sorted(world.symbols))
    side = random.choice((Side.BUY, Side.BUY, Side.SELL))
    kind = random.choice(world.kinds)
    base = NewOrder(
        symbol=symbol,
        side=side,
        order_type=OrderType.MARKET,
        order_qty=Quantity(Decimal(random.randint(1, 40))),
        tif=random.choice(world.tifs),
        client_tag=f"w{number}",
        allow_duplicate=True,
    )
    return _shaped(base, kind, world, random)


def _shaped(base: NewOrder, kind: str, world: World, random: Random) -> NewOrder:
    market = world.symbols[base.symbol]
    sign = base.side.sign
    away = market * Decimal(random.randint(-10, 60)) / 10_000  # how far from the market a limit rests; below 0 it fills
    limit = Price((market - sign * away).quantize(TICK))
    beyond = Price((market + sign * market / 100).quantize(TICK))
    match kind:
        case "limit":
            return replace(base, order_type=OrderType.LIMIT, price=limit, tif=_tif(base, random))
        case "stop":
            return replace(base, order_type=OrderType.STOP, stop_px=beyond)
        case "stop_limit":
            return replace(
                base, order_type=OrderType.STOP_LIMIT, stop_px=beyond, price=Price(beyond + sign * TICK * 50)
            )
        case "trailing":
            return replace(base, order_type=OrderType.TRAILING_STOP, trail_percent=Decimal(1))
        case "bracket":
            entry = replace(base, side=Side.BUY, order_type=OrderType.LIMIT, price=Price(market.quantize(TICK)))
            target, stop = (
                Price((market * Decimal("1.02")).quantize(TICK)),
                Price((market * Decimal("0.97")).quantize(TICK)),
            )
            return replace(entry, order_class=OrderClass.BRACKET, take_profit=target, stop_loss=StopLoss(stop_px=stop))
        case "notional":
            amount = Decimal(random.randint(100, 2000))
            return replace(base, order_qty=None, notional=amount, side=Side.BUY, tif=world.tifs[0])
        case _:
            return _waiting(base, kind, limit)


def _waiting(base: NewOrder, kind: str, limit: Price) -> NewOrder:
    """What some venues have besides: orders that wait for a better price, never take, or show a part of themselves."""
    match kind:
        case "touched":
            return replace(base, order_type=OrderType.MARKET_IF_TOUCHED, stop_px=limit)
        case "touched_limit":
            return replace(base, order_type=OrderType.LIMIT_IF_TOUCHED, stop_px=limit, price=limit)
        case "post_only":
            return replace(base, order_type=OrderType.LIMIT, price=limit, post_only=True)
        case "iceberg" if base.order_qty is not None:
            whole = Quantity(base.order_qty * 4)
            return replace(base, order_type=OrderType.LIMIT, price=limit, order_qty=whole, display_qty=base.order_qty)
        case _:
            return base


def _tif(base: NewOrder, random: Random) -> TimeInForce:
    return random.choice((base.tif, base.tif, TimeInForce.IOC))


def _changes(order: NewOrder, world: World, random: Random) -> OrderChanges:
    quantity = Quantity(Decimal(random.randint(1, 60)))
    price = None if order.price is None else Price(order.price + TICK * random.randint(-100, 100))
    dearer = OrderChanges(price=price or Price(world.symbols[order.symbol]))
    return random.choice((OrderChanges(order_qty=quantity), OrderChanges(order_qty=quantity, price=price), dearer))


def _move(world: World, random: Random) -> Move:
    symbol = random.choice(sorted(world.symbols))
    bid = world.symbols[symbol] * (1 + Decimal(random.randint(-150, 150)) / 10_000)
    return Move(_moment(random), symbol, bid.quantize(TICK))


def _faults(random: Random) -> tuple[Fault, ...]:
    """Some kinds of bad weather, each in a window; disks fail rarely and briefly."""
    found: list[Fault] = []
    for _ in range(random.choice((0, 3, 5, 7, 10))):
        where = random.choice(("order", "order", "order", "read", "stream", "stream", "connect"))
        since_s = random.uniform(0, ACTIVE_S * 0.7)
        length_s = random.choice((random.uniform(2, 10), random.uniform(10, 45)))
        chance = random.choice((0.2, 0.4, 0.7, 1.0)) if where != "stream" else random.choice((0.05, 0.2))
        found.append(Fault(where, random.choice(COMMON[where]), since_s, since_s + length_s, chance))
    if random.random() < 0.12:
        since_s = random.uniform(3, ACTIVE_S)
        found.append(Fault("disk", random.choice(COMMON["disk"]), since_s, since_s + random.uniform(0.5, 4), 0.5))
    return tuple(found)


def _kills(random: Random) -> tuple[Kill, ...]:
    return tuple(_kill(random) for _ in range(random.choice((0, 0, 1, 1, 2, 3))))


def _kill(random: Random) -> Kill:
    down_s = random.uniform(0.2, 12)
    if random.random() < 0.5:
        return Kill(random.randint(1, 25), down_s, random.randint(1, 4))
    return Kill(int(10 ** random.uniform(1.0, 2.8)), down_s)


# -- trials: what only a share of plans is about, drawn apart so that the rest of a plan stays as it is -----------------


def _tried(plan: Plan, random: Random) -> Plan:
    trial = random.random()
    if trial < 0.25:
        plan = _crowd(plan, random)
    elif trial < 0.40:
        plan = _stop(plan, random)
    if random.random() < 0.25:
        plan = _with(plan, _impatience(plan, random))
    if plan.order_events == "websocket" and random.random() < 0.2:  # else busts could not be heard of again
        plan = replace(plan, lists_fills=False)
    return plan


def _with(plan: Plan, acts: Iterable[Act]) -> Plan:
    return replace(plan, acts=tuple(sorted((*plan.acts, *acts), key=lambda act: act.at_s)))


def _crowd(plan: Plan, random: Random) -> Plan:
    """Wishes of several people at the same instant, under limits that they would pass together."""
    limits = random.choice(
        (("max_open_orders", random.randint(3, 7)), ("max_position_qty", random.choice((40, 60, 80))))
    )
    number = 1 + max(act.number for act in plan.acts if isinstance(act, Submit))
    symbol = random.choice(sorted(plan.world.symbols))
    acts: list[Submit | Modify] = []
    times = sorted(_moment(random) for _ in range(random.randint(1, 3)))
    faults, leaves_room = plan.faults, random.random() < 0.4  # the first crowd, for the next
    if random.random() < 0.3:  # some of the first are so long on their way that they are given up before the next come
        since_s = round(random.uniform(2, 9), 2)
        times, leaves_room = [since_s, round(since_s + random.uniform(25, 32), 2)], False
        faults = (Fault("order", "delay", since_s - 0.1, since_s + 1, 0.5), *faults)
    for at_s in times:
        if acts and random.random() < 0.7:  # somebody makes an order of the first crowd larger just then
            larger = OrderChanges(order_qty=Quantity(Decimal(random.randint(20, 30))))
            acts.append(Modify(round(at_s - random.choice((0, 0.05, 0.1)), 2), acts[0].number, larger))
        many = 1 if leaves_room and not acts else random.randint(3, 5)
        for _ in range(many):
            acts.append(Submit(at_s, number, _small_order(number, symbol, plan.world, random), random.random() < 0.7))
            number += 1
    return replace(_with(plan, acts), limits=(limits,), faults=faults)


def _small_order(number: int, symbol: str, world: World, random: Random) -> NewOrder:
    market = world.symbols[symbol]
    return NewOrder(
        symbol=symbol,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        order_qty=Quantity(Decimal(random.randint(10, 20))),
        price=Price((market * random.choice((Decimal("0.99"), Decimal("1.001")))).quantize(TICK)),
        tif=world.tifs[0],
        client_tag=f"w{number}",
        allow_duplicate=True,
    )


def _stop(plan: Plan, random: Random) -> Plan:
    """The kill switch while orders are placed; the disk may be full then, and the desk may die before it is opened."""
    at_s = round(random.choice([act.at_s for act in plan.acts if isinstance(act, Submit)]) + random.uniform(0, 0.2), 2)
    acts: list[Act] = [Stop(at_s, random.choice((1, 2)))]
    if random.random() < 0.6:
        acts.append(Crash(round(at_s + random.choice((random.uniform(0.02, 0.3), random.uniform(0.3, 3))), 2)))
    if random.random() < 0.7:
        acts.append(Reopen(round(at_s + random.uniform(1, 20), 2)))
    full = Fault("disk", "full", at_s - 0.5, at_s + random.uniform(0.5, 6), 1.0)
    faults = (*plan.faults, full) if random.random() < 0.3 else plan.faults
    return replace(_with(plan, acts), faults=faults)


def _impatience(plan: Plan, random: Random) -> list[Act]:
    """Callers who repeat a call under its key before it is answered."""
    keyed = [act for act in plan.acts if isinstance(act, Submit) and act.keyed]
    chosen = random.sample(keyed, min(len(keyed), random.randint(1, 2)))
    return [replace(act, at_s=round(act.at_s + random.choice((0, 0.01, 0.05)), 2)) for act in chosen]
