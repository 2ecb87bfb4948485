"""Whatever nobody foresaw becomes an error of ours that tells where it happened and nothing of what it said."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field

import pytest

from floorbroker.domain.errors import ApiError, NotFound, Outcome
from floorbroker.oms.unforeseen import ours

KEY = "PKQ7ZT2LV9XW4RN8AHCD"


@dataclass
class Notes:
    """A log that keeps its lines."""

    lines: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def info(self, event: str, **members: object) -> None:
        raise AssertionError(event)

    warning = info

    def error(self, event: str, **members: object) -> None:
        self.lines.append((event, members))


def _break() -> None:
    try:
        raise KeyError(KEY)  # noqa: TRY301 - the chain is the point
    except KeyError as error:
        raise ValueError(f"no {KEY}") from error


def test_neither_the_error_nor_the_log_repeats_what_was_said() -> None:
    log = Notes()
    with pytest.raises(ApiError, match="unforeseen: ValueError") as caught, ours(log, "work.unforeseen", order="7"):
        _break()
    assert caught.value.outcome is Outcome.UNKNOWN
    assert KEY not in "".join(traceback.format_exception(caught.value))
    ((event, members),) = log.lines
    assert (event, members["error"], members["order"]) == ("work.unforeseen", "ValueError", "7")
    assert str(members["where"]).endswith(" in _break")
    assert KEY not in str(members)


def test_errors_of_ours_pass_as_they_are() -> None:
    error = NotFound("no such order")
    with pytest.raises(NotFound) as caught, ours(Notes(), "work.unforeseen"):
        raise error
    assert caught.value is error
