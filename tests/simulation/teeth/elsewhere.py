"""Mistakes that would be made at any venue, planted at others than Alpaca: each venue has its own ways to show them."""

from __future__ import annotations

from dataclasses import replace

from floorbroker.domain.facts import Source
from floorbroker.domain.ports import Entry
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import IntentId, OrderId
from floorbroker.gateway.gateway import Gateway
from floorbroker.oms.inbound import Inbound
from tests.simulation.house import Plant
from tests.simulation.teeth import doubt, stopping, submitting
from tests.simulation.teeth.bug import Bug, killed
from tests.simulation.teeth.ports import becomes, ctx_of, service_of

AT = (
    ("binance", submitting.BUGS, "send before commit"),
    ("binance", submitting.BUGS, "SENDING read as not sent after restart"),
    ("kraken", submitting.BUGS, "SENDING resent after restart"),
    ("kraken", stopping.BUGS, "kill that only blocks"),
    ("bybit", submitting.BUGS, "nothing reserved"),
    ("bybit", stopping.BUGS, "kill switch not asked at the wire"),
    ("tradier", submitting.BUGS, "SENDING resent after restart"),
    ("tradier", doubt.BUGS, "missing from a list taken as cancelled"),
    ("tradier", doubt.BUGS, "no arrival horizon"),
)


def _at(venue: str, bugs: tuple[Bug, ...], name: str) -> Bug:
    """The same bug, hunted at a venue."""
    bug = next(bug for bug in bugs if bug.name == name)
    return replace(bug, name=f"{name}, at {venue}", venue=venue)


BUGS = tuple(_at(venue, bugs, name) for venue, bugs, name in AT)


def _books_not_asked(desk: Gateway) -> None:
    ctx_of(desk).broker._history._traded.ours = tuple  # type: ignore[attr-defined]  # noqa: SLF001 - nobody else asks for it


def _sealed_forgotten(desk: Gateway) -> None:
    ctx_of(desk).book._lately.clear()  # noqa: SLF001 - nobody else asks for it


class TakesAnAnswersLegForAStrangers(Inbound):
    """What an answer says of a leg without its parent counts as if a list had told it."""

    __slots__ = ()

    def _adopt(
        self, report: ExecutionReport, entries: list[Entry], adopted: dict[OrderId, IntentId]
    ) -> IntentId | None:
        listed = report.source if report.source is not Source.REPLY else Source.SNAPSHOT
        return super()._adopt(replace(report, source=listed), entries, adopted)


# Plans show these too seldom to be hunted; `tests/simulation/kept/` has one for each.
RARE = (
    Bug(
        name="the past asked for by what was heard alone",
        what="After a restart a venue that lists by symbol is not asked about those that only the desk's books know.",
        breaks="RELIABILITY 4",
        plant=Plant(desk=_books_not_asked),
        wants=killed,
        venue="binance",
    ),
    Bug(
        name="what was sealed before a restart not asked for",
        what="After a restart a venue that lists by symbol is not asked about those whose orders were done and sealed before.",
        breaks="RELIABILITY 4",
        plant=Plant(desk=_sealed_forgotten),
        wants=killed,
        venue="binance",
    ),
    Bug(
        name="legs in answers taken for a stranger's",
        what="The answer to a cancel tells of a leg and not of its parent, and it is adopted as an order of others.",
        breaks="RELIABILITY 4",
        plant=Plant(desk=becomes(lambda desk: service_of(desk).inbound, TakesAnAnswersLegForAStrangers)),
        wants=killed,
        venue="binance",
    ),
)
