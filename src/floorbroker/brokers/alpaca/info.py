"""Facts of Alpaca as data: hosts, abilities, credential fields, options.

Documents: docs.alpaca.markets/docs/orders-at-alpaca; docs.alpaca.markets/docs/fractional-trading; Trading API 2.0.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from urllib.parse import urlsplit

from floorbroker.domain.capability import (
    Allowance,
    BookProof,
    BookRules,
    BrokerInfo,
    Can,
    CredentialField,
    Etiquette,
    IdentityClass,
    OptionField,
    Sign,
)
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.forms import wrong_option
from floorbroker.domain.values import AssetClass, Environment, OrderClass, OrderType, TimeInForce
from floorbroker.transport.bodies import BodyFields
from floorbroker.transport.reach import is_loopback

TRADING_LIVE = "https://api.alpaca.markets"
TRADING_PAPER = "https://paper-api.alpaca.markets"
DATA = "https://data.alpaca.markets"
DATA_STREAM = "wss://stream.data.alpaca.markets"

INFO = BrokerInfo(
    code="ALPACA",
    folder="alpaca",
    market="XNYS",
    priced_in="USD",
    name="Alpaca",
    environments=(Environment.SIM, Environment.PAPER, Environment.LIVE),
    can=frozenset(
        {
            Can.CANCEL,
            Can.CANCEL_ALL,
            Can.REPLACE,
            Can.REPLACE_QTY,
            Can.QUERY_BY_CLIENT_ID,
            Can.FRACTIONAL,
            Can.NOTIONAL,
            Can.SHORT,
            Can.EXTENDED_HOURS,
            Can.OPTIONS,
            Can.OPTION_CHAIN,
            Can.MULTILEG,
            Can.BRACKET,
            Can.OCO,
            Can.OTO,
            Can.STREAM_ORDERS,
            Can.STREAM_QUOTES,
            Can.STREAM_TRADES,
            Can.STREAM_BARS,
            Can.STREAM_BOOK,
            Can.HISTORY_BARS,
            Can.HISTORY_FILLS,
            Can.MARKET_HOURS,
        }
    ),
    order_types=MappingProxyType(
        {
            AssetClass.EQUITY: frozenset(OrderType) - {OrderType.MARKET_IF_TOUCHED, OrderType.LIMIT_IF_TOUCHED},
            AssetClass.OPTION: frozenset({OrderType.MARKET, OrderType.LIMIT}),
            AssetClass.CRYPTO: frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP_LIMIT}),
        }
    ),
    tifs=MappingProxyType(
        {
            AssetClass.EQUITY: frozenset(TimeInForce) - {TimeInForce.GTD},
            AssetClass.OPTION: frozenset({TimeInForce.DAY}),
            AssetClass.CRYPTO: frozenset({TimeInForce.GTC, TimeInForce.IOC}),
        }
    ),
    order_classes=frozenset(OrderClass),
    hosts=MappingProxyType({TRADING_LIVE: Environment.LIVE, TRADING_PAPER: Environment.PAPER}),
    identity=IdentityClass.A,
    arrival_bound_s=60.0,
    bound_enforced=False,
    visibility_lag_s=2.0,
    # "Total", says the document; as much again after a partial fill, reports https://github.com/alpacahq/Alpaca-API/issues/165
    whole_successors=True,
    # Seen in every reply on record; the schema says only that it is text.  Live numbers are digits.
    account_sign=Sign(beginnings=MappingProxyType({"PA": Environment.PAPER}), otherwise=Environment.LIVE),
    # github.com/alpacahq/alpaca-trade-api-go/issues/17: the venue's own staff on PK; other beginnings tell nothing.
    key_sign=Sign(beginnings=MappingProxyType({"PK": Environment.PAPER, "AK": Environment.LIVE})),
    etiquette=Etiquette(
        allowances=(
            Allowance(
                name="trading",
                requests=200,
                per_s=60.0,
                option="trading_requests_min",
                document="https://alpaca.markets/learn/how-to-fix-common-trading-api-errors-at-alpaca",
            ),
            Allowance(
                name="data",
                requests=200,
                per_s=60.0,
                endpoints=("data",),
                reads_only=True,
                document="https://docs.alpaca.markets/docs/about-market-data-api",
            ),
        ),
        session_rules=(
            "One market data connection a feed: a second one is refused (406), the first lives on.",
            "No daily log-in and no daily reset; keys hold until they are withdrawn.",
            "No order-rate rule beside the requests a minute.",
        ),
        documents=("https://docs.alpaca.markets/docs/streaming-market-data",),
    ),
    book=BookRules(proof=BookProof.NONE, document="https://docs.alpaca.markets/docs/real-time-crypto-pricing-data"),
    withdrawals=(
        "Alpaca does not tell what a key may do. Bank transfers are out of a trading key's reach; a live key can ask for a"
        " withdrawal of coins, to an address approved a day before, unless transfers of the account are blocked."
    ),
    fields=(
        CredentialField(
            name="BROKER_API_KEY",
            label="Key ID",
            help="Paper keys begin with PK, live keys with AK; each works on its own host alone.",
            secret=True,
            example="PKXXXXXXXXXXXXXXXXXX",
            pattern=r"[A-Za-z0-9_-]{1,128}",
            shape="letters, digits, - and _ alone",
            prefixes=MappingProxyType({Environment.PAPER: "PK", Environment.LIVE: "AK"}),
        ),
        CredentialField(
            name="BROKER_SECRET_KEY",
            label="Secret key",
            help="Shown once, when the key is made.",
            secret=True,
            example="40 letters and digits",
            pattern=r"[A-Za-z0-9/+=_-]{1,256}",
            shape="letters, digits, /, +, =, - and _ alone",
        ),
        CredentialField(
            name="BROKER_ACCOUNT_NUMBER",
            label="Account number",
            help="Whose account it is, as its dashboard shows it. When given, a key of any other account is refused.",
            required=False,
            example="PA3XXXXXXXXX",
            pattern=r"[A-Za-z0-9]{1,40}",
            shape="letters and digits alone",
        ),
        CredentialField(
            name="BROKER_URL",
            label="Origin",
            help="Where the simulator listens. Paper and live have hosts of their own.",
            example="http://127.0.0.1:8801",
            environments=frozenset({Environment.SIM}),
        ),
    ),
    options=(
        OptionField(
            name="order_events",
            help="How order events arrive: websocket (all), sse (fills and corrections; the rest by asking) or both.",
            default="websocket",
            choices=("websocket", "sse", "both"),
        ),
        OptionField(
            name="stock_feed",
            help="Where quotes of shares come from; sip needs a paid plan.",
            default="iex",
            choices=("iex", "sip", "delayed_sip", "test"),
        ),
        OptionField(
            name="option_feed",
            help="Where quotes of options come from; opra needs a paid plan.",
            default="indicative",
            choices=("indicative", "opra"),
        ),
        OptionField(
            name="crypto_loc", help="Which market of coins is asked.", default="us", choices=("us", "us-1", "eu-1")
        ),
        OptionField(
            name="trading_requests_min",
            help="How many trading requests a minute the account's plan allows.",
            default="200",
            whole=True,
            least=Decimal(1),
            most=Decimal(9_999_999),
        ),
    ),
    documents=(
        "https://docs.alpaca.markets/reference",
        "https://docs.alpaca.markets/docs/orders-at-alpaca",
        "https://docs.alpaca.markets/docs/websocket-streaming",
        "https://docs.alpaca.markets/docs/streaming-market-data",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """Where each kind of traffic goes: origins without a path."""

    trading: str
    data: str
    stream: str
    data_stream: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a profile, all text; what each means stands in `INFO.options`."""

    order_events: str = "websocket"
    stock_feed: str = "iex"
    option_feed: str = "indicative"
    crypto_loc: str = "us"
    trading_requests_min: str = "200"


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
    trading = TRADING_LIVE if environment is Environment.LIVE else TRADING_PAPER
    if url and url.rstrip("/") != trading:
        raise ConfigInvalid(f"BROKER_URL of the {environment.value} environment is {trading}, or left out")
    return Origins(trading=trading, data=DATA, stream=_socket(trading), data_stream=DATA_STREAM)


def hosts_for(environment: Environment) -> dict[str, Environment]:
    """The closed table of `HostTable`, host -> environment; market data has the same hosts in paper and live."""
    if environment is Environment.SIM:
        return {}
    origins = origins_for(environment)
    return {_host(origin): environment for origin in (origins.trading, origins.data, origins.data_stream)}


def _simulator(url: str | None) -> Origins:
    if not url:
        raise ConfigInvalid("environment sim needs BROKER_URL, the origin of a simulator on this machine")
    origin = url.rstrip("/")
    if origin.partition("://")[0] not in ("http", "https") or not is_loopback(_host(origin)):
        raise ConfigInvalid("environment sim reaches loopback only: BROKER_URL is like http://127.0.0.1:8801")
    return Origins(trading=origin, data=origin, stream=_socket(origin), data_stream=_socket(origin))


def _socket(origin: str) -> str:
    return origin.replace("http", "ws", 1)


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""


_ORDERS = (
    "id client_order_id created_at updated_at submitted_at filled_at expired_at expires_at canceled_at failed_at replaced_at "
    "replaced_by replaces symbol asset_class notional qty filled_qty filled_avg_price order_class order_type type side "
    "time_in_force limit_price stop_price status extended_hours legs trail_percent trail_price trail hwm position_intent "
    "ratio_qty take_profit stop_loss"
)
_REFUSALS = "code message body existing_order_id existing_qty held_for_orders available buying_power cost_basis"
_HOLDINGS = (
    "qty_available avg_entry_price current_price market_value unrealized_pl exchange activity_type transaction_time price "
    "cum_qty leaves_qty order_id order_status execution_id"
)
_RULES = (
    "class name tradable marginable shortable easy_to_borrow borrow_status fractionable min_order_size min_trade_increment "
    "price_increment multiplier timestamp is_open next_open next_close date open close session_open session_close"
)
_ACCOUNT = (
    "status currency cash equity last_equity buying_power non_marginable_buying_power options_buying_power multiplier "
    "initial_margin maintenance_margin long_market_value short_market_value options_trading_level shorting_enabled "
    "trading_blocked transfers_blocked account_blocked trade_suspended_by_user pattern_day_trader daytrade_count code message"
)
AUDITED = BodyFields(
    allowed=frozenset(f"{_ORDERS} {_REFUSALS} {_HOLDINGS} {_RULES}".split()),
    elsewhere=MappingProxyType({"account.get": frozenset(_ACCOUNT.split())}),  # whose account it is stands in no record
)
"""What the audit shows of this venue's bodies."""
