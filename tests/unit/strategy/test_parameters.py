"""Parameters are typed, checked, and told apart from other attributes."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, ClassVar

import pytest
from pydantic import Field

from floorbroker import Strategy
from floorbroker.domain.errors import InvalidRequest, NotFound
from floorbroker.strategy import parameters_of
from floorbroker.strategy.loading import settings_from, strategy_class


class Example(Strategy):
    fast: Annotated[int, Field(ge=2)] = 50
    share: Decimal = Decimal("0.1")
    later: str  # no default: no parameter
    kind: ClassVar[str] = "example"
    _kept: int = 0


class Narrower(Example):
    share = Decimal("0.2")


def test_annotated_attributes_with_a_default_are_parameters() -> None:
    assert [*parameters_of(Example)] == ["symbols", "fast", "share"]


def test_a_subclass_may_change_a_default() -> None:
    assert Narrower().share == Decimal("0.2")


def test_text_is_read_as_the_type_of_its_parameter() -> None:
    made = Example(**settings_from({"fast": "20", "share": "0.5", "symbols": "SPY,AAPL"}))
    assert (made.fast, made.share, made.symbols) == (20, Decimal("0.5"), ("SPY", "AAPL"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"fsat": 20}, "fsat: no such parameter; did you mean fast?"),
        (
            {"fast": "x"},
            "fast: Input should be a valid integer, unable to parse string as an integer; the default is 50",
        ),
        ({"fast": 1}, "fast: Input should be greater than or equal to 2"),
    ],
)
def test_a_wrong_parameter_is_named(given: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidRequest, match="Example: ") as caught:
        Example(**given)
    assert said in caught.value.detail
    assert caught.value.fields[0].pointer == f"/{next(iter(given))}"


def test_a_strategy_is_found_by_its_name_its_file_or_its_package(tmp_path: object) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "own.py"
    path.write_text("from floorbroker import Strategy\nclass Own(Strategy):\n    size: int = 3\n", "utf-8")
    assert strategy_class("crossover").__name__ == "Crossover"
    assert strategy_class(f"{path}:Own")().called == "own"
    assert strategy_class(str(path)).__name__ == "Own"
    assert strategy_class("floorbroker.strategy.shelf.hedge:Hedge").__name__ == "Hedge"
    for wrong in ("crosover", f"{path}:Other", "no.such.package:X", "missing.py"):
        with pytest.raises(NotFound):
            strategy_class(wrong)
