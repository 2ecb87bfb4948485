"""The venues that schedules are played at: what is traded there, what its simulator can be asked for, what may befall it.

A plan names its world; everything else of the house asks here.  A new venue is an entry in `WORLDS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from inspect import signature
from random import Random
from typing import TYPE_CHECKING, Any

from floorbroker.brokers.registry import BROKERS
from floorbroker.domain.capability import BrokerInfo, Can
from floorbroker.domain.clock import Clock, SystemClock
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import TimeInForce
from floorbroker_sim.server import load_venue
from tests.simulation.spoken import Framed, Spoken

if TYPE_CHECKING:
    from tests.simulation.schedule import Plan

KINDS = ("market", "limit", "limit", "limit", "stop", "stop_limit", "trailing", "bracket", "notional")
EVENTS = ("websocket", "websocket", "sse", "both")
ALL = "all"  # instead of one venue: an account at each of them, under one desk
STRATEGY = "strategy"  # Alpaca, and a bot that trades there beside people
SHARE_OF_ALL = 0.15
SHARE_OF_STRATEGY = 0.1
FIRST_PORT = 7001


Rows = list[dict[str, Any]]


def origin_of(number: int) -> str:
    """Where the venue of the account of that number listens."""
    return f"http://127.0.0.1:{FIRST_PORT + number}"


def _nothing(plan: Plan) -> dict[str, Any]:
    """A simulator, or a profile, as it is."""
    del plan
    return {}


@dataclass(frozen=True, slots=True)
class Hand:
    """A request to a venue's control door, and when in a schedule."""

    at_s: float
    path: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One venue.

    `symbols` are what is traded, and its price when a schedule begins; quantities are whole units.  `kinds`, `tifs` and `events`
    are drawn from: types of order, how long they last, the ways to hear of them.  `settings` go to the simulator, `options`
    into the profile, `limits` are its usual ones.  `spares` are faults that the venue's rules cannot be asked to survive: where
    an id counts among open orders alone, a request that the network doubles is two orders.  `words` finds the members whose
    word is made a strange one.  A clock may be off by `skew_s`.  `has_hours`: its day can end.  `tells_busts`: it takes
    executions back.  `has_cells`: the table in `cells.py` is about it.  `symbol_of` is a position's name there in our spelling,
    None for money; `id_of` is what our side calls an order or execution of a symbol that has this id
    there; `as_ours` makes of its orders and fills what our side calls orders.  Commands that go over a socket look like
    `spoken`.  `nights` are hands of the control door, each played at its time.
    """

    name: str
    code: str
    symbols: Mapping[str, Decimal]
    words: re.Pattern[bytes]
    kinds: tuple[str, ...] = KINDS
    tifs: tuple[TimeInForce, ...] = (TimeInForce.GTC,)
    events: tuple[str, ...] = ("websocket",)
    settings: Callable[[Plan], dict[str, Any]] = _nothing
    options: Callable[[Plan], dict[str, str]] = _nothing
    limits: Mapping[str, Any] = field(default_factory=dict[str, Any])
    spares: frozenset[str] = frozenset()
    skew_s: float = 20.0
    has_hours: bool = False
    tells_busts: bool = False
    has_cells: bool = False
    has_whole_successors: bool = False
    symbol_of: Callable[[str], str | None] = field(default=lambda name: name)
    as_ours: Callable[[Rows, Rows], tuple[Rows, Rows]] = field(default=lambda orders, fills: (orders, fills))
    id_of: Callable[[str, str], str] = field(default=lambda symbol, number: number)
    spoken: Spoken | None = None
    scheme: str = "http"
    nights: Callable[[Plan], tuple[Hand, ...]] = field(default=lambda plan: ())

    @property
    def lists_fills(self) -> bool:
        """Whether it can be asked for executions; else totals are all it tells."""
        return Can.HISTORY_FILLS in self.info.can

    @property
    def info(self) -> BrokerInfo:
        return BROKERS[self.code]

    def venue(self, plan: Plan, clock: Clock) -> Any:
        """Its simulator."""
        return load_venue(self.name)(seed=plan.seed, clock=clock, **_keys_of(self.name), **self.settings(plan))

    def parted(self, credentials: Mapping[str, str], origin: str) -> tuple[dict[str, str], dict[str, Secret]]:
        """What a profile is handed that trades at `origin`: what may be shown, and what may not."""
        secret = {one.name for one in self.info.fields if one.secret}
        plain = {name: text for name, text in credentials.items() if name not in secret}
        return {**plain, "BROKER_URL": origin.replace("http", self.scheme, 1)}, {
            n: Secret(text) for n, text in credentials.items() if n in secret
        }


@lru_cache(maxsize=64)
def _keys_of(name: str) -> Mapping[str, Any]:
    """Every schedule's credentials at a venue are the same, where it has any: to spell out new ones takes the filter of secrets
    longer than a desk takes to start.
    """
    create: Callable[..., Any] = load_venue(name)
    return {"keys": create(clock=SystemClock()).keys} if "keys" in signature(create).parameters else {}


def _alpaca_settings(plan: Plan) -> dict[str, Any]:
    return {"whole_successors": plan.whole_successors, "calendar": plan.closes_at_s is not None}


def bound_s_of(plan: Plan) -> int:
    """The arrival bound where we choose it (seconds).  Requests are delayed by 35 s at most: never, seldom or often given up."""
    return (25, 8, 2)[plan.seed % 3]


def _alpaca_options(plan: Plan) -> dict[str, str]:
    return {"arrival_bound_s": str(bound_s_of(plan)), "order_events": plan.order_events}


ALPACA = World(
    name="alpaca",
    code="ALPACA",
    symbols={"AAPL": Decimal("190.00"), "SPY": Decimal("480.00")},
    words=re.compile(rb'"(status|event)":"[a-z_]*"'),
    tifs=(TimeInForce.DAY, TimeInForce.GTC),
    events=EVENTS,
    settings=_alpaca_settings,
    options=_alpaca_options,
    has_hours=True,
    tells_busts=True,
    has_cells=True,
    has_whole_successors=True,
)

# -- coins: bought with ten millions of the main currency, none held at the start; nothing is left to a fee in coins -------

COINS = {"SOL": Decimal("190.00"), "ETH": Decimal("3400.00")}
MONEY = Decimal(10_000_000)
COIN_KINDS = (
    "market", "limit", "limit", "limit", "stop", "stop_limit", "touched", "touched_limit", "post_only",
)  # fmt: skip
DOUBLED = frozenset({"order.duplicate", "order.replay"})
WINDOW_SKEW_S = 1.5  # a venue that takes requests for five seconds is traded with by a clock that is near


def _entered(plan: Plan) -> dict[str, str]:
    """A third of the schedules speak in commands over a socket."""
    return {"order_entry": "websocket" if plan.seed % 3 == 0 else "rest"}


def _priced(name: str) -> dict[str, Decimal]:
    return {name.format(coin): price for coin, price in COINS.items()}


BINANCE = World(
    name="binance",
    code="BINANCE",
    symbols=_priced("{}/USDT"),
    words=re.compile(rb'"(status|X|x)":"[A-Z_]*"'),
    kinds=(*COIN_KINDS, "trailing", "bracket", "notional", "iceberg"),
    settings=lambda _: {"balances": {"USDT": MONEY}, "commission": Decimal(0)},
    spares=DOUBLED,
    skew_s=WINDOW_SKEW_S,
    options=_entered,
    spoken=Spoken(
        word=re.compile(rb'"method":"([A-Za-z.]+)"'),
        client=re.compile(rb'"(?:newClientOrderId|workingClientOrderId)":"([^"]+)"'),
        endpoints={
            b"order.place": "orders.submit",
            b"orderList.place.otoco": "orders.submit",
            b"order.cancelReplace": "orders.replace",
            b"order.cancel": "orders.cancel",
            b"orderList.cancel": "orders.cancel",
            b"openOrders.cancelAll": "orders.cancel_all",
        },
    ),
    symbol_of=lambda asset: None if asset == "USDT" else f"{asset}/USDT",
    id_of=lambda symbol, number: f"{symbol.replace('/', '')}:{number}",
)
KRAKEN = World(
    name="kraken",
    code="KRAKEN",
    symbols=_priced("{}/USD"),
    words=re.compile(rb'"(status|order_status|exec_type)":"[a-z_]*"'),
    kinds=(*COIN_KINDS, "trailing", "notional", "iceberg"),
    settings=lambda _: {"balances": {"USD": MONEY}, "tier": "pro"},
    options=lambda plan: {"tier": "pro", **_entered(plan)},
    spoken=Spoken(
        word=re.compile(rb'"method":"([a-z_]+)"'),
        client=re.compile(rb'"cl_ord_id":"([^"]+)"'),
        endpoints={b"add_order": "orders.submit", b"amend_order": "orders.change", b"cancel_order": "orders.cancel"},
    ),
    spares=DOUBLED,
    skew_s=WINDOW_SKEW_S,
)
BYBIT = World(
    name="bybit",
    code="BYBIT",
    symbols=_priced("{}/USDT:USDT"),
    words=re.compile(rb'"(orderStatus|execType)":"[A-Za-z]*"'),
    kinds=COIN_KINDS,
    settings=lambda _: {"balances": {"USDT": MONEY}},
    options=_entered,
    spoken=Spoken(
        word=re.compile(rb'"op":"([a-z.-]+)"'),
        client=re.compile(rb'"orderLinkId":"([^"]+)"'),
        endpoints={b"order.create": "orders.submit", b"order.cancel": "orders.cancel"},
    ),
    spares=DOUBLED,
    skew_s=WINDOW_SKEW_S,
)
# -- polled: totals stand for executions, labels for names; what is sold has to be held ------------------------------------


def _tradier_options(plan: Plan) -> dict[str, str]:
    return {"arrival_bound_s": str(bound_s_of(plan)), "order_events": plan.order_events}


def _by_groups(orders: Rows, fills: Rows) -> tuple[Rows, Rows]:
    """A group is an order there, and its first member another: ours is both, under the id of the first and with the terms of the
    second.  The other members bear no label of ours.
    """
    groups = {row["order"] for row in orders if row["class"] in {"oto", "oco", "otoco"}}
    entries: dict[str, str] = {}
    for row in sorted(orders, key=lambda row: int(row["order"])):
        if row["head"] in groups:
            entries.setdefault(row["head"], row["order"])
    heads = {entry: head for head, entry in entries.items()}

    def named(row: dict[str, Any]) -> dict[str, Any]:
        if row["order"] in heads:
            return {**row, "order": heads[row["order"]]}
        return {**row, "client": None} if row.get("head") in groups else row

    return [named(row) for row in orders if row["order"] not in groups], [named(row) for row in fills]


TRADIER = World(
    name="tradier",
    code="TRADIER",
    symbols={"AAPL": Decimal("190.00"), "SPY": Decimal("480.00")},
    words=re.compile(rb'"(status|event)":"[a-z_]*"'),
    kinds=("market", "limit", "limit", "limit", "stop", "stop_limit", "bracket"),
    tifs=(TimeInForce.DAY, TimeInForce.GTC),
    events=("poll", "both"),
    as_ours=_by_groups,
    options=_tradier_options,
    spares=DOUBLED,
)
WORLDS: dict[str, World] = {world.name: world for world in (ALPACA, BINANCE, KRAKEN, BYBIT)}


def _nights(plan: Plan) -> tuple[Hand, ...]:
    """The program restarts, deaf for a second before it, or loses the broker's servers and finds them again."""
    random = Random(f"nights {plan.seed}")
    hands: list[Hand] = []
    if random.random() < 0.5:
        in_s = str(round(random.uniform(1, 4), 2))
        hands.append(Hand(random.uniform(2, 25), "restart", {"in_s": in_s, "for_s": str(random.randint(2, 20))}))
    if random.random() < 0.6:
        at_s = random.uniform(2, 25)
        back = Hand(at_s + random.uniform(1, 20), "link", {"up": True, "data_lost": random.random() < 0.5})
        hands += [Hand(at_s, "link", {"up": False}), back]
    return tuple(sorted(hands, key=lambda hand: hand.at_s))


IBKR = World(
    name="ibkr",
    code="IBKR",
    symbols=ALPACA.symbols,
    words=re.compile(rb"\0(Submitted|Filled|Cancelled|PreSubmitted)\0"),
    kinds=(
        "market",
        "limit",
        "limit",
        "limit",
        "stop",
        "stop_limit",
        "touched",
        "touched_limit",
        "trailing",
        "bracket",
    ),
    tifs=(TimeInForce.DAY, TimeInForce.GTC),
    events=("socket",),
    settings=lambda plan: {
        "cash": MONEY,
        "calendar": plan.closes_at_s is not None,
        "shows_replaced": plan.seed % 2 == 0,
    },
    options=lambda plan: {"arrival_bound_s": str(bound_s_of(plan))},
    has_hours=True,
    tells_busts=True,
    id_of=lambda symbol, number: number.rpartition(".")[0] if number.count(".") == 3 else number,
    scheme="tws",
    nights=_nights,
    spoken=Framed(
        word=re.compile(rb"\A.{4}([34])\0(?:1\0)?([0-9]+)\0", re.DOTALL),
        client=re.compile(rb"\0([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\0"),
        endpoints={b"3": "orders.submit", b"4": "orders.cancel"},
    ),
)

# -- a gateway: sessions that end and are taken over, questions before orders, lists that are asked for seldom ---------------

CONFIRMED = "o10151,o10152,o10331,o403,o2137"  # what wishes on both sides of a market are asked about


def _ibkr_web_options(plan: Plan) -> dict[str, str]:
    compete, every_s = "yes" if plan.seed % 2 else "no", "0.2" if _is_unpaced(plan) else "5.5"
    paced = {"list_every_s": every_s, "penalty_s": "5"}
    return {"arrival_bound_s": str(bound_s_of(plan)), "confirm": CONFIRMED, "compete": compete, **paced}


def _is_unpaced(plan: Plan) -> bool:
    """Half of the schedules: where lists are paced, a life of the desk spends most of its time on getting ready."""
    return plan.seed % 4 < 2


def _ibkr_web_settings(plan: Plan) -> dict[str, Any]:
    pace = {"rate": 0} if _is_unpaced(plan) else {}
    return {"cash": MONEY, "calendar": plan.closes_at_s is not None, **pace}


def _sessions(plan: Plan) -> tuple[Hand, ...]:
    """The session ends as it does every night, or is taken over; or nobody is logged in until a person is again."""
    random = Random(f"sessions {plan.seed}")
    hands: list[Hand] = []
    for _ in range(random.choice((0, 0, 1, 1, 2))):
        at_s, does = random.uniform(2, 45), random.choice(("end", "end", "take_over", "take_over", "logout"))
        hands.append(Hand(at_s, "session", {"do": does}))
        if does != "end":
            hands.append(Hand(at_s + random.uniform(1, 15), "session", {"do": "login"}))
    return tuple(sorted(hands, key=lambda hand: hand.at_s))


IBKR_WEB = World(
    name="ibkr-web",
    code="IBKR_WEB",
    symbols=ALPACA.symbols,
    words=re.compile(rb'"(status|order_status)":"[A-Za-z_]*"'),
    kinds=("market", "limit", "limit", "limit", "stop", "stop_limit", "trailing", "bracket"),
    tifs=(TimeInForce.DAY, TimeInForce.GTC),
    events=("websocket", "both"),
    settings=_ibkr_web_settings,
    options=_ibkr_web_options,
    has_hours=True,
    tells_busts=True,
    id_of=lambda _, number: number.rpartition(".")[0] or number,  # an execution's last part is its version
    nights=_sessions,
)
# -- a log without gaps: an order fills once, and what is left of it goes on under another id -----------------------------------


def _with_promises(orders: Rows, fills: Rows) -> tuple[Rows, Rows]:
    """The exits that an entry promises are orders here before they are any there: held until the entry is over, then gone, or
    gone on as the orders that were made of them.
    """
    opened_by = {fill["exec"]: fill["order"] for fill in fills}
    made = {(opened_by.get(row["trade"]), row["type"]) for row in orders if row["trade"] is not None}
    found = [*orders]
    for row in orders:
        for name, kind, price in (("profit", "take_profit", "limit"), ("loss", "stop_loss", "stop")):
            if row[kind] is not None:
                ended = "replaced" if (row["order"], kind) in made or row["status"] == "replaced" else "canceled"
                promise = {
                    "order": f"{row['order']}-{name}",
                    "client": None,
                    "side": "sell" if row["side"] == "buy" else "buy",
                    "type": kind,
                    "status": "held" if row["status"] == "new" else ended,
                    "filled": "0",
                    "limit": None,
                    "stop": None,
                    price: row[kind],
                }
                found.append({**row, **promise})
    return found, fills


OANDA = World(
    name="oanda",
    code="OANDA",
    symbols={"XAU/USD": Decimal("2400.00"), "USD/JPY": Decimal("146.60")},
    words=re.compile(rb'"(state|type)":"[A-Z_]*"'),
    kinds=("market", "limit", "limit", "limit", "stop", "touched", "bracket"),
    tifs=(TimeInForce.DAY, TimeInForce.GTC),
    events=("stream",),
    as_ours=_with_promises,
    options=lambda plan: {"arrival_bound_s": str(bound_s_of(plan))},
    spares=DOUBLED,
)
# -- labels alone, a stream that tells totals, and a book of trades: what is sold has to be held --------------------------------


def _by_trades(orders: Rows, fills: Rows) -> tuple[Rows, Rows]:
    """An execution has its number on an exchange and a day: ours is named by exchange and order as well."""
    return orders, [{**row, "exec": f"NSE:{row['order']}:{row['exec']}"} for row in fills]


UPSTOX = World(
    name="upstox",
    code="UPSTOX",
    symbols={"NHPC.NSE": Decimal("190.00"), "YESBANK.NSE": Decimal("48.00")},
    words=re.compile(rb'"status":"(?!success)[a-z ]*"'),
    kinds=("market", "limit", "limit", "limit", "stop", "stop_limit"),
    tifs=(TimeInForce.DAY, TimeInForce.DAY, TimeInForce.IOC),
    events=("stream",),
    options=lambda plan: {"arrival_bound_s": str(bound_s_of(plan))},
    as_ours=_by_trades,
    spares=DOUBLED,
)
NAMED: dict[str, World] = {
    **WORLDS,
    UPSTOX.name: UPSTOX,
    IBKR.name: IBKR,
    IBKR_WEB.name: IBKR_WEB,
    TRADIER.name: TRADIER,
    OANDA.name: OANDA,
    STRATEGY: ALPACA,
}
"""Those that came after the seeds that are kept: played where somebody names them, so that no seed plays anything else."""


def world_of(seed: int) -> str:
    """The world in which a seed is played when nobody says where: all venues sometimes; else Alpaca half of the time, the
    others for the rest.  In a tenth of all a strategy trades.
    """
    if Random(f"strategy {seed}").random() < SHARE_OF_STRATEGY:
        return STRATEGY
    if Random(f"all {seed}").random() < SHARE_OF_ALL:
        return ALL
    others = sorted(WORLDS.keys() - {ALPACA.name})
    random = Random(f"world {seed}")
    return random.choice(others) if others and random.random() < 0.5 else ALPACA.name
