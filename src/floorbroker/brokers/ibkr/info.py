"""Facts of Interactive Brokers behind the socket of TWS and IB Gateway as data: doors, abilities, fields, options.

Documents: interactivebrokers.com/campus/ibkr-api-page/twsapi-doc.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from decimal import Decimal
from types import MappingProxyType
from urllib.parse import parse_qsl, urlsplit

from floorbroker.brokers.ibkr.errors import BROKER
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

SCHEME = "tws"
HERE = "127.0.0.1"
DOCUMENT = "https://www.interactivebrokers.com/campus/ibkr-api-page/twsapi-doc/"
PORTS: Mapping[str, Mapping[Environment, int]] = MappingProxyType(
    {
        "tws": MappingProxyType({Environment.LIVE: 7496, Environment.PAPER: 7497}),
        "gateway": MappingProxyType({Environment.LIVE: 4001, Environment.PAPER: 4002}),
    }
)
"""Where each of the two programs listens unless its settings say otherwise."""
CLIENT_ID_MAX = 2**31 - 1

_PLAIN = frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT})
_TOUCHED = frozenset({OrderType.MARKET_IF_TOUCHED, OrderType.LIMIT_IF_TOUCHED})
_TIFS = frozenset({TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTD})

INFO = BrokerInfo(
    code=BROKER,
    folder="ibkr",
    market="XNYS",
    priced_in="USD",
    name="Interactive Brokers (TWS and IB Gateway)",
    environments=(Environment.SIM, Environment.PAPER),  # live opens with what the page of this venue lists as open
    can=frozenset(
        {
            Can.CANCEL,
            Can.CANCEL_ALL,
            Can.REPLACE,
            Can.REPLACE_QTY,
            Can.SHORT,
            Can.EXTENDED_HOURS,
            Can.OPTIONS,
            Can.OPTION_CHAIN,
            Can.MULTILEG,
            Can.BRACKET,
            Can.OCO,
            Can.OTO,
            Can.PREVIEW,
            Can.STREAM_ORDERS,
            Can.STREAM_QUOTES,
            Can.HISTORY_BARS,
            Can.HISTORY_FILLS,
        }
    ),
    order_types=MappingProxyType(
        {
            AssetClass.EQUITY: _PLAIN | _TOUCHED | {OrderType.TRAILING_STOP},
            AssetClass.OPTION: _PLAIN,
            AssetClass.FX: _PLAIN | _TOUCHED | {OrderType.TRAILING_STOP},
        }
    ),
    tifs=MappingProxyType(
        {
            AssetClass.EQUITY: _TIFS | {TimeInForce.OPG, TimeInForce.CLS},
            AssetClass.OPTION: _TIFS,
            AssetClass.FX: _TIFS,
        }
    ),
    order_classes=frozenset(
        {OrderClass.SIMPLE, OrderClass.BRACKET, OrderClass.OCO, OrderClass.OTO, OrderClass.MULTILEG}
    ),
    identity=IdentityClass.C,
    arrival_bound_s=60.0,
    bound_enforced=False,
    listed_day="America/New_York",
    visibility_lag_s=2.0,
    amends_in_place=True,
    # Paper accounts of single holders begin with DU, of advisors and institutions with DF and DI; live ones with U, F and I.
    account_sign=Sign(
        beginnings=MappingProxyType(dict.fromkeys(("DU", "DF", "DI"), Environment.PAPER)), otherwise=Environment.LIVE
    ),
    etiquette=Etiquette(
        allowances=(
            Allowance(name="messages", requests=50, per_s=1.0, option="messages_s", document=DOCUMENT),
            Allowance(
                name="history",
                requests=60,
                per_s=600.0,
                endpoints=("market.bars",),
                beside=True,
                reads_only=True,
                document=DOCUMENT,
            ),
        ),
        session_rules=(
            (
                "Half as many messages a second as the account has market data lines: fifty with the hundred lines that"
                " every account has. Who goes on sending more is thrown out."
            ),
            "Each client id is connected once; up to 32 of them at one program. Orders belong to the client id that placed them.",
            (
                "The program restarts or logs off once a day at the time that it is set to, and the broker's servers are reset"
                " every night: code 1100, and 1101 or 1102 when the link is back. Nothing new is sent in between."
            ),
            "A history request is not repeated within 15 seconds; a symbol search is made once a second at most.",
        ),
        documents=(DOCUMENT,),
    ),
    timetable=Timetable(
        resets=(
            Window(
                begins=time(23, 45),
                lasts=timedelta(hours=1),
                zone="America/New_York",
                why="nightly reset",
                document=DOCUMENT,
            ),
        ),
    ),
    withdrawals="The socket has no message that moves money out of an account.",
    fields=(
        CredentialField(
            name="BROKER_URL",
            label="Program",
            help=(
                "Where TWS or IB Gateway (or the simulator) listens on this machine: tws://127.0.0.1:4002. TWS listens on 7496"
                " for live and 7497 for paper, IB Gateway on 4001 and 4002; not the gateway of the Web API."
            ),
            required=False,
            example="tws://127.0.0.1:4002",
        ),
        CredentialField(
            name="BROKER_ACCOUNT_NUMBER",
            label="Account",
            help="Which account of the log-in; needed where it has several. Paper accounts begin with D.",
            required=False,
            example="DU1234567",
            pattern=r"[A-Z]{1,3}[0-9]{4,12}[A-Z]?",
            shape="capital letters and digits, like DU1234567",
        ),
    ),
    options=(
        OptionField(
            name="program",
            help="Which program to look for where BROKER_URL is left out: tws, or gateway.",
            default="gateway",
            choices=("gateway", "tws"),
        ),
        OptionField(
            name="port",
            help="The port that the program listens on, where BROKER_URL is left out; 0: the program's usual one.",
            default="0",
            whole=True,
            most=Decimal(65_535),
        ),
        OptionField(
            name="client_id",
            help=(
                "The client id of this desk, of its own at the program. Orders can be changed and cancelled by the client id"
                " that placed them alone: it stays the same for good."
            ),
            default="17",
            whole=True,
            least=Decimal(1),  # 0 takes over what people enter by hand
            most=Decimal(CLIENT_ID_MAX),
        ),
        OptionField(
            name="market_data",
            help="live: real-time prices alone. delayed: where an account has none, prices of 15 to 20 minutes ago, said so.",
            default="live",
            choices=("live", "delayed"),
        ),
        OptionField(
            name="messages_s",
            help="How many messages a second the program takes: half as many as the account has market data lines.",
            default="50",
            whole=True,
            least=Decimal(1),
            most=Decimal(9_999_999),
        ),
    ),
    documents=(DOCUMENT, "https://www.interactivebrokers.com/campus/ibkr-api-page/twsapi-ref/"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a profile, all text; what each means stands in `INFO.options`."""

    program: str = "gateway"
    port: str = "0"
    client_id: str = "17"
    market_data: str = "live"
    messages_s: str = "50"


def options_from(given: Mapping[str, str]) -> Options:
    """The typed options of a profile; raises `ConfigInvalid` for names and values we do not know."""
    if wrong := wrong_option(INFO.options, given):
        raise ConfigInvalid(f"{INFO.name}: {wrong}")
    return Options(**given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the program listens, and as whom we come."""

    host: str
    port: int
    client_id: int

    @property
    def url(self) -> str:
        return f"{SCHEME}://{self._authority}"

    @property
    def origin(self) -> str:
        """As the host table writes it."""
        return f"http://{self._authority}"

    @property
    def _authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def place_for(environment: Environment, url: str | None, options: Options) -> Place:
    """The place behind BROKER_URL (`tws://host:port`, with `?client_id=` where wanted), else behind the options.

    The socket is not encrypted, so the program is on this machine.  Raises `ConfigInvalid`.
    """
    if not url:
        if environment is Environment.SIM and options.port == "0":
            raise ConfigInvalid("environment sim needs BROKER_URL, like tws://127.0.0.1:8801")
        port = int(options.port) or PORTS[options.program][environment]
        return Place(host=HERE, port=port, client_id=int(options.client_id))
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ConfigInvalid("BROKER_URL is no address") from None
    asked = dict(parse_qsl(parts.query))
    is_plain = (
        parts.path in ("", "/") and "@" not in parts.netloc and not parts.fragment and asked.keys() <= {"client_id"}
    )
    if parts.scheme != SCHEME or not host or not port or not is_plain:
        raise ConfigInvalid("BROKER_URL is the address of TWS or IB Gateway, like tws://127.0.0.1:4002")
    if not is_loopback(host):
        raise ConfigInvalid("the socket of TWS is not encrypted: the program, or a tunnel to it, is on this machine")
    return Place(host=host, port=port, client_id=_client_id(asked.get("client_id"), options))


def _client_id(asked: str | None, options: Options) -> int:
    if asked is None:
        return int(options.client_id)
    if not asked.isascii() or not asked.isdigit() or len(asked) > 10 or not 0 < int(asked) <= CLIENT_ID_MAX:
        raise ConfigInvalid(f"client_id in BROKER_URL is a whole number from 1 to {CLIENT_ID_MAX}")
    return int(asked)


def hosts_for(environment: Environment, place: Place) -> dict[str, Environment]:
    """The closed table of `HostTable`: the one program of the profile.

    A port does not tell paper from live; the account that the program is logged in to does, and is compared at connect.
    """
    return {} if environment is Environment.SIM else {f"{place.host.lower()}:{place.port}": environment}


_COMMANDS = (
    "orders order_id contract order con_id symbol sec_type last_trade strike right exchange currency local_symbol legs ratio"
    " action total_quantity order_type lmt_price aux_price tif oca_group oca_type order_ref transmit parent_id outside_rth"
    " good_till_date trail_stop_price trailing_percent what_if"
)
_ANSWERS = (
    "open statuses errors perm_id client_id status filled remaining avg_fill_price why_held id code text warning_text"
)
AUDITED = BodyFields(allowed=frozenset(f"{_COMMANDS} {_ANSWERS}".split()))
"""What the audit shows of this venue's commands and of what answered them, as `rest/calls.py` and `rest/door.py` write them."""
