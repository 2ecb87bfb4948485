"""Which symbols belong to which sector, and what they are measured against."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.frozen import frozen

_KEYS = frozenset({"name", "benchmark", "sectors"})


@frozen
class Universe:
    """`sectors` are their members by name; the benchmark may be no member."""

    name: str
    benchmark: str
    sectors: Mapping[str, tuple[str, ...]]

    @property
    def symbols(self) -> tuple[str, ...]:
        """Every member once, and the benchmark, in order."""
        return tuple(sorted({self.benchmark, *(one for members in self.sectors.values() for one in members)}))

    @property
    def members(self) -> tuple[str, ...]:
        """Every member once, without the benchmark where that is none."""
        return tuple(sorted({one for members in self.sectors.values() for one in members}))


RECORDED = Universe(
    name="recorded",
    benchmark="SPY",
    sectors=MappingProxyType(
        {
            "Communication": ("FB", "GOOG", "GOOGL"),
            "Energy": ("BNO", "USO"),
            "Financials": ("AIG", "BAC"),
            "Funds": ("EEM", "IWM", "QQQ"),
            "Industrials": ("WM",),
            "Technology": ("AAPL", "IBM"),
        }
    ),
)
_CODES = {
    "Communication": "COM", "Discretionary": "DIS", "Energy": "ENE", "Financials": "FIN", "Health": "HEA",
    "Industrials": "IND", "Materials": "MAT", "Real estate": "REA", "Staples": "STA", "Technology": "TEC",
    "Utilities": "UTI",
}  # fmt: skip
SEEDED = Universe(
    name="seeded",
    benchmark="MKT",
    sectors=MappingProxyType({name: tuple(f"{code}{letter}" for letter in "ABCDEF") for name, code in _CODES.items()}),
)
BUILT_IN: Mapping[str, Universe] = MappingProxyType({one.name: one for one in (RECORDED, SEEDED)})


def read_universe(path: Path) -> Universe:
    """A TOML file with `name`, `benchmark` and a table `sectors` of lists.  Raises `ConfigInvalid`, naming what is wrong."""
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigInvalid(f"{path}: {error}") from error
    if unknown := set(values) - _KEYS:
        raise ConfigInvalid(f"{path}: {min(unknown)} is no key; there are: {', '.join(sorted(_KEYS))}")
    name, benchmark = values.get("name"), values.get("benchmark")
    sectors: object = values.get("sectors")
    if not isinstance(name, str) or not isinstance(benchmark, str) or not isinstance(sectors, dict) or not sectors:
        raise ConfigInvalid(f"{path}: name and benchmark are texts, sectors is a table of lists of symbols")
    found: dict[str, tuple[str, ...]] = {}
    for sector, members in sectors.items():  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(members, list) or not members or not all(isinstance(one, str) and one for one in members):  # pyright: ignore[reportUnknownVariableType]
            raise ConfigInvalid(f"{path}: sectors.{sector}: a list of symbols is needed")
        found[str(sector)] = tuple(str(one) for one in members)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return Universe(name=name, benchmark=benchmark, sectors=MappingProxyType(dict(sorted(found.items()))))
