"""Facts of Bybit v5 as data: hosts, abilities, credential fields, options.

One profile trades spot (`BTC/USDT`) and linear perpetuals (`BTC/USDT:USDT`) of one unified trading account.
Documents: bybit-exchange.github.io/docs/v5 (guide, enum, rate-limit, order/create-order).
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
)
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.forms import wrong_option
from floorbroker.domain.values import AssetClass, Environment, OrderType, TimeInForce
from floorbroker.transport.bodies import BodyFields
from floorbroker.transport.reach import is_loopback

BROKER = "BYBIT"
DOCS = "https://bybit-exchange.github.io/docs/v5"
REST_LIVE = "https://api.bybit.com"
REST_TESTNET = "https://api-testnet.bybit.com"
REST_DEMO = "https://api-demo.bybit.com"
STREAM_LIVE = "wss://stream.bybit.com"
STREAM_TESTNET = "wss://stream-testnet.bybit.com"
STREAM_DEMO = "wss://stream-demo.bybit.com"

RECV_WINDOW_MS = 5000
_TYPES = frozenset(OrderType) - {OrderType.TRAILING_STOP}
_TIFS = frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK})
_RATES = f"{DOCS}/rate-limit"
_RAISED = "order_requests_s"


def _rate(name: str, requests: int, *endpoints: str, reads_only: bool = False, option: str = "") -> Allowance:
    """A rule of one endpoint: so many requests in any second, of one account; it counts beside the rule of the address."""
    return Allowance(
        name=name,
        requests=requests,
        per_s=1.0,
        endpoints=endpoints,
        beside=True,
        reads_only=reads_only,
        option=option,
        document=_RATES,
    )


INFO = BrokerInfo(
    code=BROKER,
    folder="bybit",
    name="Bybit",
    environments=(Environment.SIM, Environment.PAPER, Environment.LIVE),
    can=frozenset(
        {
            Can.CANCEL,
            Can.CANCEL_ALL,
            Can.REPLACE,
            Can.REPLACE_QTY,
            Can.QUERY_BY_CLIENT_ID,
            Can.BATCH,
            Can.FRACTIONAL,
            Can.NOTIONAL,
            Can.SHORT,
            Can.POST_ONLY,
            Can.REDUCE_ONLY,
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
    order_types=MappingProxyType({AssetClass.CRYPTO: _TYPES, AssetClass.PERPETUAL: _TYPES}),
    tifs=MappingProxyType({AssetClass.CRYPTO: _TIFS, AssetClass.PERPETUAL: _TIFS}),
    hosts=MappingProxyType(
        {REST_LIVE: Environment.LIVE, REST_TESTNET: Environment.PAPER, REST_DEMO: Environment.PAPER}
    ),
    # "Always unique", says the document; for how long a used id is remembered it does not say.
    identity=IdentityClass.B,
    arrival_bound_s=RECV_WINDOW_MS / 1000,
    bound_enforced=True,
    visibility_lag_s=2.0,
    amends_in_place=True,
    whole_coins=True,
    etiquette=Etiquette(
        allowances=(
            Allowance(name="address", requests=600, per_s=5.0, document=_RATES),
            _rate("submit", 10, "orders.submit", option=_RAISED),
            _rate("batch", 10, "batches.submit", option=_RAISED),
            _rate("replace", 10, "orders.replace", option=_RAISED),
            _rate("cancel", 10, "orders.cancel", option=_RAISED),
            _rate("cancel_all", 10, "orders.cancel_all"),
            _rate("orders", 50, "orders.get", reads_only=True),
            _rate("history", 50, "orders.history", reads_only=True),
            _rate("executions", 50, "executions.list", reads_only=True),
            _rate("positions", 50, "positions.list", reads_only=True),
            _rate("account", 50, "account.get", reads_only=True),
            _rate("key", 10, "account.key", reads_only=True),
            _rate("fees", 5, "account.fees", reads_only=True),
            _rate("leverage", 10, "positions.leverage"),
            _rate("mode", 10, "positions.mode"),
            _rate("trading_stop", 10, "positions.trading_stop"),
        ),
        session_rules=(
            "At most 500 connections in 5 minutes to a stream's domain, and 1000 market data connections of one address.",
            "A stream that says nothing for 10 minutes is closed; a ping every 20 seconds keeps it.",
            "Over the limit of the address every answer is HTTP 403: all traffic stops for 10 minutes.",
            "No daily log-in and no daily reset.",
        ),
        documents=(_RATES, f"{DOCS}/ws/connect"),
    ),
    book=BookRules(
        proof=BookProof.STEP,
        depths=(50, 1, 200, 1000),
        frames="bybit",
        document=f"{DOCS}/websocket/public/orderbook",
    ),
    withdrawals="Bybit tells the permissions of a key; one that can withdraw is refused.",
    fields=(
        CredentialField(
            name="BROKER_API_KEY",
            label="API key",
            help="Main site, testnet and demo trading have keys of their own; each works in its own world alone.",
            secret=True,
            example="18 letters and digits",
            pattern=r"[A-Za-z0-9_-]{1,128}",
            shape="letters, digits, - and _ alone",
        ),
        CredentialField(
            name="BROKER_SECRET_KEY",
            label="API secret",
            help="The secret of a system-made key, or the RSA private key of a self-made one (PEM, line ends as \\n).",
            secret=True,
            example="36 letters and digits",
        ),
        CredentialField(
            name="BROKER_ACCOUNT_NUMBER",
            label="User id",
            help="Whose account it is (UID). When given, a key of any other account is refused.",
            required=False,
            example="24617703",
            pattern=r"[A-Za-z0-9]{1,40}",
            shape="letters and digits alone",
        ),
        CredentialField(
            name="BROKER_URL",
            label="Origin",
            help="Where the simulator listens. The venue's own worlds have hosts of their own.",
            example="http://127.0.0.1:8804",
            environments=frozenset({Environment.SIM}),
        ),
    ),
    options=(
        OptionField(
            name="practice",
            help="Which practice world environment paper means: testnet, or demo trading (real prices, no trade socket).",
            default="testnet",
            choices=("testnet", "demo"),
        ),
        OptionField(
            name="order_entry",
            help="How orders travel: rest, or websocket (the trade socket; not on demo).",
            default="rest",
            choices=("rest", "websocket"),
        ),
        OptionField(
            name="recv_window_ms",
            help="How long after signing the venue may still accept a request.",
            default=str(RECV_WINDOW_MS),
            whole=True,
            least=Decimal(500),
            most=Decimal(RECV_WINDOW_MS),
        ),
        OptionField(
            name="position_mode",
            help="How the account holds perpetuals: one_way, or hedge (orders then say what they open or close).",
            default="one_way",
            choices=("one_way", "hedge"),
        ),
        OptionField(
            name="leverage",
            help="Leverage asked for before the first order in each perpetual; 0 leaves it as it is.",
            default="0",
            most=Decimal(200),
        ),
        OptionField(
            name="trigger_by",
            help="Which price triggers conditional orders of perpetuals.",
            default="LastPrice",
            choices=("LastPrice", "MarkPrice", "IndexPrice"),
        ),
        OptionField(
            name="spot_quote",
            help="The money of the account: its cash, and what coins of the wallet are counted in as spot positions.",
            default="USDT",
            choices=("USDT", "USDC"),
        ),
        OptionField(
            name="order_requests_s",
            help="How many of each kind of order command a second the account is allowed.",
            default="10",
            whole=True,
            least=Decimal(1),
            most=Decimal(1000),
        ),
        OptionField(
            name="book_depth",
            help="Levels a side of a streamed order book.",
            default="50",
            choices=("50", "1", "200", "1000"),
        ),
    ),
    documents=(DOCS + "/guide", DOCS + "/enum", DOCS + "/error", DOCS + "/order/create-order"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """Where each kind of traffic goes: origins without a path.  `trade` is None where there is no trade socket."""

    rest: str
    private: str
    public: str
    trade: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a profile, all text; what each means stands in `INFO.options`."""

    practice: str = "testnet"
    order_entry: str = "rest"
    recv_window_ms: str = str(RECV_WINDOW_MS)
    position_mode: str = "one_way"
    leverage: str = "0"
    trigger_by: str = "LastPrice"
    spot_quote: str = "USDT"
    order_requests_s: str = "10"
    book_depth: str = "50"

    @property
    def is_hedged(self) -> bool:
        return self.position_mode == "hedge"


def options_from(given: Mapping[str, str]) -> Options:
    """The typed options of a profile; raises `ConfigInvalid` for names and values we do not know."""
    if wrong := wrong_option(INFO.options, given):
        raise ConfigInvalid(f"{INFO.name}: {wrong}")
    options = Options(**given)
    if options.practice == "demo" and options.order_entry == "websocket":
        raise ConfigInvalid(f"{INFO.name}: demo trading has no trade socket: order_entry is rest there")
    return options


_WORLDS: Mapping[str, Origins] = MappingProxyType(
    {
        "live": Origins(rest=REST_LIVE, private=STREAM_LIVE, public=STREAM_LIVE, trade=STREAM_LIVE),
        "testnet": Origins(rest=REST_TESTNET, private=STREAM_TESTNET, public=STREAM_TESTNET, trade=STREAM_TESTNET),
        # Demo trading has no public streams of its own: its prices are the main site's.
        "demo": Origins(rest=REST_DEMO, private=STREAM_DEMO, public=STREAM_LIVE, trade=None),
    }
)


def origins_for(environment: Environment, url: str | None = None, *, practice: str = "testnet") -> Origins:
    """The origins of an environment.  `url` (BROKER_URL) is needed in sim, must be loopback there, and cannot redirect others.

    Raises `ConfigInvalid`.
    """
    if environment is Environment.SIM:
        return _simulator(url)
    origins = _WORLDS["live" if environment is Environment.LIVE else practice]
    if url and url.rstrip("/") != origins.rest:
        raise ConfigInvalid(f"BROKER_URL of the {environment.value} environment is {origins.rest}, or left out")
    return origins


def hosts_for(environment: Environment, *, practice: str = "testnet") -> dict[str, Environment]:
    """The closed table of `HostTable`, host -> environment; public market data of demo trading is the main site's."""
    if environment is Environment.SIM:
        return {}
    origins = origins_for(environment, practice=practice)
    return {_host(origin): environment for origin in (origins.rest, origins.private, origins.public)}


def _simulator(url: str | None) -> Origins:
    if not url:
        raise ConfigInvalid("environment sim needs BROKER_URL, the origin of a simulator on this machine")
    origin = url.rstrip("/")
    if origin.partition("://")[0] not in ("http", "https") or not is_loopback(_host(origin)):
        raise ConfigInvalid("environment sim reaches loopback only: BROKER_URL is like http://127.0.0.1:8804")
    socket = origin.replace("http", "ws", 1)
    return Origins(rest=origin, private=socket, public=socket, trade=socket)


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""


_ENVELOPE = "retCode retMsg result retExtInfo list code msg time success nextPageCursor category reqId op header args data topic"
_ORDERS = (
    "request orderId orderLinkId parentOrderLinkId symbol side orderType qty price timeInForce positionIdx reduceOnly "
    "closeOnTrigger triggerPrice triggerDirection triggerBy orderFilter marketUnit takeProfit stopLoss tpslMode tpOrderType "
    "slOrderType tpLimitPrice slLimitPrice tpTriggerBy slTriggerBy orderStatus createType cancelType rejectReason avgPrice "
    "leavesQty leavesValue cumExecQty cumExecValue cumExecFee cumFeeDetail stopOrderType createdTime updatedTime createAt "
    "smpType settleCoin baseCoin openOnly isLeverage"
)
_HOLDINGS = (
    "execId execPrice execQty execValue execFee execType execTime feeCurrency feeRate isMaker closedSize orderQty orderPrice "
    "size entryPrice markPrice leverage buyLeverage sellLeverage mode coin positionValue positionStatus unrealisedPnl "
    "tpSize slSize trailingStop activePrice"
)
_RULES = (
    "status baseCoin quoteCoin contractType priceFilter lotSizeFilter leverageFilter tickSize minPrice maxPrice basePrecision "
    "quotePrecision qtyStep minOrderQty maxOrderQty minOrderAmt maxLimitOrderQty maxMarketOrderQty maxMktOrderQty "
    "minNotionalValue timeSecond timeNano"
)
_KEY = "retCode retMsg result readOnly permissions uta expiredAt deadlineDay time"
AUDITED = BodyFields(
    allowed=frozenset(f"{_ENVELOPE} {_ORDERS} {_HOLDINGS} {_RULES}".split()),
    # Whose account and key it is stands in no record.
    elsewhere=MappingProxyType({"account.key": frozenset(_KEY.split())}),
)
"""What the audit shows of this venue's bodies."""
