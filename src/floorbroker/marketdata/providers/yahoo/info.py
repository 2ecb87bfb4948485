"""Facts of Yahoo as data.  There is no contract: the service is read through a library, for history alone.

Document: github.com/ranaroussi/yfinance.
"""

from __future__ import annotations

from types import MappingProxyType

from floorbroker.domain.capability import BrokerInfo, Can, CredentialField, Etiquette, IdentityClass
from floorbroker.domain.errors import ConfigInvalid, NotSupported
from floorbroker.domain.values import AssetClass, Environment
from floorbroker.marketdata.providers.outfit import simulator

INFO = BrokerInfo(
    code="YAHOO",
    folder="yahoo",
    name="Yahoo",
    environments=(Environment.SIM, Environment.LIVE),
    can=frozenset({Can.HISTORY_BARS}),
    order_types=MappingProxyType({AssetClass.EQUITY: frozenset(), AssetClass.CRYPTO: frozenset()}),
    tifs=MappingProxyType({}),
    identity=IdentityClass.C,
    etiquette=Etiquette(
        session_rules=(
            "One request after the other, two a second at most: the service publishes no limits and blocks for hours.",
            "By Yahoo's terms for personal use.",
        ),
        documents=("https://github.com/ranaroussi/yfinance",),
    ),
    withdrawals="There are no keys.",
    fields=(
        CredentialField(
            name="BROKER_URL", label="Origin", help="Where the simulator listens.", example="http://127.0.0.1:9761",
            environments=frozenset({Environment.SIM}),
        ),
    ),
    documents=("https://github.com/ranaroussi/yfinance",),
)  # fmt: skip

EXTRA = "yahoo"
_INTERVALS = {60: "1m", 120: "2m", 300: "5m", 900: "15m", 1_800: "30m", 3_600: "1h", 86_400: "1d"}


def interval_of(span_s: int) -> str:
    """The service's word for a span.  Raises `NotSupported`."""
    if span_s not in _INTERVALS:
        raise NotSupported(f"Yahoo has bars of {', '.join(_INTERVALS.values())}, not of {span_s} s")
    return _INTERVALS[span_s]


def origin_for(environment: Environment, url: str) -> str | None:
    """Where a simulator listens; None where the library knows the way itself.  Raises `ConfigInvalid`."""
    if environment is Environment.SIM:
        return simulator(url, usual="http://127.0.0.1:9761")
    if environment is not Environment.LIVE or url:
        raise ConfigInvalid("Yahoo has the environments sim, with BROKER_URL, and live, without")
    return None
