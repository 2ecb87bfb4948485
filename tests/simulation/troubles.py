"""Rarer troubles, drawn apart so that the rest of a plan stays as it is: outages, answers out of every table, wrong clocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from random import Random

from floorbroker.domain.steps import DESK
from tests.simulation.clock import Step
from tests.simulation.footsteps import NEVER_REACHED
from tests.simulation.schedule import ACTIVE_S, Act, CancelAll, Correct, Kill, Plan, Stop, Submit
from tests.simulation.weather import OUTAGES, RARE, TWISTED, Fault

Trouble = Callable[[Plan, Random], Plan]


def troubled(plan: Plan, random: Random) -> Plan:
    """The plan with some troubles more."""
    for chance, trouble in TROUBLES:
        if random.random() < chance:
            plan = trouble(plan, random)
    return plan


def _outage(plan: Plan, random: Random) -> Plan:
    """The venue's doors say the same to everybody for a while; sometimes one of them alone does."""
    what = random.choice(OUTAGES)
    since_s, until_s = _window(random, *random.choice(((1.5, 12), (1.5, 12), (15, 40))))
    doors = random.choice((("order", "read", "connect"), ("order", "read", "connect"), ("order",), ("read",)))
    return _with_faults(plan, *(Fault(door, what, since_s, until_s, 1.0) for door in doors))


def _lockout(plan: Plan, random: Random) -> Plan:
    """Replies are lost, the stream goes dumb, and then nobody may look for as long as a doubt can last."""
    sent = [act.at_s for act in plan.acts if isinstance(act, Submit)]
    at_s = min(random.choice(sent), ACTIVE_S / 2)
    return _with_faults(
        plan,
        Fault("order", random.choice(("lost", "reset")), max(at_s - 0.5, 0), at_s + 3, 1.0),
        Fault("stream", "mute", max(at_s - 0.5, 0), at_s + 40, 1.0),
        Fault("read", random.choice(OUTAGES[:1] + OUTAGES[2:]), at_s + 0.3, at_s + 40, 1.0),
    )


def _twist(plan: Plan, random: Random) -> Plan:
    """Answers that are not what their document says."""
    made = list[Fault]()
    for _ in range(random.randint(1, 3)):
        where = random.choice(("order", "read", "stream"))
        what = random.choice((*TWISTED, "lost_page" if where != "stream" else "skew"))
        made.append(
            Fault(where, what, *_window(random, 4, 30), 0.1 if where == "stream" else random.choice((0.4, 1.0)))
        )
    return _with_faults(plan, *made)


def _disk(plan: Plan, random: Random) -> Plan:
    """A disk that is slow, a database that is locked, or one that does not say what it did."""
    what = random.choice(RARE["disk"])
    least_s, most_s = (5, 30) if what == "slow" else (0.5, 4)
    return _with_faults(plan, Fault("disk", what, *_window(random, least_s, most_s), 0.5))


def _clock(plan: Plan, random: Random) -> Plan:
    """The desk's wall clock is moved, and drifts; a far jump is soon taken back, as a time service would."""
    at_s = random.uniform(2, ACTIVE_S)
    if random.random() < 0.3:
        far_s = random.choice((-1, 1)) * random.choice((120.0, 900.0, 7200.0))
        steps = [Step(at_s, far_s), Step(at_s + random.uniform(2, 15), -far_s)]
    else:
        near_s = min(4.0, plan.world.skew_s)
        steps = [
            Step(random.uniform(2, ACTIVE_S), random.uniform(-near_s, near_s)) for _ in range(random.randint(1, 2))
        ]
    drift = random.choice((0.0, 0.0, random.uniform(-0.002, 0.002)))
    return replace(plan, steps=tuple(sorted(steps, key=lambda step: step.at_s)), drift=drift)


def _close(plan: Plan, random: Random) -> Plan:
    """The session ends while people act: orders for the day expire, others are done for the day."""
    if not plan.world.has_hours:
        return plan
    return replace(plan, closes_at_s=round(random.uniform(6, ACTIVE_S), 2))


def _cancel_all(plan: Plan, random: Random) -> Plan:
    return _with_acts(plan, *(CancelAll(_moment(random)) for _ in range(random.randint(1, 2))))


def _correct(plan: Plan, random: Random) -> Plan:
    """Heard of in activity events alone, as busts are."""
    if plan.order_events == "websocket" or not plan.world.tells_busts:
        return plan
    shares = (Decimal(1), Decimal("0.5"))
    made = [Correct(_moment(random), random.randint(0, 5), random.choice(shares)) for _ in range(random.randint(1, 3))]
    return _with_acts(plan, *made)


def _named_kill(plan: Plan, random: Random) -> Plan:
    """A life ends at a step with a name; the lives before it stay as they were."""
    stops = any(isinstance(act, Stop) for act in plan.acts)
    at = random.choice([name for name in DESK if name not in NEVER_REACHED and (stops or not name.startswith("kill."))])
    kill = Kill(0, random.uniform(0.2, 12), at=at, hit=random.choice((1, 1, 2, 3)))
    return replace(plan, kills=(*plan.kills[: random.randint(0, 1)], kill))


TROUBLES: tuple[tuple[float, Trouble], ...] = (
    (0.15, _outage),
    (0.20, _twist),
    (0.12, _disk),
    (0.15, _clock),
    (0.12, _close),
    (0.10, _cancel_all),
    (0.25, _correct),
    (0.20, _named_kill),
    (0.04, _lockout),
)


def _window(random: Random, least_s: float, most_s: float) -> tuple[float, float]:
    since_s = random.uniform(2, ACTIVE_S * 0.8)
    return round(since_s, 2), round(since_s + random.uniform(least_s, most_s), 2)


def _moment(random: Random) -> float:
    return round(random.uniform(2, ACTIVE_S), 2)


def _with_faults(plan: Plan, *faults: Fault) -> Plan:
    """The rarer ones first: of two that could strike, they do."""
    return replace(plan, faults=(*faults, *plan.faults))


def _with_acts(plan: Plan, *acts: Act) -> Plan:
    return replace(plan, acts=tuple(sorted((*plan.acts, *acts), key=lambda act: act.at_s)))
