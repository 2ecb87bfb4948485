"""What a fact read back must be beyond its types: numbers that are numbers of a sensible size, times that have a zone.

Whatever we write is so; a file that somebody else touched may hold `NaN`, and one `NaN` in a sum is an account nobody can read.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple, cast, get_args, get_type_hints

from floorbroker.domain.facts import Fact

REACH = 100  # powers of ten either way: more than any sum of ours, less than fills a screen

_Get = Callable[[Any], tuple[Any, ...]]


class _Members(NamedTuple):
    """How to get at the members of one class: times, numbers, and records (or tuples of them) that hold such."""

    times: _Get
    numbers: _Get
    records: _Get


def is_sound(fact: Fact) -> bool:
    """Whether every number and every time in a fact can be worked with.  Every fact of every start is asked, so it is quick."""
    if fact.at.tzinfo is None or (fact.venue_time is not None and fact.venue_time.tzinfo is None):
        return False
    return _has_sound_members(fact)


def _has_sound_members(record: Any) -> bool:
    members = members_of(cast("type[object]", type(record)))
    if members is None:
        return True
    times, numbers, records = members
    for moment in times(record):
        if moment is not None and moment.tzinfo is None:
            return False
    for number in numbers(record):
        if number is not None and not (number.is_finite() and -REACH <= number.adjusted() <= REACH):
            return False
    return all(_is_sound_inside(inner) for inner in records(record))


def _is_sound_inside(inner: Any) -> bool:
    if isinstance(inner, tuple):
        return all(_has_sound_members(record) for record in cast("tuple[Any, ...]", inner))
    return inner is None or _has_sound_members(inner)


@cache
def members_of(kind: type[object]) -> _Members | None:
    """The members of a record that can be unsound, those of every fact aside; None where there are none."""
    hints = {name: _leaves(hint) for name, hint in get_type_hints(kind).items() if name not in ("at", "venue_time")}
    times = [name for name, leaves in hints.items() if datetime in leaves]
    numbers = [name for name, leaves in hints.items() if Decimal in leaves]
    records = [name for name, leaves in hints.items() if any(dataclasses.is_dataclass(leaf) for leaf in leaves)]
    return _Members(_getter(times), _getter(numbers), _getter(records)) if times or numbers or records else None


def _getter(names: list[str]) -> _Get:
    """All of these members at once, as a tuple however few they are."""
    if len(names) < 2:
        return lambda record: tuple(getattr(record, name) for name in names)
    return attrgetter(*names)


def _leaves(hint: Any) -> set[Any]:
    """The types a hint is made of: through names of types, unions and tuples."""
    options: tuple[Any, ...] = get_args(hint)
    if options:
        return {leaf for option in options for leaf in _leaves(option)}
    return {getattr(hint, "__supertype__", hint)}
