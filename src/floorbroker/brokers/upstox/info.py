"""Facts of Upstox as data: hosts, abilities, credential fields, options.

Documents: upstox.com/developer/api-documentation (authentication, place-order v3, rate-limiting, websocket feeds, instruments).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta
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
from floorbroker.domain.timetable import Timetable, Window
from floorbroker.domain.values import AssetClass, Environment, OrderType, TimeInForce
from floorbroker.transport.bodies import BodyFields
from floorbroker.transport.reach import is_loopback

BROKER = "UPSTOX"
API = "https://api.upstox.com"
ORDERS = "https://api-hft.upstox.com"
ASSETS = "https://assets.upstox.com"
FEEDS = (
    "wsfeeder-api.upstox.com,wsportfolioupdate-api.upstox.com"  # where the authorise calls lead; no page promises it
)
ZONE = "Asia/Kolkata"

_TYPES = frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT})
_TIFS = frozenset({TimeInForce.DAY, TimeInForce.IOC})
_DOCS = "https://upstox.com/developer/api-documentation"
_RATES = f"{_DOCS}/rate-limiting"
_ORDERING = ("orders.submit", "orders.replace", "orders.cancel", "orders.cancel_all", "batches.submit")
ORDERS_S = 10

INFO = BrokerInfo(
    code=BROKER,
    folder="upstox",
    market="XNSE",
    priced_in="INR",
    name="Upstox",
    environments=(
        Environment.SIM,
        Environment.LIVE,
    ),  # the venue's sandbox lists no orders: no account can be kept there
    can=frozenset(
        {
            Can.CANCEL,
            Can.CANCEL_ALL,
            Can.REPLACE,
            Can.QUERY_BY_CLIENT_ID,
            Can.BATCH,
            Can.SHORT,
            Can.STREAM_ORDERS,
            Can.STREAM_QUOTES,
            Can.STREAM_TRADES,
            Can.HISTORY_BARS,
            Can.HISTORY_FILLS,
            Can.MARKET_HOURS,
            Can.PREVIEW,
            Can.LOGIN,
        }
    ),
    order_types=MappingProxyType({AssetClass.EQUITY: _TYPES, AssetClass.OPTION: _TYPES}),
    tifs=MappingProxyType({AssetClass.EQUITY: _TIFS, AssetClass.OPTION: _TIFS}),
    hosts=MappingProxyType(dict.fromkeys((API, ORDERS), Environment.LIVE)),
    identity=IdentityClass.C,  # a tag is a label: it may stand on any number of orders
    arrival_bound_s=60.0,
    bound_enforced=False,
    listed_day="Asia/Kolkata",
    visibility_lag_s=5.0,
    amends_in_place=True,
    etiquette=Etiquette(
        allowances=(
            Allowance(name="second", requests=50, per_s=1.0, document=_RATES),
            Allowance(name="minute", requests=500, per_s=60.0, document=_RATES),
            Allowance(name="half_hour", requests=2000, per_s=1800.0, document=_RATES),
            Allowance(
                name="orders_second",
                requests=ORDERS_S,
                per_s=1.0,
                endpoints=_ORDERING,
                option="orders_per_s",
                document=_RATES,
            ),
            Allowance(name="orders_minute", requests=500, per_s=60.0, endpoints=_ORDERING, document=_RATES),
            Allowance(name="orders_half_hour", requests=2000, per_s=1800.0, endpoints=_ORDERING, document=_RATES),
            Allowance(
                name="files",
                requests=10,
                per_s=60.0,
                endpoints=("public",),
                reads_only=True,
                document=f"{_DOCS}/instruments",
            ),
        ),
        session_rules=(
            "Access tokens end at 03:30 in India each day, whenever they were made; there is no refreshing: log in daily.",
            "Orders are taken from registered addresses alone (static IP), and another address ends the tokens.",
            "One market data connection for each application and user, 2,000 instruments in full mode.",
            "The API is said to rest from midnight to 05:30 in India (UDAPI100074); its documents do not promise it.",
            "More than ten order commands a second need an algorithm registered with the exchange.",
        ),
        documents=(f"{_DOCS}/get-token", f"{_DOCS}/v3/get-market-data-feed"),
    ),
    timetable=Timetable(
        resets=(
            Window(
                begins=time(3, 30),
                lasts=timedelta(minutes=5),
                zone=ZONE,
                why="end of the day's access token",
                document=f"{_DOCS}/get-token",
            ),
        ),
    ),
    withdrawals="The trading API of Upstox has no call that moves money out of an account.",
    fields=(
        CredentialField(
            name="BROKER_API_KEY",
            label="API key",
            help="Of the application made on the developer page; the log-in calls it client_id.",
            secret=True,
            example="615b1297-d443-3b39-ba19-1927fbcdddc7",
            pattern=r"[A-Za-z0-9_-]{1,128}",
            shape="letters, digits, - and _ alone",
        ),
        CredentialField(
            name="BROKER_SECRET_KEY",
            label="API secret",
            help="Of the same application; needed for the daily log-in.",
            secret=True,
            example="10 letters and digits",
            pattern=r"[!-~]{1,128}",
            shape="printable characters without spaces",
        ),
        CredentialField(
            name="BROKER_PASSWORD",
            label="Access token",
            help="Of the day; `floorbroker broker login` puts it here. It ends at 03:30 in India.",
            required=False,
            secret=True,
            example="eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.e30.abc",
            pattern=r"[A-Za-z0-9._~+/=-]{1,4000}",
            shape="letters, digits, -, _ and . alone",
        ),
        CredentialField(
            name="BROKER_ACCOUNT_NUMBER",
            label="User id",
            help="Whose account it is (UCC). When given, a token of anybody else is refused.",
            required=False,
            example="AB1234",
            pattern=r"[A-Za-z0-9]{1,32}",
            shape="letters and digits alone",
        ),
        CredentialField(
            name="BROKER_URL",
            label="Origin",
            help="Where the simulator listens. Live has hosts of its own.",
            example="http://127.0.0.1:8806",
            environments=frozenset({Environment.SIM}),
        ),
    ),
    options=(
        OptionField(
            name="product",
            help="What orders buy: D (delivery, kept overnight), I (intraday, squared off by the broker) or MTF (on margin).",
            default="D",
            choices=("D", "I", "MTF"),
        ),
        OptionField(
            name="redirect_uri",
            help="Where the log-in page leads back to, letter for letter as the application has it.",
            default="http://127.0.0.1:8750/",
            pattern=r"https?://[!-~]{1,500}",
            said="an address that begins with http:// or https://",
        ),
        OptionField(
            name="market_protection",
            help="How far a market or stop order may run from the price: auto, off, or 1 to 25 percent.",
            default="off",
            pattern=r"auto|off|[1-9]|1[0-9]|2[0-5]",
            said="auto, off, or a whole number from 1 to 25",
        ),
        OptionField(
            name="algo_name",
            help="The algorithm registered with the exchange, told with each order; empty without one.",
            default="",
            pattern=r"[A-Za-z0-9 _.-]{0,64}",
            said="letters, digits, spaces, -, _ and . alone",
        ),
        OptionField(
            name="orders_per_s",
            help="Order commands a second that the account may send; more than 10 with a registered algorithm alone.",
            default=str(ORDERS_S),
            whole=True,
            least=Decimal(1),
            most=Decimal(50),
        ),
        OptionField(
            name="derivatives",
            help="Whether options of NSE and BSE are read from the files, some hundred thousand of them, and traded.",
            default="off",
            choices=("off", "options"),
        ),
        OptionField(
            name="feed_hosts",
            help="Hosts of the venue's streams, parted by commas: they may lead to no other.",
            default=FEEDS,
            pattern=r"[a-z0-9-]{1,60}\.upstox\.com(,[a-z0-9-]{1,60}\.upstox\.com){0,7}",
            said="hosts like wsfeeder-api.upstox.com, parted by commas",
        ),
        OptionField(
            name="gtt",
            help="GTT orders that others placed: watch (list and cancel them), or ignore.",
            default="watch",
            choices=("watch", "ignore"),
        ),
        OptionField(
            name="exchanges",
            help="Whose instruments are read at the beginning.",
            default="NSE,BSE",
            choices=("NSE,BSE", "NSE", "BSE"),
        ),
    ),
    documents=(f"{_DOCS}/v3/place-order", f"{_DOCS}/error-codes", f"{_DOCS}/get-portfolio-stream-feed"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """Where each kind of traffic goes: origins without a path.  Streams go where the venue's authorise calls say."""

    api: str
    orders: str
    assets: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a profile, all text; what each means stands in `INFO.options`."""

    product: str = "D"
    redirect_uri: str = "http://127.0.0.1:8750/"
    market_protection: str = "off"
    algo_name: str = ""
    orders_per_s: str = str(ORDERS_S)
    derivatives: str = "off"
    feed_hosts: str = FEEDS
    gtt: str = "watch"
    exchanges: str = "NSE,BSE"

    @property
    def watches_gtt(self) -> bool:
        """Whether GTT orders are listed, and heard of on the stream."""
        return self.gtt == "watch"

    @property
    def protection(self) -> int:
        """As the venue has it: -1 is automatic, 0 none, else percent."""
        return int({"auto": "-1", "off": "0"}.get(self.market_protection, self.market_protection))


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
    if environment is not Environment.LIVE:
        raise ConfigInvalid("Upstox has no paper accounts: its sandbox checks orders and keeps no books")
    if url and url.rstrip("/") != API:
        raise ConfigInvalid(f"BROKER_URL of the live environment is {API}, or left out")
    return Origins(api=API, orders=ORDERS, assets=ASSETS)


def hosts_for(environment: Environment, feed_hosts: str = FEEDS) -> dict[str, Environment]:
    """The closed table of `HostTable`, host -> environment.  `feed_hosts` are those of the profile's options."""
    if environment is Environment.SIM:
        return {}
    origins = origins_for(environment)
    named = (*map(_host, (origins.api, origins.orders, origins.assets)), *feed_hosts.split(","))
    return dict.fromkeys(named, environment)


def _simulator(url: str | None) -> Origins:
    if not url:
        raise ConfigInvalid("environment sim needs BROKER_URL, the origin of a simulator on this machine")
    origin = url.rstrip("/")
    if origin.partition("://")[0] not in ("http", "https") or not is_loopback(_host(origin)):
        raise ConfigInvalid("environment sim reaches loopback only: BROKER_URL is like http://127.0.0.1:8806")
    return Origins(api=origin, orders=origin, assets=origin)


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""


_ERRORS = "status errors errorCode error_code message propertyPath property_path correlation_id order_id instrument_key"
_ORDER = (
    "data exchange product price quantity status tag instrument_token trading_symbol tradingsymbol order_type validity "
    "trigger_price disclosed_quantity transaction_type average_price filled_quantity pending_quantity status_message "
    "status_message_raw exchange_order_id parent_order_id order_id order_ids variety order_timestamp exchange_timestamp is_amo "
    "order_request_id order_ref_id slice market_protection metadata latency summary total success error payload_error trade_id "
    "gtt_order_id gtt_order_ids type rules strategy trigger_type trailing_gap expires_at created_at"
)
_HELD = (
    "multiplier value pnl buy_value sell_value overnight_quantity day_buy_quantity day_sell_quantity last_price close_price isin "
    "t1_quantity cnc_used_quantity collateral_quantity"
)
_MONEY = "charges brokerage taxes required_margin final_margin margins"
_FUNDS = (
    "available_to_trade cash_available_to_trade pledge_available_to_trade unavailable_to_trade total cash opening_balance "
    "added_today withdrawn_today amount_from_stock_sale unpaid_charges margin_used loss realised unrealised"
)
_MARKET = "ohlc depth timestamp volume candles start_time end_time"
AUDITED = BodyFields(
    allowed=frozenset(f"{_ERRORS} {_ORDER} {_HELD} {_MARKET}".split()),
    elsewhere=MappingProxyType(
        {
            "accounts.funds": frozenset(f"{_ERRORS} data {_FUNDS}".split()),
            "accounts.charges": frozenset(f"{_ERRORS} data {_MONEY} total".split()),
            "accounts.profile": frozenset(_ERRORS.split()),  # whose account it is stays unsaid
            "sessions.token": frozenset(_ERRORS.split()),
            "sessions.authorize": frozenset(_ERRORS.split()),
        }
    ),
)
"""What the audit shows of this venue's bodies."""
