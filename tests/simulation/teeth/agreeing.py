"""Bugs of coming to agree: what is looked at while a profile is ready, and how often."""

from __future__ import annotations

from floorbroker.gateway.gateway import Gateway
from floorbroker.gateway.session import FULL_COMPARE_S, ProfileSession
from floorbroker.oms.service import OrderService
from tests.simulation.house import Plant
from tests.simulation.places import PROFILE
from tests.simulation.schedule import Calm, Plan
from tests.simulation.teeth.bug import Bug, every, struck_by
from tests.simulation.teeth.ports import becomes, service_of

FOR_EVER_S = 1e9


class WithoutSweeps(OrderService):
    """The stream looks healthy, so nobody lists anything beside it."""

    __slots__ = ()

    async def _list_open(self) -> None:
        return


class WithoutCompares(ProfileSession):
    """Once READY, a profile compares when its stream breaks, and at no other time."""

    __slots__ = ()

    async def _pause(self, longest_s: float) -> None:
        await super()._pause(FOR_EVER_S if longest_s == FULL_COMPARE_S else longest_s)


def _without_looks(desk: Gateway) -> None:
    becomes(service_of, WithoutSweeps)(desk)
    becomes(lambda gateway: gateway.sessions[PROFILE], WithoutCompares)(desk)


def _patient(plan: Plan) -> bool:
    """In the end nobody asks for a round: the desk's own looks are all there is."""
    return plan.calm is Calm.PATIENT


BUGS = (
    Bug(
        name="sweeps switched off",
        what="While the stream looks healthy nothing is listed beside it, so what it loses in silence is never found.",
        breaks="RELIABILITY 4",
        plant=Plant(desk=_without_looks),
        wants=every(_patient, struck_by("stream.drop", "stream.lag", "stream.reorder")),
    ),
)
