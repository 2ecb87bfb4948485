"""Facts of Polygon as data: hosts, plans, credential fields.

Documents: massive.com/docs/rest, massive.com/docs/websocket, massive.com/knowledge-base.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from floorbroker.domain.capability import (
    Allowance,
    BrokerInfo,
    Can,
    CredentialField,
    Etiquette,
    IdentityClass,
    OptionField,
)
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.values import AssetClass, Environment
from floorbroker.marketdata.providers.outfit import simulator
from floorbroker.transport.bodies import BodyFields

API = "https://api.massive.com"
STREAM = "wss://socket.massive.com"
STREAM_DELAYED = "wss://delayed.massive.com"
_LIMITS = "https://massive.com/knowledge-base"

FREE, PAID = "free", "paid"
PER_MINUTE = {FREE: 5, PAID: 6_000}  # paid plans are asked to stay below a hundred a second

INFO = BrokerInfo(
    code="POLYGON",
    folder="polygon",
    name="Polygon",
    environments=(Environment.SIM, Environment.LIVE),
    can=frozenset({Can.HISTORY_BARS, Can.STREAM_QUOTES, Can.STREAM_TRADES}),
    order_types=MappingProxyType({AssetClass.EQUITY: frozenset(), AssetClass.CRYPTO: frozenset()}),
    tifs=MappingProxyType({}),
    hosts=MappingProxyType({API: Environment.LIVE}),
    identity=IdentityClass.C,
    etiquette=Etiquette(
        allowances=(
            Allowance(name="requests", requests=5, per_s=60.0, endpoints=("*",), reads_only=True, document=_LIMITS),
        ),
        session_rules=("One connection for each market and key; a delayed plan has a host of its own.",),
        documents=("https://massive.com/docs/websocket/quickstart",),
    ),
    withdrawals="A key reads market data and can do nothing else.",
    fields=(
        CredentialField(
            name="BROKER_API_KEY", label="API key", help="From the dashboard of the account.", secret=True,
            example="32 letters, digits and _", pattern=r"[A-Za-z0-9_.-]{1,256}",
            shape="letters, digits, -, _ and . alone",
        ),
        CredentialField(
            name="BROKER_URL", label="Origin", help="Where the simulator listens. The service has a host of its own.",
            example="http://127.0.0.1:9760", environments=frozenset({Environment.SIM}),
        ),
    ),
    options=(
        OptionField(
            name="plan", help="free (five requests a minute) or paid.", default=FREE, choices=(FREE, PAID)
        ),
        OptionField(
            name="feed", help="realtime, or delayed by a quarter of an hour.", default="realtime",
            choices=("realtime", "delayed"),
        ),
    ),
    documents=("https://massive.com/docs/rest/quickstart", "https://massive.com/docs/websocket/quickstart"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """Where each kind of traffic goes."""

    api: str
    stream: str


def origins_for(environment: Environment, *, url: str = "", feed: str = "realtime") -> Origins:
    """Raises `ConfigInvalid` for an environment the service lacks, and for an address it does not have."""
    if environment is Environment.SIM:
        origin = simulator(url, usual="http://127.0.0.1:9760")
        return Origins(api=origin, stream=origin.replace("http", "ws", 1))
    if environment is not Environment.LIVE:
        raise ConfigInvalid(f"Polygon has no environment {environment.value}")
    if url and url.rstrip("/") != API:
        raise ConfigInvalid(f"BROKER_URL of Polygon is {API}, or left out")
    return Origins(api=API, stream=STREAM if feed == "realtime" else STREAM_DELAYED)


def hosts_for(environment: Environment) -> dict[str, Environment]:
    """The closed table of `HostTable`, host -> environment."""
    if environment is Environment.SIM:
        return {}
    return {origin.partition("://")[2]: environment for origin in (API, STREAM, STREAM_DELAYED)}


_SHOWN = ("status", "error", "message", "resultsCount", "queryCount", "count", "ticker", "adjusted")
AUDITED = BodyFields(allowed=frozenset(_SHOWN))
"""What an audit shows of this service's bodies."""
