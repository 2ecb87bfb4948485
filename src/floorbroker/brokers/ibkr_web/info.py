"""Facts of Interactive Brokers' Client Portal Web API as data: doors, abilities, credential fields, options.

Documents: IB REST API 2.20.0 (OpenAPI); interactivebrokers.com/campus/ibkr-api-page/cpapi-v1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from decimal import Decimal
from types import MappingProxyType
from urllib.parse import urlsplit

from floorbroker.brokers.ibkr_web.errors import wrong_door
from floorbroker.domain.capability import (
    Allowance,
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
from floorbroker.domain.timetable import Timetable, Window
from floorbroker.domain.values import AssetClass, Environment, OrderClass, OrderType, TimeInForce
from floorbroker.transport.bodies import BodyFields
from floorbroker.transport.reach import is_loopback

GATEWAY = "https://localhost:5000"
ROOT = "/v1/api"
DOCUMENT = "https://www.interactivebrokers.com/campus/ibkr-api-page/cpapi-v1/"

# Questions that only explain what market and stop orders are.  All others say that something is unusual (prices too far off,
# sizes, values, caps) or missing (o354: nobody sees the market): no machine waves that on unless its profile says so.
CONFIRMED = ("o10151", "o10152", "o10331")

_SIMPLE = frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})

INFO = BrokerInfo(
    code="IBKR_WEB",
    folder="ibkr_web",
    market="XNYS",
    priced_in="USD",
    name="Interactive Brokers (Web API)",
    environments=(Environment.SIM, Environment.PAPER, Environment.LIVE),
    can=frozenset(
        {
            Can.CANCEL,
            Can.CANCEL_ALL,
            Can.REPLACE,
            Can.REPLACE_QTY,
            Can.FRACTIONAL,
            Can.SHORT,
            Can.EXTENDED_HOURS,
            Can.OPTIONS,
            Can.OPTION_CHAIN,
            Can.BRACKET,
            Can.OTO,
            Can.PREVIEW,
            Can.STREAM_ORDERS,
            Can.STREAM_QUOTES,
            Can.HISTORY_BARS,
            Can.HISTORY_FILLS,
        }
    ),
    order_types=MappingProxyType({AssetClass.EQUITY: _SIMPLE, AssetClass.OPTION: _SIMPLE - {OrderType.TRAILING_STOP}}),
    tifs=MappingProxyType(
        {
            AssetClass.EQUITY: frozenset({TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.OPG}),
            AssetClass.OPTION: frozenset({TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC}),
        }
    ),
    order_classes=frozenset({OrderClass.SIMPLE, OrderClass.BRACKET, OrderClass.OTO}),
    identity=IdentityClass.A,
    arrival_bound_s=60.0,
    bound_enforced=False,
    listed_day="America/New_York",
    visibility_lag_s=6.0,  # the list of live orders may be asked for once in five seconds
    amends_in_place=True,
    # Paper accounts of single holders begin with DU, of advisors and institutions with DF and DI; live ones with U, F and I.
    account_sign=Sign(
        beginnings=MappingProxyType(dict.fromkeys(("DU", "DF", "DI"), Environment.PAPER)), otherwise=Environment.LIVE
    ),
    etiquette=Etiquette(
        allowances=(Allowance(name="gateway", requests=10, per_s=1.0, document=DOCUMENT),),
        session_rules=(
            (
                "Live orders, trades, profit and loss, and portfolio accounts once in 5 s each; one tickle a second; one look at"
                " the single sign-on a minute; five histories at once. An answer 429 puts the address into a penalty box for ten"
                " to fifteen minutes: nothing is sent meanwhile."
            ),
            "One brokerage session for each user name over all doors: a log-in elsewhere takes it over.",
            (
                "A session is kept alive by a tickle about once a minute and ends after six minutes without one, and at"
                " midnight of its region; the log-in page asks for the second factor at least once a day."
            ),
        ),
        documents=(DOCUMENT,),
    ),
    timetable=Timetable(
        resets=(
            Window(
                begins=time(0, 0),
                lasts=timedelta(minutes=5),
                zone="America/New_York",
                why="end of day",
                document=DOCUMENT,
            ),
        ),
    ),
    withdrawals="The Web API has no call that moves money out of an account.",
    fields=(
        CredentialField(
            name="BROKER_URL",
            label="Gateway",
            help="Where the Client Portal gateway (or the simulator) listens; not the socket of TWS.",
            required=False,
            example=GATEWAY,
        ),
        CredentialField(
            name="BROKER_ACCOUNT_NUMBER",
            label="Account",
            help="Which account of the log-in; needed where it has several. Paper accounts begin with D.",
            required=False,
            example="DU123456",
            pattern=r"[A-Z]{1,3}[0-9]{4,12}[A-Z]?",
            shape="capital letters and digits, like DU123456",
        ),
    ),
    options=(
        OptionField(
            name="gateway_certificate",
            help="The gateway's own certificate: a PEM file's path, or the SHA-256 of its DER form. Empty: the system's trust.",
            default="",
            pattern=r"|(?:[0-9A-Fa-f]{2}:?){32}|[^\x00-\x1f]{1,1024}",
            said="the path of a PEM file, 64 hexadecimal digits, or nothing",
        ),
        OptionField(
            name="confirm",
            help="Which questions about an order the desk answers with yes, by message id; all others end the order.",
            default=",".join(CONFIRMED),
            pattern=r"|[op][0-9]{1,6}(?:,[op][0-9]{1,6}){0,50}",
            said="message ids with commas between them, like o10151,o10331, or nothing",
        ),
        OptionField(
            name="compete",
            help="Whether the desk takes the session back when a log-in elsewhere has it: no, or yes (three times an hour).",
            default="no",
            choices=("no", "yes"),
        ),
        OptionField(
            name="list_every_s",
            help="Seconds between two listings of orders or of trades; the venue allows one in 5, and counts when they arrive.",
            default="5.5",
            least=Decimal("0.01"),
            most=Decimal(60),
        ),
        OptionField(
            name="penalty_s",
            help="Seconds that nothing is sent after the answer 429; the venue's penalty box lasts ten to fifteen minutes.",
            default="900",
            whole=True,
            least=Decimal(1),
            most=Decimal(3600),
        ),
    ),
    documents=(
        DOCUMENT,
        "https://www.interactivebrokers.com/campus/ibkr-api-page/webapi-doc/",
        "https://api.ibkr.com/gw/api/v3/api-docs",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a profile, all text; what each means stands in `INFO.options`."""

    gateway_certificate: str = ""
    confirm: str = ",".join(CONFIRMED)
    compete: str = "no"
    list_every_s: str = "5.5"
    penalty_s: str = "900"

    @property
    def confirmed(self) -> frozenset[str]:
        """The message ids of the questions that are answered with yes."""
        return frozenset(self.confirm.split(",")) - {""}


def options_from(given: Mapping[str, str]) -> Options:
    """The typed options of a profile; raises `ConfigInvalid` for names and values we do not know."""
    if wrong := wrong_option(INFO.options, given):
        raise ConfigInvalid(f"{INFO.name}: {wrong}")
    return Options(**given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """Where the gateway listens: origins without a path."""

    rest: str
    stream: str

    @property
    def host(self) -> str:
        """Host and port, as the host table has them."""
        return urlsplit(self.rest).netloc.lower()


def origins_for(environment: Environment, url: str | None = None) -> Origins:
    """The origins behind BROKER_URL.  A gateway is addressed by https; by http on this machine alone.

    In sim the address is needed and must be loopback.  A path of `/v1/api` is understood.  Raises `ConfigInvalid`.
    """
    if environment is Environment.SIM and not url:
        raise ConfigInvalid("environment sim needs BROKER_URL, the origin of a simulator on this machine")
    origin = (url or GATEWAY).rstrip("/").removesuffix(ROOT)
    scheme, host = _parts(origin)
    if scheme not in ("http", "https") or not host:
        near = f"https://{origin.rpartition('//')[2]}"  # `localhost:4002`, as clients of TWS have it
        hint = wrong_door(near) if _parts(near)[1] else ""
        raise ConfigInvalid(hint or f"BROKER_URL is the origin of a gateway, like {GATEWAY}")
    if environment is Environment.SIM and not is_loopback(host):
        raise ConfigInvalid("environment sim reaches loopback only: BROKER_URL is like http://127.0.0.1:8801")
    if scheme == "http" and not is_loopback(host):
        raise ConfigInvalid("a gateway on another machine is reached by https alone")
    return Origins(rest=origin, stream=origin.replace("http", "ws", 1))


def _parts(origin: str) -> tuple[str, str]:
    try:
        parts = urlsplit(origin)
        _ = parts.port  # raises for what is no port
    except ValueError:
        return "", ""
    is_plain = origin == f"{parts.scheme}://{parts.netloc}" and "@" not in parts.netloc
    return (parts.scheme, parts.hostname or "") if is_plain else ("", "")


def hosts_for(environment: Environment, origins: Origins) -> dict[str, Environment]:
    """The closed table of `HostTable`: the one gateway of the profile.

    A gateway's address does not tell paper from live; the account that it is logged in to does, and is compared at connect.
    """
    return {} if environment is Environment.SIM else {_named(origins): environment}


def _named(origins: Origins) -> str:
    parts = urlsplit(origins.rest)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{(parts.hostname or '').lower()}:{port}"


_TICKET = (
    "orders conid secType cOID parentId orderType side quantity price auxPrice tif trailingAmt trailingType outsideRTH "
    "isSingleGroup"
)
_ANSWERS = (
    "order_id order_status encrypt_message local_order_id parent_order_id id message messageIds isSuppressed confirmed error "
    "statusCode msg conid text options messageId prompt reqId"
)
_ROWS = (
    "snapshot orderId ticker secType remainingQuantity filledQuantity totalSize status avgPrice origOrderType timeInForce "
    "order_ref cum_fill total_size size average_price limit_price stop_price execution_id trade_time_r symbol "
    "commission exchange order_status_description sizeAndFills orderDesc lastExecutionTime_r"
)
_SESSION = (
    "authenticated competing connected fail iserver authStatus isPaper isFT publish compete set positions position mktPrice "
    "mktValue avgPrice currency assetClass amount equity initial maintenance warn current change after total"
)
AUDITED = BodyFields(allowed=frozenset(f"{_TICKET} {_ANSWERS} {_ROWS} {_SESSION}".split()))
"""What the audit shows of this venue's bodies."""
