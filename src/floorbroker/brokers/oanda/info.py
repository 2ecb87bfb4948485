"""Facts of OANDA v20 as data: hosts, abilities, credential fields, options.

Documents: developer.oanda.com/rest-live-v20 (development-guide, best-practices, order-df, transaction-df);
github.com/oanda/v20-openapi, "OANDA v20 REST API" 3.0.25.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit

from floorbroker.domain.capability import Allowance, BrokerInfo, Can, CredentialField, Etiquette, IdentityClass
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.forms import wrong_option
from floorbroker.domain.values import AssetClass, Environment, OrderClass, OrderType, TimeInForce
from floorbroker.transport.bodies import BodyFields
from floorbroker.transport.reach import is_loopback

API_PAPER, API_LIVE = "https://api-fxpractice.oanda.com", "https://api-fxtrade.oanda.com"
STREAM_PAPER, STREAM_LIVE = "https://stream-fxpractice.oanda.com", "https://stream-fxtrade.oanda.com"
MARKET = "FX"
TRADE_TAG = "trade:"  # before the id of the trade that an order closes, in its client tag

_GUIDE = "https://developer.oanda.com/rest-live-v20/development-guide/"
_BEST = "https://developer.oanda.com/rest-live-v20/best-practices/"

INFO = BrokerInfo(
    code="OANDA",
    folder="oanda",
    market=MARKET,
    name="OANDA",
    environments=(Environment.SIM, Environment.PAPER, Environment.LIVE),
    can=frozenset(
        {
            Can.CANCEL,
            Can.REPLACE,
            Can.REPLACE_QTY,
            Can.QUERY_BY_CLIENT_ID,
            Can.SHORT,
            Can.BRACKET,
            Can.OTO,
            Can.REDUCE_ONLY,
            Can.STREAM_ORDERS,
            Can.STREAM_QUOTES,
            Can.HISTORY_BARS,
            Can.HISTORY_FILLS,
            Can.MARKET_HOURS,
        }
    ),
    order_types=MappingProxyType(
        {
            AssetClass.FX: frozenset(
                {
                    OrderType.MARKET,
                    OrderType.LIMIT,
                    OrderType.STOP,
                    OrderType.MARKET_IF_TOUCHED,
                    OrderType.TRAILING_STOP,
                }
            )
        }
    ),
    tifs=MappingProxyType(
        {
            AssetClass.FX: frozenset(
                {TimeInForce.DAY, TimeInForce.GTC, TimeInForce.GTD, TimeInForce.IOC, TimeInForce.FOK}
            )
        }
    ),
    order_classes=frozenset({OrderClass.SIMPLE, OrderClass.BRACKET, OrderClass.OTO}),
    hosts=MappingProxyType(
        {
            API_PAPER: Environment.PAPER,
            STREAM_PAPER: Environment.PAPER,
            API_LIVE: Environment.LIVE,
            STREAM_LIVE: Environment.LIVE,
        }
    ),
    nameless_tags=(TRADE_TAG,),
    identity=IdentityClass.B,  # refused while the first one waits, new once it is done
    arrival_bound_s=60.0,
    bound_enforced=False,
    visibility_lag_s=1.0,
    etiquette=Etiquette(
        # 120 a second of one address, or of one token: the documents say both.
        allowances=(Allowance(name="requests", requests=120, per_s=1.0, document=_GUIDE),),
        session_rules=(
            "At most 20 streams of one address; the desk opens one of transactions and one of prices for an account.",
            "At most two new connections a second: connections are kept and used again.",
            "A token holds until it is revoked; practice and live have tokens of their own.",
        ),
        documents=(_GUIDE, _BEST),
    ),
    withdrawals="OANDA does not tell what a token may do. Moving money is no part of the v20 API.",
    fields=(
        CredentialField(
            name="BROKER_API_KEY",
            label="Access token",
            help="Made in the account portal under Manage API Access; practice and live have tokens of their own.",
            secret=True,
            example="32 letters and digits, a hyphen, 32 more",
            pattern=r"[A-Za-z0-9_.-]{1,256}",
            shape="letters, digits, -, _ and . alone",
        ),
        CredentialField(
            name="BROKER_ACCOUNT_NUMBER",
            label="Account",
            help="The v20 account that trades: four numbers. A number without hyphens is an account of an older kind.",
            example="101-004-1234567-001",
            pattern=r"[0-9]{1,6}-[0-9]{1,6}-[0-9]{1,12}-[0-9]{1,6}",
            shape="four numbers with hyphens between them, like 101-004-1234567-001",
        ),
        CredentialField(
            name="BROKER_URL",
            label="Origin",
            help="Where the simulator listens. Practice and live have hosts of their own.",
            example="http://127.0.0.1:8809",
            environments=frozenset({Environment.SIM}),
        ),
    ),
    documents=(
        "https://developer.oanda.com/rest-live-v20/order-ep/",
        "https://developer.oanda.com/rest-live-v20/transaction-df/",
        "https://github.com/oanda/v20-openapi",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """Where each kind of traffic goes: origins without a path."""

    api: str
    stream: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a profile: there are none beside those that every profile has."""


def options_from(given: Mapping[str, str]) -> Options:
    """The typed options of a profile; raises `ConfigInvalid` for names and values we do not know."""
    if wrong := wrong_option(INFO.options, given):
        raise ConfigInvalid(f"{INFO.name}: {wrong}")
    return Options()


def origins_for(environment: Environment, url: str | None = None) -> Origins:
    """The origins of an environment.  `url` (BROKER_URL) is needed in sim, must be loopback there, and cannot redirect others.

    Raises `ConfigInvalid`.
    """
    if environment is Environment.SIM:
        return _simulator(url)
    is_live = environment is Environment.LIVE
    api = API_LIVE if is_live else API_PAPER
    if url and url.rstrip("/") != api:
        raise ConfigInvalid(f"BROKER_URL of the {environment.value} environment is {api}, or left out")
    return Origins(api=api, stream=STREAM_LIVE if is_live else STREAM_PAPER)


def hosts_for(environment: Environment) -> dict[str, Environment]:
    """The closed table of `HostTable`, host -> environment."""
    return {_host(origin): place for origin, place in INFO.hosts.items() if place is environment}


def _simulator(url: str | None) -> Origins:
    if not url:
        raise ConfigInvalid("environment sim needs BROKER_URL, the origin of a simulator on this machine")
    origin = url.rstrip("/")
    if origin.partition("://")[0] not in ("http", "https") or not is_loopback(_host(origin)):
        raise ConfigInvalid("environment sim reaches loopback only: BROKER_URL is like http://127.0.0.1:8809")
    return Origins(api=origin, stream=origin)


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""


_ORDERS = (
    "order orders trades positions transactions transaction id time type batchID requestID reason rejectReason instrument units"
    " price distance timeInForce gtdTime positionFill triggerCondition priceBound tradeID clientTradeID orderID clientOrderID"
    " replacesOrderID replacedByOrderID cancellingTransactionID fillingTransactionID clientExtensions takeProfitOnFill"
    " stopLossOnFill guaranteedStopLossOnFill trailingStopLossOnFill orderFillTransactionID tradeClose longPositionCloseout"
    " shortPositionCloseout pl financing commission guaranteedExecutionFee halfSpreadCost accountBalance tradeOpened"
    " tradesClosed tradeReduced realizedPL state createTime filledTime cancelledTime currentUnits initialUnits"
    " longUnits shortUnits longClientExtensions shortClientExtensions orderCreateTransaction orderFillTransaction"
    " orderCancelTransaction orderReissueTransaction orderReissueRejectTransaction replacingOrderCancelTransaction"
    " orderRejectTransaction orderCancelRejectTransaction longOrderCreateTransaction longOrderFillTransaction"
    " longOrderCancelTransaction longOrderRejectTransaction shortOrderCreateTransaction shortOrderFillTransaction"
    " shortOrderCancelTransaction shortOrderRejectTransaction relatedTransactionIDs lastTransactionID errorMessage errorCode"
)
_MARKETS = "prices bids asks liquidity closeoutBid closeoutAsk status tradeable granularity candles complete volume mid o h l c"
_ACCOUNT = (
    "account balance NAV marginAvailable marginUsed unrealizedPL hedgingEnabled currency marginRate lastTransactionID"
)
AUDITED = BodyFields(
    allowed=frozenset(f"{_ORDERS} {_MARKETS} long short averagePrice from to count pageSize".split()),
    elsewhere=MappingProxyType(
        {
            "account.summary": frozenset(f"{_ACCOUNT} errorMessage errorCode".split()),
            "account.rights": frozenset({"errorMessage", "errorCode"}),  # whose accounts they are stays unsaid
        }
    ),
)
"""What the audit shows of this venue's bodies."""
