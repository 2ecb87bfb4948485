"""What a broker can do, as data (`info.py` of each broker), served to the page, the docs and the conformance suite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from floorbroker.domain.forms import CredentialField, Form, OptionField
from floorbroker.domain.timetable import NO_TIMETABLE, Timetable
from floorbroker.domain.values import AssetClass, Environment, OrderClass, OrderType, TimeInForce, Word


class Can(Word):
    """One ability.  Ask for it; never ask which venue it is."""

    CANCEL = "cancel"
    CANCEL_ALL = "cancel_all"
    REPLACE = "replace"
    REPLACE_QTY = "replace_qty"
    QUERY_BY_CLIENT_ID = "query_by_client_id"
    BATCH = "batch"
    FRACTIONAL = "fractional"
    NOTIONAL = "notional"
    SHORT = "short"
    EXTENDED_HOURS = "extended_hours"
    OPTIONS = "options"
    OPTION_CHAIN = "option_chain"  # the adapter has `get_option_chain` (`ports.OptionChains`)
    OPTION_EVENTS = "option_events"  # the venue tells how options ended (`ports.OptionEvents`)
    MULTILEG = "multileg"
    BRACKET = "bracket"
    OCO = "oco"
    OTO = "oto"
    POST_ONLY = "post_only"
    DISPLAY_QTY = "display_qty"
    REDUCE_ONLY = "reduce_only"
    DEAD_MAN = "dead_man"  # the venue cancels everything when we fall silent
    STREAM_ORDERS = "stream_orders"
    STREAM_QUOTES = "stream_quotes"
    STREAM_TRADES = "stream_trades"
    STREAM_BARS = "stream_bars"
    STREAM_BOOK = "stream_book"
    HISTORY_BARS = "history_bars"
    HISTORY_FILLS = "history_fills"
    MARKET_HOURS = "market_hours"
    PREVIEW = "preview"
    LOGIN = "login"  # a person logs in on the venue's own page from time to time (`ports.LogIn`)


class BookProof(Word):
    """How a venue lets its order book be proven."""

    CRC32 = "crc32"  # a checksum of the best levels with every update
    CHAIN = "chain"  # each update names the number after the one before it
    STEP = "step"  # each update is numbered one higher than the one before it
    NONE = "none"  # nothing is told


@dataclass(frozen=True, slots=True, kw_only=True)
class BookRules:
    """A venue's order books: their proof, and the depths (levels a side) that can be subscribed, the usual one first.

    `whole` is how the whole book comes: with the stream itself, or `asked` for beside it (the adapter asks, and hands it on as
    a `BookDelta` with `reset`).  Levels beyond the depth subscribed are dropped by whoever keeps the book when `cut` is set.
    `frames` names the form of the raw frames, for the readers of `marketdata/frames.py` and the native core; empty where there
    is none.
    """

    proof: BookProof
    depths: tuple[int, ...] = ()
    asked: bool = False
    cut: bool = False
    frames: str = ""
    document: str = ""


class IdentityClass(Word):
    """What a repeat of the same client id does (RELIABILITY 2): A refused, B doubles once the first closed, C doubles."""

    A = "A"
    B = "B"
    C = "C"


# Of every allowance, for ordinary work; the rest is for cancels, kills and finding out (RELIABILITY 11).
USED_SHARE = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """One rate rule of a venue: so many requests in any `per_s` seconds, counted over the endpoints named.

    An endpoint is named whole (`orders.submit`), by its first word (`orders`), or `*` for all that no other allowance names.
    `beside`: it counts on top of the wider allowance, as an order-rate rule does.  `reads_only`: no order draws on it.
    `option` is the profile option by which an account with another plan says how many it may send.
    """

    name: str
    requests: int
    per_s: float
    endpoints: tuple[str, ...] = ("*",)
    beside: bool = False
    reads_only: bool = False
    option: str = ""
    document: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Etiquette:
    """How a venue wants to be spoken to, each rule with the document it was read in.

    `session_rules` are sentences on connections, log-ins and daily resets.
    """

    allowances: tuple[Allowance, ...] = ()
    session_rules: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """How the beginning of an account number or a key tells its environment.  `otherwise` is what no known beginning means."""

    beginnings: Mapping[str, Environment] = field(default_factory=dict[str, Environment])
    otherwise: Environment | None = None

    def of(self, text: str) -> Environment | None:
        """The environment it belongs to; None when nothing can be told."""
        found = (place for beginning, place in self.beginnings.items() if text.startswith(beginning))
        return next(found, self.otherwise)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerInfo:
    """Facts of one broker.  `hosts` is the closed table origin -> environment; durations in seconds.

    Orders whose client tag begins with one of `nameless_tags` go out in a call that takes no id of ours: what became of one is
    told by its terms, as at a venue of class C.
    `arrival_bound_s` is how late an order may still arrive (`bound_enforced`: the venue itself enforces it), `visibility_lag_s`
    how late an accepted order may show in queries.  `listed_day` is the zone of the day that its lists of orders hold, empty
    where they go back further: of an order of an earlier day they say nothing.  With `whole_successors` an order that replaces
    another may ask for its whole quantity again, whatever was filled before it.  With `amends_in_place` an order that is changed
    keeps its ids, and that the change was carried out shows in its terms alone.  With `whole_coins` a coin is one position, told
    in one of the pairs it is traded in, whichever its units were bought in.  Trading calls for a look at the account every
    `account_every_s` at most, for where calls are scarce.  `market` is the calendar whose opening and close matter (`XNYS`),
    empty where trading never stops.  `priced_in` is the one currency of all its shares and options, which an
    account need not be in; empty where they are in the account's.
    `account_sign` and `key_sign` tell the environment of an account number and of a BROKER_API_KEY.
    """

    code: str
    folder: str
    name: str
    environments: tuple[Environment, ...]
    can: frozenset[Can]
    order_types: Mapping[AssetClass, frozenset[OrderType]]
    tifs: Mapping[AssetClass, frozenset[TimeInForce]]
    order_classes: frozenset[OrderClass] = frozenset({OrderClass.SIMPLE})
    hosts: Mapping[str, Environment] = field(default_factory=dict[str, Environment])
    identity: IdentityClass = IdentityClass.C
    nameless_tags: tuple[str, ...] = ()
    arrival_bound_s: float = 60.0
    bound_enforced: bool = False
    visibility_lag_s: float = 2.0
    listed_day: str = ""
    whole_successors: bool = False
    amends_in_place: bool = False
    whole_coins: bool = False
    account_every_s: float = 0.0
    market: str = ""
    priced_in: str = ""
    account_sign: Sign = Sign()
    key_sign: Sign = Sign()
    etiquette: Etiquette = Etiquette()
    timetable: Timetable = NO_TIMETABLE  # its documented maintenance, and when it ends every session
    book: BookRules | None = None
    withdrawals: str = "The venue does not tell what a key may do."  # one sentence on keys that can move money
    fields: tuple[CredentialField, ...] = ()
    options: tuple[OptionField, ...] = ()
    documents: tuple[str, ...] = ()

    @property
    def asset_classes(self) -> tuple[AssetClass, ...]:
        return tuple(self.order_types)

    def still_lists(self, sent: datetime, now: datetime) -> bool:
        """Whether its lists would hold an order that was sent then."""
        if not self.listed_day:
            return True
        zone = ZoneInfo(self.listed_day)
        return sent.astimezone(zone).date() == now.astimezone(zone).date()

    def form(self, environment: Environment) -> Form:
        """What a profile of an environment is asked for."""
        return Form(self.fields, environment)


__all__ = ["BookProof", "BookRules", "BrokerInfo", "Can", "CredentialField", "Form", "IdentityClass", "OptionField"]
