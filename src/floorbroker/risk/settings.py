"""The `[risk]` section: limits that every profile has, limits of whole scopes, and what one currency is worth in another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from decimal import Decimal
from typing import cast

from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import NotExact, decimal_of
from floorbroker.risk.limits import SharedLimits, shared_limits_of
from floorbroker.risk.scope import GLOBAL, NAMED, scope_key

RATES, BASE = "rates", "base_currency"
_OWN = frozenset({RATES, BASE, GLOBAL, *(kind.value for kind in NAMED)})


@frozen
class RiskSettings:
    """Limits by scope (`global`, `strategy:momentum-1`), and what one unit of a currency is worth in `base_currency`."""

    scopes: Mapping[str, SharedLimits] = field(default_factory=dict[str, SharedLimits])
    base_currency: str = "USD"
    rates: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])


def common_limits(section: Mapping[str, object]) -> dict[str, object]:
    """What the section says of every profile."""
    return {name: value for name, value in section.items() if name not in _OWN}


def settings_of(section: Mapping[str, object]) -> RiskSettings:
    """What the section says beyond that.  Raises `ConfigInvalid` naming the key."""
    scopes: dict[str, SharedLimits] = {}
    if GLOBAL in section:
        scopes[GLOBAL] = shared_limits_of(_table(section, GLOBAL), GLOBAL)
    for kind in NAMED:
        for name, limits in _table(section, kind.value).items():
            key = scope_key(kind, name)
            scopes[key] = shared_limits_of(_inner(key, limits), key)
    base = section.get(BASE, "USD")
    if not isinstance(base, str) or not base.isupper():
        raise ConfigInvalid(f"risk.{BASE}: write a currency in capitals, like USD")
    return RiskSettings(scopes=scopes, base_currency=base, rates=_rates(_table(section, RATES)))


def _rates(table: Mapping[str, object]) -> dict[str, Decimal]:
    rates: dict[str, Decimal] = {}
    for currency, raw in table.items():
        try:
            rates[currency] = decimal_of(cast("str", raw))
        except NotExact as error:
            raise ConfigInvalid(f"risk.{RATES}.{currency}: {error}") from None
        if rates[currency] <= 0:
            raise ConfigInvalid(f"risk.{RATES}.{currency}: a rate is above zero")
    return rates


def _table(section: Mapping[str, object], name: str) -> Mapping[str, object]:
    return _inner(name, section.get(name, {}))


def _inner(name: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ConfigInvalid(f"risk.{name} is a table of limits")
    return cast("dict[str, object]", value)
