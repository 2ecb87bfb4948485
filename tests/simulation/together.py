"""One desk with an account at each venue: the plans of its accounts as one, and what concerns them together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from random import Random

from tests.simulation.schedule import (
    ACTIVE_S,
    ROUTED,
    Act,
    Bust,
    Cancel,
    CancelAll,
    Correct,
    Crash,
    Kill,
    Modify,
    Plan,
    Reconcile,
    Reopen,
    Stop,
    Submit,
)
from tests.simulation.weather import OUTAGES, Fault
from tests.simulation.worlds import ALL

NUMBERS = 100  # orders of the second account are counted from here, those of the third from twice as much
ROUTES = ("failover", "failover", "primary", "round_robin", "load_balanced", "best_execution")
DEAD = (("order", "drop"), ("read", "drop"), ("connect", "refuse"), ("stream", "mute"))


def together(seed: int, parts: Mapping[str, Plan]) -> Plan:
    """A plan in which all of these happen under one desk, each part thinned, at the account of that name."""
    random = Random(f"together {seed}")
    name, odd = random.choice(list(parts.items()))
    first, near = parts[ROUTED[0]], min(parts.values(), key=lambda part: part.world.skew_s)
    events = (odd if name in ROUTED else first).order_events
    acts = [act for number, at in enumerate(parts) for act in _acts(number, at, parts[at], at == name, random)]
    if events == "websocket":  # nobody would hear of them
        acts = [act for act in acts if not isinstance(act, Bust | Correct)]
    plan = replace(
        first,
        venue=ALL,
        odd=name,
        order_events=events,
        limits=odd.limits,
        lists_fills=odd.lists_fills,
        skew_s=near.skew_s,
        drift=near.drift,
        steps=near.steps,
        acts=tuple(acts),
        faults=tuple(fault for at, part in parts.items() for fault in _faults(at, part, random)),
        kills=tuple(_longer(kill, random) for kill in first.kills),
    )
    for chance, trouble in TROUBLES:
        if random.random() < chance:
            plan = trouble(plan, random)
    return replace(plan, acts=tuple(sorted(plan.acts, key=lambda act: act.at_s)))


def _acts(number: int, at: str, part: Plan, is_odd: bool, random: Random) -> list[Act]:
    """What happens at one account: some of its orders, all of them where they were wished for together under limits."""
    wished = sorted({act.number for act in part.acts if isinstance(act, Submit)})
    kept = set(wished) if is_odd and part.limits else set(random.sample(wished, min(len(wished), random.randint(1, 4))))
    found = list[Act]()
    for act in part.acts:
        match act:
            case Submit() if act.number in kept:
                renamed = replace(act.order, client_tag=f"w{_number(number, act)}")
                found.append(replace(act, number=_number(number, act), order=renamed, account=at))
            case Cancel() | Modify() if act.number in kept:
                found.append(replace(act, number=_number(number, act)))
            case Submit() | Cancel() | Modify():
                pass
            case Stop() | Reopen() | CancelAll() | Reconcile():
                found.append(replace(act, account=at))
            case Crash():
                found.append(act)
            case _:
                found.append(replace(act, account=at))
    return found


def _number(account: int, act: Submit | Cancel | Modify) -> int:
    return account * NUMBERS + act.number


def _faults(at: str, part: Plan, random: Random) -> list[Fault]:
    """Bad weather at one account; there is one disk, and it is as bad as in any other plan."""
    return [
        fault if fault.where == "disk" else replace(fault, at=at)
        for fault in part.faults
        if random.random() < (0.25 if fault.where == "disk" else 0.7)
    ]


def _longer(kill: Kill, random: Random) -> Kill:
    """A life with several accounts takes more steps until it comes to the same point."""
    if kill.command is None:
        return replace(kill, step=kill.step * random.randint(1, 4))
    return replace(kill, command=random.randint(1, 3 * kill.command))


# -- what concerns several accounts -------------------------------------------------------------------------------------


def _stop(plan: Plan, random: Random) -> Plan:
    """Somebody stops everything while orders leave; perhaps one account is stopped as well, and not opened with the rest."""
    at_s = round(random.choice([act.at_s for act in plan.acts if isinstance(act, Submit)]) + random.uniform(0, 0.2), 2)
    acts: list[Act] = [Stop(at_s, random.choice((1, 2)))]
    if random.random() < 0.5:
        acts.append(Stop(round(at_s + random.uniform(-2, 2), 2), random.choice((1, 2)), random.choice(plan.accounts)))
    if random.random() < 0.4:
        acts.append(Crash(round(at_s + random.choice((random.uniform(0.02, 0.3), random.uniform(0.3, 3))), 2)))
    if random.random() < 0.7:
        acts.append(Reopen(round(at_s + random.uniform(1, 15), 2)))
    full = Fault("disk", "full", max(at_s - 0.5, 0), at_s + random.uniform(0.5, 6), 1.0)
    faults = (*plan.faults, full) if random.random() < 0.2 else plan.faults
    return replace(plan, acts=(*plan.acts, *acts), faults=faults)


def _death(plan: Plan, random: Random) -> Plan:
    """One venue falls silent for long while the others live, or keeps everybody out."""
    since_s = random.uniform(3, ACTIVE_S / 2)
    until_s = since_s + random.uniform(15, ACTIVE_S)
    what = random.choice((None, *OUTAGES))
    doors = DEAD if what is None else tuple((where, what) for where in ("order", "read", "connect"))
    at = random.choice(plan.accounts)
    struck = [Fault(where, kind, round(since_s, 2), round(until_s, 2), 1.0, at) for where, kind in doors]
    return replace(plan, faults=(*struck, *plan.faults))


def _sweep(plan: Plan, random: Random) -> Plan:
    """Somebody cancels everything everywhere."""
    return replace(plan, acts=(*plan.acts, CancelAll(round(random.uniform(3, ACTIVE_S), 2))))


def _routed(plan: Plan, random: Random) -> Plan:
    """Some orders name no account: those of what is traded at several.  Who asks twice for one wish asks the same."""
    free = dict[int, bool]()

    def freed(act: Act) -> Act:
        if not isinstance(act, Submit) or act.account not in ROUTED or plan.odd in ROUTED:
            return act
        if act.number not in free:
            free[act.number] = random.random() < 0.7
        return replace(act, account="") if free[act.number] else act

    return replace(plan, routes=random.choice(ROUTES), acts=tuple(freed(act) for act in plan.acts))


TROUBLES = ((0.6, _routed), (0.3, _stop), (0.4, _death), (0.1, _sweep))
