"""Everything a profile may be of: brokers, where orders go, and providers of data, where none do."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from floorbroker.brokers.registry import BROKERS, check_options
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.forms import wrong_option
from floorbroker.marketdata.providers.registry import PROVIDERS

KNOWN: Mapping[str, BrokerInfo] = MappingProxyType({**BROKERS, **PROVIDERS})
Kind = Literal["trade", "data"]
TRADE: Final = "trade"
DATA: Final = "data"


def kind_of(code: str) -> Kind:
    """`data` for a provider, `trade` for a broker."""
    return DATA if code in PROVIDERS else TRADE


def check_profile_options(code: str, options: Mapping[str, str]) -> None:
    """Raises `ConfigInvalid` for an option that `code`, which is in the list, does not take."""
    if code in BROKERS:
        check_options(code, options)
    elif wrong := wrong_option(PROVIDERS[code].options, options):
        raise ConfigInvalid(f"{PROVIDERS[code].name}: {wrong}")
