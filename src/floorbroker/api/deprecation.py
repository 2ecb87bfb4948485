"""Routes that are to go: one declaration marks them in the document and in every reply (RFC 9745, RFC 8594).

They work as before.  A route is declared here two minor versions before it goes at the earliest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from email.utils import format_datetime

from floorbroker.domain.frozen import frozen


@frozen
class Deprecated:
    """`since` which day, and from which on it may be gone (`sunset`); `link` is a page that says what takes its place."""

    since: date
    sunset: date
    link: str

    def headers(self) -> tuple[tuple[str, str], ...]:
        """What every reply says of it.  `Link` may stand beside others."""
        since, sunset = (datetime.combine(day, time(), UTC) for day in (self.since, self.sunset))
        return (
            ("Deprecation", f"@{int(since.timestamp())}"),
            ("Sunset", format_datetime(sunset, usegmt=True)),
            ("Link", f'<{self.link}>; rel="deprecation"; type="text/html"'),
        )


Deprecations = Mapping[str, Deprecated]
DEPRECATED: Deprecations = {}  # by the name of the route, as in `access.py`


def assert_sound(deprecated: Deprecations, routes: Iterable[str]) -> None:
    """Raise `LookupError` for a declaration of no route, `ValueError` for one that ends before it begins."""
    if gone := deprecated.keys() - set(routes):
        raise LookupError(f"deprecated, but no route: {', '.join(sorted(gone))}")
    for name, one in deprecated.items():
        if one.sunset <= one.since:
            raise ValueError(f"{name} would be gone before it is deprecated")
