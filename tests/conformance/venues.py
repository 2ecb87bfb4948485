"""Every broker's venue in this process, by the name its tests go by.  A new simulator is an entry in `SIMULATED`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from floorbroker.brokers.registry import BROKERS
from floorbroker.domain.capability import BrokerInfo
from tests.conformance.desk import Venue
from tests.conformance.embedded import paper
from tests.conformance.goods import SHARES, Goods
from tests.conformance.simulated import Simulated


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One venue under test, which may be one of two things that a broker trades."""

    info: BrokerInfo
    goods: Goods
    open: Callable[[], AbstractAsyncContextManager[Venue]]


SIMULATED: dict[str, Simulated] = {
    "ALPACA": Simulated(word="alpaca", code="ALPACA", goods=SHARES),
}
VENUES: dict[str, Entry] = {
    **{name: Entry(info=kind.info, goods=kind.goods, open=kind.open) for name, kind in SIMULATED.items()},
    "PAPER": Entry(info=BROKERS["PAPER"], goods=SHARES, open=paper),
}
