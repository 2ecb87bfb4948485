"""The list of brokers: code to facts and builder.  A new broker is one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from floorbroker.brokers import alpaca, binance, bybit, ibkr, ibkr_web, kraken, oanda, paper, tradier, upstox
from floorbroker.brokers.wiring import Wiring
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.errors import ConfigInvalid, NotSupported
from floorbroker.domain.ports import Broker, LogIn

_PACKAGES = (
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

BROKERS: Mapping[str, BrokerInfo] = MappingProxyType({package.INFO.code: package.INFO for package in _PACKAGES})

_BUILDERS: Mapping[str, Callable[[Wiring], Broker]] = MappingProxyType(
    {package.INFO.code: package.build for package in _PACKAGES}
)
_OPTIONS: Mapping[str, Callable[[Mapping[str, str]], object]] = MappingProxyType(
    {package.INFO.code: package.options_from for package in _PACKAGES}
)


_LOG_INS: Mapping[str, Callable[[Wiring], LogIn]] = MappingProxyType({upstox.INFO.code: upstox.build_log_in})


def log_in(wiring: Wiring) -> LogIn:
    """How a person logs in at the broker of a profile.  Raises `NotSupported` where nobody does (`Can.LOGIN`)."""
    code = wiring.profile.broker
    if code not in _LOG_INS:
        raise NotSupported(f"nobody logs in at {code} from here: its keys hold until they are changed")
    return _LOG_INS[code](wiring)


def check_options(code: str, options: Mapping[str, str]) -> None:
    """Raises `ConfigInvalid` for an option that the broker `code`, which is in the list, does not take."""
    _OPTIONS[code](options)


def build(wiring: Wiring) -> Broker:
    """The broker of a profile.  Raises `ConfigInvalid` for a code nobody knows and for an environment it lacks."""
    code, environment = wiring.profile.broker, wiring.profile.environment
    if code not in BROKERS:
        raise ConfigInvalid(
            f"profile {wiring.profile.name}: broker {code!r} is not one of {', '.join(sorted(BROKERS))}"
        )
    if environment not in BROKERS[code].environments:
        raise ConfigInvalid(f"profile {wiring.profile.name}: {code} has no environment {environment.value}")
    return _BUILDERS[code](wiring)
