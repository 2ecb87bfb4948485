"""Statistics that reports stand on, and universes that people write."""

from __future__ import annotations

from pathlib import Path

import pytest

from floorbroker.domain.errors import ConfigInvalid
from floorbroker.research.numbers import change, changes, correlation, deviation, mean, scores, share, text
from floorbroker.research.universe import RECORDED, SEEDED, read_universe


def test_unknown_stays_unknown() -> None:
    assert (text(None), text(float("nan")), text(-1e-9), text(0.1 + 0.2)) == (None, None, "0.000000", "0.300000")
    assert (mean([]), deviation([1.0]), share([])) == (None, None, None)
    assert change([1.0, None], 1) is None
    assert change([1.0], 1) is None
    assert changes([2.0, 3.0, None, 6.0]) == [None, 0.5, None, None]
    assert scores([1.0, None, 1.0]) == [0.0, None, 0.0]


def test_correlation_uses_the_days_that_both_have() -> None:
    left: list[float | None] = [1, 2, None, 4]
    assert correlation(left, [2, 4, 9, 8], least=3) == pytest.approx(1)
    assert correlation(left, [2, 4, 9, 8], least=4) is None
    assert correlation(left, [5, 5, 5, 5], least=2) is None


def test_built_in_universes_name_each_symbol_once() -> None:
    for universe in (RECORDED, SEEDED):
        members = [one for sector in universe.sectors.values() for one in sector]
        assert len(members) == len(set(members)) == len(universe.members)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("name = 1\n", "name and benchmark"),
        ('name = "x"\nbenchmark = "SPY"\n', "sectors"),
        ('name = "x"\nbenchmark = "SPY"\nsector = 1\n', "sector is no key"),
        ('name = "x"\nbenchmark = "SPY"\n[sectors]\nA = "AAPL"\n', "sectors.A"),
        ("=", "x.toml"),
    ],
)
def test_a_wrong_universe_is_told_where(tmp_path: Path, words: str, told: str) -> None:
    path = tmp_path / "x.toml"
    path.write_text(words)
    with pytest.raises(ConfigInvalid, match=told):
        read_universe(path)


def test_a_universe_is_read_in_the_order_of_its_sectors(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text('name = "mine"\nbenchmark = "SPY"\n[sectors]\nB = ["BAC"]\nA = ["AAPL", "IBM"]\n')
    universe = read_universe(path)
    assert (list(universe.sectors), universe.symbols) == (["A", "B"], ("AAPL", "BAC", "IBM", "SPY"))
