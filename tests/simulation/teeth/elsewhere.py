"""Mistakes that would be made at any venue, planted at others than Alpaca: each venue has its own ways to show them."""

from __future__ import annotations

from dataclasses import replace

from tests.simulation.teeth import stopping, submitting
from tests.simulation.teeth.bug import Bug

AT = (
    ("binance", submitting.BUGS, "send before commit"),
    ("binance", submitting.BUGS, "SENDING read as not sent after restart"),
    ("kraken", submitting.BUGS, "SENDING resent after restart"),
    ("kraken", stopping.BUGS, "kill that only blocks"),
    ("bybit", submitting.BUGS, "nothing reserved"),
    ("bybit", stopping.BUGS, "kill switch not asked at the wire"),
)


def _at(venue: str, bugs: tuple[Bug, ...], name: str) -> Bug:
    """The same bug, hunted at a venue."""
    bug = next(bug for bug in bugs if bug.name == name)
    return replace(bug, name=f"{name}, at {venue}", venue=venue)


BUGS = tuple(_at(venue, bugs, name) for venue, bugs, name in AT)
