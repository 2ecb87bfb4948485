"""Times as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from floorbroker.cli.failures import Trouble
from floorbroker.cli.moments import moment_of, span_of

NOW = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "moment"),
    [
        ("2h", "2026-11-20T12:30:00.000000Z"),
        ("90s", "2026-11-20T14:28:30.000000Z"),
        ("1d", "2026-11-19T14:30:00.000000Z"),
        ("today", "2026-11-20T00:00:00.000000Z"),
        ("2026-11-01", "2026-11-01T00:00:00.000000Z"),
        ("2026-11-01T09:30:00-05:00", "2026-11-01T14:30:00.000000Z"),
        (None, None),
    ],
)
def test_a_moment_is_read(typed: str | None, moment: str | None) -> None:
    assert moment_of(typed, now=NOW, flag="--since") == moment


@pytest.mark.parametrize(
    "typed", ["", "yesterday", "2h30", "-1h", "2026-13-01", "9999999d", "999999d", "0001-01-01T00:00:00+14:00"]
)
def test_a_moment_that_cannot_be_read_names_its_flag(typed: str) -> None:
    with pytest.raises(Trouble, match="--since"):
        moment_of(typed, now=NOW, flag="--since")


@pytest.mark.parametrize(("typed", "seconds"), [("60", 60), ("1m", 60), ("5m", 300), ("1h", 3600), ("1d", 86400)])
def test_a_span_is_read(typed: str, seconds: int) -> None:
    assert span_of(typed) == seconds


@pytest.mark.parametrize("typed", ["", "1w", "m", "1.5h", "1" * 20])
def test_a_span_that_cannot_be_read_is_refused(typed: str) -> None:
    with pytest.raises(Trouble):
        span_of(typed)
