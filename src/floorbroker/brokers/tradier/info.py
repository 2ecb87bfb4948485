"""Facts of Tradier as data: hosts, abilities, credential fields, options.

Documents: documentation.tradier.com/brokerage-api (overview, trading, markets, streaming); docs.tradier.com.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from urllib.parse import urlsplit

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
from floorbroker.domain.forms import wrong_option
from floorbroker.domain.values import AssetClass, Environment, OrderClass, OrderType, TimeInForce
from floorbroker.transport.bodies import BodyFields
from floorbroker.transport.reach import is_loopback

API_LIVE = "https://api.tradier.com"
API_PAPER = "https://sandbox.tradier.com"
SOCKET_LIVE = "wss://ws.tradier.com"
SOCKET_PAPER = "wss://sandbox-ws.tradier.com"

_TYPES = frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT})
_TIFS = frozenset({TimeInForce.DAY, TimeInForce.GTC})
_RATES = "https://documentation.tradier.com/brokerage-api/overview/rate-limiting"

INFO = BrokerInfo(
    code="TRADIER",
    folder="tradier",
    market="XNYS",
    priced_in="USD",
    name="Tradier",
    environments=(Environment.SIM, Environment.PAPER, Environment.LIVE),
    can=frozenset(
        {
            Can.CANCEL,
            Can.REPLACE,
            Can.SHORT,
            Can.EXTENDED_HOURS,
            Can.OPTIONS,
            Can.OPTION_CHAIN,
            Can.OPTION_EVENTS,
            Can.MULTILEG,
            Can.BRACKET,
            Can.OCO,
            Can.OTO,
            Can.STREAM_ORDERS,
            Can.STREAM_QUOTES,
            Can.STREAM_TRADES,
            Can.HISTORY_BARS,
            Can.MARKET_HOURS,
            Can.PREVIEW,
        }
    ),
    order_types=MappingProxyType({AssetClass.EQUITY: _TYPES, AssetClass.OPTION: _TYPES}),
    tifs=MappingProxyType({AssetClass.EQUITY: _TIFS, AssetClass.OPTION: _TIFS}),
    order_classes=frozenset(OrderClass),
    hosts=MappingProxyType({API_LIVE: Environment.LIVE, API_PAPER: Environment.PAPER}),
    identity=IdentityClass.C,  # a tag is a label: neither unique nor a key to ask by
    arrival_bound_s=60.0,
    bound_enforced=False,
    visibility_lag_s=5.0,
    amends_in_place=True,
    etiquette=Etiquette(
        allowances=(
            # Half of these in the sandbox: `limits_for`.
            Allowance(name="standard", requests=120, per_s=60.0, document=_RATES),
            Allowance(
                name="trading",
                requests=60,
                per_s=60.0,
                endpoints=(
                    "orders.submit",
                    "orders.replace",
                    "orders.cancel",
                    "orders.preview",
                ),
                option="trading_requests_min",
                document=_RATES,
            ),
            Allowance(
                name="markets", requests=120, per_s=60.0, endpoints=("markets",), reads_only=True, document=_RATES
            ),
        ),
        session_rules=(
            "Order events are polled; the budget for it is a third of the standard allowance.",
            "One market data session at a time, made by a request and used within five minutes; none in the sandbox.",
            "No daily log-in; personal tokens hold until they are withdrawn.",
        ),
        documents=("https://documentation.tradier.com/brokerage-api/streaming/wss-market-websocket",),
    ),
    withdrawals=(
        "Tradier does not tell what a token may do. Transfers of money are no part of the trading API that its documents"
        " describe."
    ),
    fields=(
        CredentialField(
            name="BROKER_API_KEY",
            label="Access token",
            help="Made in the dashboard; production and sandbox have tokens of their own.",
            secret=True,
            example="28 letters and digits",
            pattern=r"[A-Za-z0-9_.-]{1,256}",
            shape="letters, digits, -, _ and . alone",
        ),
        CredentialField(
            name="BROKER_ACCOUNT_NUMBER",
            label="Account number",
            help="Which of the token's accounts trades; sandbox numbers begin with VA as live ones may.",
            example="VA12345678",
            pattern=r"[A-Za-z0-9]{1,32}",
            shape="letters and digits alone",
        ),
        CredentialField(
            name="BROKER_URL",
            label="Origin",
            help="Where the simulator listens. Paper and live have hosts of their own.",
            example="http://127.0.0.1:8804",
            environments=frozenset({Environment.SIM}),
        ),
    ),
    options=(
        OptionField(
            name="order_events",
            help="How order events arrive: poll (asks for the orders) or both (asks at once when the account stream tells).",
            default="poll",
            choices=("poll", "both"),
        ),
        OptionField(
            name="trading_requests_min",
            help="How many requests a minute that place, change, cancel or preview orders the token is allowed.",
            default="60",
            whole=True,
            least=Decimal(1),
            most=Decimal(9_999_999),
        ),
    ),
    documents=(
        "https://documentation.tradier.com/brokerage-api",
        "https://documentation.tradier.com/brokerage-api/trading/place-equity-order",
        "https://docs.tradier.com/docs/error-responses",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """Where each kind of traffic goes: origins without a path.  `data_stream` is None where there is none."""

    api: str
    stream: str
    data_stream: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a profile, all text; what each means stands in `INFO.options`."""

    order_events: str = "poll"
    trading_requests_min: str = "60"


def options_from(given: Mapping[str, str]) -> Options:
    """The typed options of a profile; raises `ConfigInvalid` for names and values we do not know."""
    if wrong := wrong_option(INFO.options, given):
        raise ConfigInvalid(f"{INFO.name}: {wrong}")
    return Options(**given)


def origins_for(environment: Environment, url: str | None = None) -> Origins:
    """The origins of an environment.  `url` (BROKER_URL) is needed in sim, must be loopback there, and cannot redirect others.

    Raises `ConfigInvalid`.
    """
    if environment is Environment.SIM:
        return _simulator(url)
    api = API_LIVE if environment is Environment.LIVE else API_PAPER
    if url and url.rstrip("/") != api:
        raise ConfigInvalid(f"BROKER_URL of the {environment.value} environment is {api}, or left out")
    if environment is Environment.LIVE:
        return Origins(api=api, stream=SOCKET_LIVE, data_stream=SOCKET_LIVE)
    return Origins(api=api, stream=SOCKET_PAPER, data_stream=None)


def hosts_for(environment: Environment) -> dict[str, Environment]:
    """The closed table of `HostTable`, host -> environment."""
    if environment is Environment.SIM:
        return {}
    origins = origins_for(environment)
    return {_host(origin): environment for origin in (origins.api, origins.stream)}


def _simulator(url: str | None) -> Origins:
    if not url:
        raise ConfigInvalid("environment sim needs BROKER_URL, the origin of a simulator on this machine")
    origin = url.rstrip("/")
    if origin.partition("://")[0] not in ("http", "https") or not is_loopback(_host(origin)):
        raise ConfigInvalid("environment sim reaches loopback only: BROKER_URL is like http://127.0.0.1:8804")
    socket = origin.replace("http", "ws", 1)
    return Origins(api=origin, stream=socket, data_stream=socket)


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""


_ORDERS = (
    "orders order id type symbol side quantity status duration price stop stop_price avg_fill_price exec_quantity "
    "last_fill_price last_fill_quantity remaining_quantity create_date transaction_date class tag option_symbol num_legs "
    "strategy leg reason_description partner_id preview commission cost fees result order_cost margin_change request_date "
    "extended_hours day_trades errors error fault faultstring detail errorcode"
)
_INDEXED = " ".join(
    f"{name}[{index}]"
    for name in ("symbol", "option_symbol", "side", "quantity", "type", "price", "stop", "duration")
    for index in range(4)
)
_HOLDINGS = "positions position cost_basis date_acquired"
_MARKETS = (
    "quotes quote unmatched_symbols bid ask bidsize asksize bid_date ask_date last clock timestamp state next_change "
    "next_state calendar days day date open close premarket postmarket start end"
)
_ACCOUNT = (
    "balances account_type total_cash total_equity current_requirement margin cash pdt stock_buying_power "
    "option_buying_power cash_available unsettled_funds uncleared_funds maintenance_call fed_call errors error fault "
    "faultstring"
)
AUDITED = BodyFields(
    allowed=frozenset(f"{_ORDERS} {_INDEXED} {_HOLDINGS} {_MARKETS}".split()),
    elsewhere=MappingProxyType(
        {
            "accounts.balances": frozenset(_ACCOUNT.split()),
            "accounts.profile": frozenset(
                {"errors", "error", "fault", "faultstring"}
            ),  # whose account it is stays unsaid
            "sessions.create": frozenset({"errors", "error", "fault", "faultstring"}),
        }
    ),
)
"""What the audit shows of this venue's bodies."""
