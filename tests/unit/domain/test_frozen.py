"""`frozen` makes what `dataclass(frozen=True, slots=True, kw_only=True)` makes, but for the speed of its constructor."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass, field, fields, replace

import pytest

from floorbroker.domain.frozen import frozen


@frozen
class Ours:
    a: int
    b: str = "b"
    c: list[int] = field(default_factory=list[int])
    d: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Theirs:
    a: int
    b: str = "b"
    c: list[int] = field(default_factory=list[int])
    d: tuple[int, ...] = ()


@frozen
class Checked:
    a: int

    def __post_init__(self) -> None:
        if self.a < 0:
            raise ValueError("below zero")


@frozen
class Longer(Checked):
    b: int = 2


@pytest.mark.parametrize("given", [{"a": 1}, {"a": 1, "b": "x"}, {"a": 1, "c": [1], "d": (2,)}])
def test_it_holds_what_the_dataclass_holds(given: dict[str, object]) -> None:
    ours, theirs = Ours(**given), Theirs(**given)  # type: ignore[arg-type]
    assert [getattr(ours, f.name) for f in fields(Ours)] == [getattr(theirs, f.name) for f in fields(Theirs)]
    assert repr(ours).replace("Ours", "") == repr(theirs).replace("Theirs", "")
    assert ours == Ours(**given)  # type: ignore[arg-type]
    assert replace(ours, b="y").b == "y"


def test_defaults_that_are_made_are_made_anew() -> None:
    assert Ours(a=1).c is not Ours(a=1).c


def test_nothing_can_be_changed_added_or_left_out() -> None:
    made = Ours(a=1)
    with pytest.raises(FrozenInstanceError):
        made.a = 2  # type: ignore[misc]
    with pytest.raises((FrozenInstanceError, TypeError)):
        made.e = 2  # type: ignore[attr-defined]
    for wrong in ({}, {"a": 1, "e": 2}):
        with pytest.raises(TypeError):
            Ours(**wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Ours(1)  # type: ignore[misc]


def test_what_follows_the_constructor_still_follows_it_in_a_subclass_too() -> None:
    assert Longer(a=1).b == 2
    with pytest.raises(ValueError, match="below zero"):
        Longer(a=-1)
