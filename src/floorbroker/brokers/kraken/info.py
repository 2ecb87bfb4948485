"""Facts of Kraken spot as data: hosts, abilities, credential fields, options.

Documents: docs.kraken.com/api-reference; docs.kraken.com/exchange/guides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
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

REST = "https://api.kraken.com"
PUBLIC_STREAM = "wss://ws.kraken.com"
PRIVATE_STREAM = "wss://ws-auth.kraken.com"

# How late an order may arrive: the deadline put on each one (0.5 to 60 s are taken, 5 s is the venue's own default).
DEADLINE_S = 5.0
DEPTHS = (10, 25, 100, 500, 1000)
BATCH_MIN, BATCH_MAX = 2, 15
DEAD_MAN_MIN_S = 15

_LIMITS = "https://docs.kraken.com/exchange/guides/rest/ratelimits"
_ENGINE_LIMITS = "https://docs.kraken.com/exchange/guides/general/ratelimits"


def _calls(requests: int, per_s: int) -> Allowance:
    """Orders do not draw on the counter of calls."""
    return Allowance(
        name=f"private_{per_s}s", requests=requests, per_s=float(per_s), endpoints=("private",), reads_only=True,
        option="tier", document=_LIMITS,
    )  # fmt: skip


INFO = BrokerInfo(
    code="KRAKEN",
    folder="kraken",
    name="Kraken",
    environments=(Environment.SIM, Environment.LIVE),
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
            Can.POST_ONLY,
            Can.DISPLAY_QTY,
            Can.DEAD_MAN,
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
    tifs=MappingProxyType({AssetClass.CRYPTO: frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.GTD})}),
    order_classes=frozenset({OrderClass.SIMPLE}),
    hosts=MappingProxyType({REST: Environment.LIVE}),
    identity=IdentityClass.B,
    arrival_bound_s=DEADLINE_S,
    bound_enforced=True,
    visibility_lag_s=2.0,
    amends_in_place=True,
    whole_coins=True,
    account_every_s=10.0,
    etiquette=Etiquette(
        allowances=(
            # A counter that holds 20 and loses one every two seconds, as windows: all of them together never overflow it, and
            # what they let through in the long run is what it loses.
            _calls(20, 10),
            _calls(25, 20),
            _calls(30, 40),
            _calls(40, 80),
            Allowance(name="public", requests=10, per_s=10.0, endpoints=("public",), reads_only=True, document=_LIMITS),
        ),
        session_rules=(
            "The matching engine counts orders by pair, up to 60, 125 or 180 by tier, falling by 1, 2.34 or 3.75 a second.",
            "Young cancels and amends count more there. New orders stay below 80 % of it, cancels always pass.",
            "Requests of a key carry a rising nonce, so private requests go one after the other.",
            "About 150 connection attempts in any 10 minutes; after maintenance no sooner than every 5 seconds.",
            "A stream token lives 15 minutes until a private subscription is opened with it.",
        ),
        documents=(_LIMITS, _ENGINE_LIMITS, "https://docs.kraken.com/exchange/guides/websockets/introduction"),
    ),
    book=BookRules(
        proof=BookProof.CRC32,
        depths=DEPTHS,
        cut=True,
        frames="kraken",
        document="https://docs.kraken.com/exchange/guides/websockets/book-checksum-v2",
    ),
    withdrawals=(
        "Kraken tells what a key may do, and a key with the permission Withdraw Funds is refused here; trading needs Query Funds,"
        " both Query permissions for orders, Create & Modify Orders, Cancel/Close Orders and Access WebSockets."
    ),
    fields=(
        CredentialField(
            name="BROKER_API_KEY",
            label="API key",
            help="Make a key for this program alone: two programs with one key disarm each other's nonces.",
            secret=True,
            example="56 letters, digits, / and +",
            pattern=r"[A-Za-z0-9/+=_-]{1,128}",
            shape="letters, digits, /, +, =, - and _ alone",
        ),
        CredentialField(
            name="BROKER_SECRET_KEY",
            label="Private key",
            help="Shown once, when the key is made; base64 as it stands there.",
            secret=True,
            example="88 letters, digits, / and +, ending in ==",
            pattern=r"[A-Za-z0-9/+]{1,254}={0,2}",
            shape="base64: letters, digits, / and +, with = at its end",
        ),
        CredentialField(
            name="BROKER_PASSWORD",
            label="Second factor of the key",
            help="The key's own password, where it was made with a static second factor; most keys have none.",
            required=False,
            secret=True,
        ),
        CredentialField(
            name="BROKER_ACCOUNT_NUMBER",
            label="Public account ID",
            help="Whose account it is, as Kraken's settings show it. When given, a key of any other account is refused.",
            required=False,
            example="AAXXN84GXXXXXXXX",
            pattern=r"AA[A-Z0-9]{14}",
            shape="16 capital letters and digits without spaces, of which the first two are AA",
        ),
        CredentialField(
            name="BROKER_URL",
            label="Origin",
            help="Where the simulator listens. Live has hosts of its own; Kraken has no public practice venue for spot.",
            example="http://127.0.0.1:8803",
            environments=frozenset({Environment.SIM}),
        ),
    ),
    options=(
        OptionField(
            name="tier",
            help="The account's verification level, which sets how many requests and orders Kraken takes.",
            default="intermediate",
            choices=("starter", "intermediate", "pro"),
        ),
        OptionField(
            name="calls",
            help="How many calls the key's counter holds, where Kraken gave the account another number; 0 for the tier's.",
            default="0",
            whole=True,
            most=Decimal(9_999_999),
        ),
        OptionField(
            name="order_entry",
            help="How orders travel: rest, or websocket (no nonce, so nothing waits for its turn).",
            default="rest",
            choices=("rest", "websocket"),
        ),
        OptionField(
            name="quote",
            help="The currency that cash, equity and positions are told in: a coin is a position in its pair with it.",
            default="USD",
            choices=("USD", "EUR", "GBP", "CAD", "AUD", "CHF", "JPY", "USDT", "USDC"),
        ),
        OptionField(
            name="book_depth",
            help="Levels on each side of a streamed order book.",
            default="10",
            choices=tuple(str(depth) for depth in DEPTHS),
        ),
        OptionField(
            name="dead_man_s",
            help=(
                "Seconds of our silence after which Kraken cancels every order of the account; 0 for never. Kraken advises 60."
            ),
            default="0",
            whole=True,
            most=Decimal(86_399),
        ),
    ),
    documents=(
        "https://docs.kraken.com/api-reference",
        "https://docs.kraken.com/exchange/guides/general/errors",
        "https://docs.kraken.com/exchange/guides/general/amends",
        "https://docs.kraken.com/exchange/api-reference/spot-websocket",
    ),
)


def info_at(depth: int) -> BrokerInfo:
    """The facts for a profile whose books are so deep: whoever keeps them must cut them there."""
    assert INFO.book is not None
    depths = (depth, *(other for other in DEPTHS if other != depth))
    return replace(INFO, book=replace(INFO.book, depths=depths))


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """Where each kind of traffic goes: the REST origin, and the origins of the two sockets."""

    rest: str
    public_stream: str
    private_stream: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a profile, all text; what each means stands in `INFO.options`."""

    tier: str = "intermediate"
    calls: str = "0"
    order_entry: str = "rest"
    quote: str = "USD"
    book_depth: str = "10"
    dead_man_s: str = "0"


def options_from(given: Mapping[str, str]) -> Options:
    """The typed options of a profile; raises `ConfigInvalid` for names and values we do not know."""
    if wrong := wrong_option(INFO.options, given):
        raise ConfigInvalid(f"{INFO.name}: {wrong}")
    options = Options(**given)
    if 0 < int(options.dead_man_s) < DEAD_MAN_MIN_S:
        raise ConfigInvalid(f"{INFO.name}: option dead_man_s: it is 0 for never, or {DEAD_MAN_MIN_S} and more")
    return options


def origins_for(environment: Environment, url: str | None = None) -> Origins:
    """The origins of an environment.  `url` (BROKER_URL) is needed in sim, must be loopback there, and cannot redirect live.

    Raises `ConfigInvalid`.
    """
    if environment is Environment.SIM:
        return _simulator(url)
    if url and url.rstrip("/") != REST:
        raise ConfigInvalid(f"BROKER_URL of the live environment is {REST}, or left out")
    return Origins(rest=REST, public_stream=PUBLIC_STREAM, private_stream=PRIVATE_STREAM)


def hosts_for(environment: Environment) -> dict[str, Environment]:
    """The closed table of `HostTable`, host -> environment."""
    if environment is Environment.SIM:
        return {}
    return {_host(origin): environment for origin in (REST, PUBLIC_STREAM, PRIVATE_STREAM)}


def _simulator(url: str | None) -> Origins:
    if not url:
        raise ConfigInvalid("environment sim needs BROKER_URL, the origin of a simulator on this machine")
    origin = url.rstrip("/")
    if origin.partition("://")[0] not in ("http", "https") or not is_loopback(_host(origin)):
        raise ConfigInvalid("environment sim reaches loopback only: BROKER_URL is like http://127.0.0.1:8803")
    socket = origin.replace("http", "ws", 1)
    return Origins(rest=origin, public_stream=socket, private_stream=socket)


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""


_ORDERS = (
    "error result txid descr order close orders count pending amend_id status type ordertype pair volume price price2 displayvol "
    "oflags timeinforce expiretm deadline validate cl_ord_id reduce_only trigger order_qty display_qty limit_price trigger_price "
    "open closed refid userref opentm closetm starttm vol vol_exec cost fee stopprice limitprice misc reason trades timeout "
    "currentTime triggerTime order_id order_type side symbol cash_order_qty time_in_force expire_time post_only triggers "
    "reference price_type fee_preference method params success time_in time_out req_id original_order_id"
)
_TRADES = "ordertxid postxid time trade_id maker margin leverage"
_RULES = "altname wsname base quote tick_size pair_decimals lot_decimals ordermin costmin unixtime rfc1123 timestamp a b c last"
_ACCOUNT = "error result balance hold_trade credit credit_used eb tb mf e m n permissions validUntil nonceWindow"
AUDITED = BodyFields(
    allowed=frozenset(f"{_ORDERS} {_TRADES} {_RULES}".split()),
    elsewhere=MappingProxyType(
        {
            "private.balances": frozenset(_ACCOUNT.split()),
            "private.trade_balance": frozenset(_ACCOUNT.split()),
            "private.key": frozenset(_ACCOUNT.split()),
            "private.token": frozenset({"error", "expires"}),  # the token opens the private stream
        }
    ),
)
"""What the audit shows of this venue's bodies."""
