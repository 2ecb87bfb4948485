"""The list of brokers: code to facts and builder.  A new broker is one line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from floorbroker.brokers import alpaca, binance, bybit, ibkr, ibkr_web, kraken, oanda, paper, tradier, upstox
from floorbroker.brokers.wiring import Wiring
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.errors import ConfigInvalid, NotSupported
from floorbroker.domain.ports import Broker, LogIn


class _Package(Protocol):
    """What every broker's package has; what is more than facts loads when it is asked for."""

    INFO: BrokerInfo

    def build(self, wiring: Wiring, /) -> Broker: ...

    def options_from(self, options: Mapping[str, str], /) -> object: ...


_LISTED: tuple[_Package, ...] = (
    paper,
    alpaca,
    binance,
    bybit,
    kraken,
    ibkr,
    ibkr_web,
    oanda,
    tradier,
    upstox,
)
_PACKAGES: Mapping[str, _Package] = MappingProxyType({package.INFO.code: package for package in _LISTED})

BROKERS: Mapping[str, BrokerInfo] = MappingProxyType({code: package.INFO for code, package in _PACKAGES.items()})


def log_in(wiring: Wiring) -> LogIn:
    """How a person logs in at the broker of a profile.  Raises `NotSupported` where nobody does (`Can.LOGIN`)."""
    code = wiring.profile.broker
    if code != upstox.INFO.code:
        raise NotSupported(f"nobody logs in at {code} from here: its keys hold until they are changed")
    return upstox.build_log_in(wiring)


def load_rooms(code: str) -> None:
    """Load the rooms of the broker `code`, if it is in the list: some hundredths of a second, which a desk that runs spends in
    a thread.
    """
    if code in _PACKAGES:
        _ = _PACKAGES[code].build


def check_options(code: str, options: Mapping[str, str]) -> None:
    """Raises `ConfigInvalid` for an option that the broker `code`, which is in the list, does not take."""
    _PACKAGES[code].options_from(options)


def build(wiring: Wiring) -> Broker:
    """The broker of a profile.  Raises `ConfigInvalid` for a code nobody knows and for an environment it lacks."""
    code, environment = wiring.profile.broker, wiring.profile.environment
    if code not in BROKERS:
        raise ConfigInvalid(
            f"profile {wiring.profile.name}: broker {code!r} is not one of {', '.join(sorted(BROKERS))}"
        )
    if environment not in BROKERS[code].environments:
        raise ConfigInvalid(f"profile {wiring.profile.name}: {code} has no environment {environment.value}")
    return _PACKAGES[code].build(wiring)
