"""Facts of Binance spot as data: hosts, abilities, credential fields, options.

Documents: developers.binance.com/docs/binance-spot-api-docs (rest-api, web-socket-api, web-socket-streams, testnet).
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
from floorbroker.domain.values import AssetClass, Environment, OrderClass, OrderType, TimeInForce
from floorbroker.transport.bodies import BodyFields
from floorbroker.transport.reach import is_loopback

DOCS = "https://developers.binance.com/docs/binance-spot-api-docs"
LIVE = "https://api.binance.com"
TESTNET = "https://testnet.binance.vision"
DEMO = "https://demo-api.binance.com"

INFO = BrokerInfo(
    code="BINANCE",
    folder="binance",
    name="Binance",
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
            Can.BRACKET,
            Can.OCO,
            Can.OTO,
            Can.POST_ONLY,
            Can.DISPLAY_QTY,
            Can.STREAM_ORDERS,
            Can.STREAM_QUOTES,
            Can.STREAM_TRADES,
            Can.STREAM_BARS,
            Can.STREAM_BOOK,
            Can.HISTORY_BARS,
            Can.HISTORY_FILLS,
            Can.MARKET_HOURS,
            Can.PREVIEW,
        }
    ),
    order_types=MappingProxyType({AssetClass.CRYPTO: frozenset(OrderType)}),
    tifs=MappingProxyType({AssetClass.CRYPTO: frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK})}),
    order_classes=frozenset({OrderClass.SIMPLE, OrderClass.BRACKET, OrderClass.OCO, OrderClass.OTO}),
    hosts=MappingProxyType({LIVE: Environment.LIVE, TESTNET: Environment.PAPER, DEMO: Environment.PAPER}),
    identity=IdentityClass.B,
    arrival_bound_s=5.0,  # the most that the option recv_window_ms takes; checked again right before the matching engine
    bound_enforced=True,
    visibility_lag_s=2.0,
    whole_coins=True,
    etiquette=Etiquette(
        allowances=(
            Allowance(
                name="weight",
                requests=6000,
                per_s=60.0,
                document=f"{DOCS}/rest-api/limits",
            ),
            Allowance(
                name="orders",
                requests=50,
                per_s=10.0,
                endpoints=("orders.submit", "orders.replace"),
                beside=True,
                document=f"{DOCS}/rest-api/limits",
            ),
        ),
        session_rules=(
            "160,000 orders a day and 300,000 requests in five minutes are counted beside; the venue tells the live numbers.",
            "What is filled does not count against the order limits; three orders of a bracket count as three.",
            "A 429 names how long to wait; going on makes it a 418, a ban of this address from two minutes to three days.",
            "A connection of either kind lives 24 hours; 300 may be opened in five minutes, with 1,024 streams each.",
            "Five messages a second may be sent on a stream, pings and pongs included.",
        ),
        documents=(f"{DOCS}/rest-api/limits", f"{DOCS}/faqs/order_count_decrement", f"{DOCS}/web-socket-streams"),
    ),
    book=BookRules(
        proof=BookProof.CHAIN,
        depths=(1000, 5000, 500, 100),
        asked=True,
        frames="binance",
        document=f"{DOCS}/web-socket-streams#how-to-manage-a-local-order-book-correctly",
    ),
    withdrawals=(
        "A live key that may withdraw, or move money to other accounts of the venue, is refused: apiRestrictions tells. The test"
        " network does not tell, and has no money to move."
    ),
    fields=(
        CredentialField(
            name="BROKER_API_KEY",
            label="API key",
            help="Live, testnet and demo have keys of their own; each works on its own host alone.",
            secret=True,
            example="64 letters and digits",
            pattern=r"[A-Za-z0-9_-]{1,128}",
            shape="letters, digits, - and _ alone",
        ),
        CredentialField(
            name="BROKER_SECRET_KEY",
            label="Secret key or private key",
            help="The secret of an HMAC key, or the private key (PEM, Ed25519 or RSA, without a passphrase) whose public half you"
            " gave the venue.",
            secret=True,
            example="64 letters and digits, or -----BEGIN PRIVATE KEY-----...",
            pattern=r"[A-Za-z0-9/+=_-]{1,256}|-----BEGIN [A-Z0-9 ]+-----[A-Za-z0-9/+=\\ ]+-----END [A-Z0-9 ]+-----(\\n)?",
            shape="letters and digits alone, or a private key in PEM",
            lines=True,
        ),
        CredentialField(
            name="BROKER_ACCOUNT_NUMBER",
            label="User id",
            help="Whose account it is (UID). When given, a key of any other account is refused.",
            required=False,
            example="354937868",
            pattern=r"[A-Za-z0-9]{1,40}",
            shape="letters and digits alone",
        ),
        CredentialField(
            name="BROKER_URL",
            label="Origin",
            help="Where the simulator listens. Paper and live have hosts of their own.",
            example="http://127.0.0.1:8802",
            environments=frozenset({Environment.SIM}),
        ),
    ),
    options=(
        OptionField(
            name="order_entry",
            help="How order commands travel: rest, or websocket (one connection kept open for them).",
            default="rest",
            choices=("rest", "websocket"),
        ),
        OptionField(
            name="practice",
            help="Which of the venue's two places for practice a paper profile uses.",
            default="testnet",
            choices=("testnet", "demo"),
        ),
        OptionField(
            name="currency",
            help="The currency that equity and buying power are counted in.",
            default="USDT",
            choices=("USDT", "USDC", "FDUSD", "EUR", "TRY", "BRL", "BTC", "ETH", "BNB"),
        ),
        OptionField(
            name="recv_window_ms",
            help="How late a signed request may arrive before the venue turns it away.",
            default="5000",
            whole=True,
            least=Decimal(500),
            most=Decimal(5000),
        ),
        OptionField(
            name="book_levels",
            help="How many levels a side the whole book is asked for with.",
            default="1000",
            choices=("1000", "5000", "500", "100"),
        ),
    ),
    documents=(
        f"{DOCS}/rest-api",
        f"{DOCS}/web-socket-api",
        f"{DOCS}/web-socket-streams",
        f"{DOCS}/user-data-stream",
        f"{DOCS}/errors",
        f"{DOCS}/filters",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """Where each kind of traffic goes: origins without a path."""

    rest: str
    ws_api: str
    streams: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a profile, all text; what each means stands in `INFO.options`."""

    order_entry: str = "rest"
    practice: str = "testnet"
    currency: str = "USDT"
    recv_window_ms: str = "5000"
    book_levels: str = "1000"


_PLACES: Mapping[str, Origins] = MappingProxyType(
    {
        "live": Origins(rest=LIVE, ws_api="wss://ws-api.binance.com:443", streams="wss://stream.binance.com:443"),
        "testnet": Origins(
            rest=TESTNET, ws_api="wss://ws-api.testnet.binance.vision", streams="wss://stream.testnet.binance.vision"
        ),
        "demo": Origins(rest=DEMO, ws_api="wss://demo-ws-api.binance.com", streams="wss://demo-stream.binance.com"),
    }
)


def options_from(given: Mapping[str, str]) -> Options:
    """The typed options of a profile; raises `ConfigInvalid` for names and values we do not know."""
    if wrong := wrong_option(INFO.options, given):
        raise ConfigInvalid(f"{INFO.name}: {wrong}")
    return Options(**given)


def origins_for(environment: Environment, url: str | None = None, *, practice: str = "testnet") -> Origins:
    """The origins of an environment.  `url` (BROKER_URL) is needed in sim, must be loopback there, and cannot redirect others.

    Raises `ConfigInvalid`.
    """
    if environment is Environment.SIM:
        return _simulator(url)
    origins = _PLACES["live" if environment is Environment.LIVE else practice]
    if url and url.rstrip("/") != origins.rest:
        raise ConfigInvalid(f"BROKER_URL of the {environment.value} environment is {origins.rest}, or left out")
    return origins


def hosts_for(environment: Environment, *, practice: str = "testnet") -> dict[str, Environment]:
    """The closed table of `HostTable`, host -> environment."""
    if environment is Environment.SIM:
        return {}
    origins = origins_for(environment, practice=practice)
    return {_host(origin): environment for origin in (origins.rest, origins.ws_api, origins.streams)}


def _simulator(url: str | None) -> Origins:
    if not url:
        raise ConfigInvalid("environment sim needs BROKER_URL, the origin of a simulator on this machine")
    origin = url.rstrip("/")
    if origin.partition("://")[0] not in ("http", "https") or not is_loopback(_host(origin)):
        raise ConfigInvalid("environment sim reaches loopback only: BROKER_URL is like http://127.0.0.1:8802")
    socket = origin.replace("http", "ws", 1)
    return Origins(rest=origin, ws_api=socket, streams=socket)


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""


def socket_origin(url: str) -> str:
    """The origin of a WebSocket URL in its http form, for the host table."""
    parts = urlsplit(url)
    return f"{'https' if parts.scheme == 'wss' else 'http'}://{parts.netloc}"


_ORDERS = (
    "symbol side type timeInForce quantity quoteOrderQty price stopPrice trailingDelta icebergQty newClientOrderId"
    " newOrderRespType selfTradePreventionMode strategyId strategyType listClientOrderId newQty origClientOrderId orderId"
    " orderListId clientOrderId transactTime origQty executedQty origQuoteOrderQty cummulativeQuoteQty status workingTime time"
    " updateTime isWorking expiryReason fills qty commission commissionAsset tradeId contingencyType listStatusType"
    " listOrderStatus transactionTime orders orderReports amendedOrder executionId cumulativeQuoteQty cancelReplaceMode"
    " cancelOrderId cancelOrigClientOrderId cancelNewClientOrderId cancelRestrictions cancelResult newOrderResult"
    " cancelResponse newOrderResponse recvWindow timestamp isBuyer isMaker quoteQty id method params status result error"
)
_LEGS = " ".join(
    f"{leg}{member}"
    for leg in ("above", "below", "working", "pending", "pendingAbove", "pendingBelow")
    for member in ("Type", "Side", "Price", "StopPrice", "Quantity", "TimeInForce", "ClientOrderId", "IcebergQty")
)
_REFUSALS = "code msg data"
_MARKET = (
    "serverTime baseAsset quoteAsset orderTypes filters filterType minPrice maxPrice tickSize minQty maxQty stepSize minNotional"
    " maxNotional lastUpdateId bidPrice bidQty askPrice askQty rateLimits rateLimitType interval intervalNum limit"
)
_ACCOUNT = "canTrade canWithdraw canDeposit accountType permissions balances asset free locked updateTime code msg"
AUDITED = BodyFields(
    allowed=frozenset(f"{_ORDERS} {_LEGS} {_REFUSALS} {_MARKET}".split()),
    elsewhere=MappingProxyType({"account.get": frozenset(_ACCOUNT.split())}),  # whose account it is stands in no record
)
"""What the audit shows of this venue's bodies; keys and signatures are no such member."""
