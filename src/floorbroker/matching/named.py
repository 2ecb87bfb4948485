"""Every market's calendar, by the name that `Instrument.calendar` gives it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from floorbroker.matching.calendar import ALWAYS_OPEN, FX_WEEK, XNYS, Calendar
from floorbroker.matching.india import XNSE

CALENDARS: Mapping[str, Calendar] = MappingProxyType(
    {"XNYS": XNYS, "XNSE": XNSE, "XBOM": XNSE, "FX": FX_WEEK, "24x7": ALWAYS_OPEN, "24/7": ALWAYS_OPEN}
)


def by_name(name: str) -> Calendar:
    """`XNYS`, `XNSE`, `XBOM`, `FX` or `24x7` (also written `24/7`).  Raises `KeyError` for any other."""
    return CALENDARS[name]
