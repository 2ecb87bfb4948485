"""Any fact of the schema, built from the type hints of its class, so that a new member is covered the day it comes."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from floorbroker.domain.facts import FACTS, Fact

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12)
LEAVES: dict[Any, st.SearchStrategy[Any]] = {
    Decimal: st.builds(
        lambda digits, places: Decimal(digits).scaleb(-places), st.integers(-(10**30), 10**30), st.integers(-10, 18)
    ),
    datetime: st.integers(0, 4 * 10**15).map(lambda us: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)),
    date: st.dates(),
    str: TEXT,
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    type(None): st.none(),
}


@cache
def values(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type hint."""
    if isinstance(hint, NewType):
        return values(hint.__supertype__)
    if get_origin(hint) in (Union, types.UnionType):
        return st.one_of([values(option) for option in get_args(hint)])
    if get_origin(hint) is tuple:
        return st.lists(values(get_args(hint)[0]), max_size=3).map(tuple)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    if dataclasses.is_dataclass(hint):
        return instances(hint)
    return LEAVES[hint]


def instances(cls: Any) -> st.SearchStrategy[Any]:
    """Instances of a dataclass with every member drawn."""
    hints = get_type_hints(cls)
    make: Callable[..., Any] = cls
    return st.builds(make, **{member.name: values(hints[member.name]) for member in dataclasses.fields(cls)})


def facts() -> st.SearchStrategy[Fact]:
    """Any fact of any kind."""
    return st.one_of([instances(cls) for cls in FACTS.values()])
