"""The venue as one thing: routes, sockets, prices and the control door over one state; and the ASGI apps around it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import msgspec

from floorbroker.domain.clock import Clock
from floorbroker.domain.values import OrderId, Price, Quantity, text_of, time_text
from floorbroker.matching import BadOrder, NotOpen
from floorbroker.tape import Tape, load
from floorbroker_sim.bybit import errors, info
from floorbroker_sim.bybit.auth import Keys, make_keys, whole
from floorbroker_sim.bybit.limits import Counter
from floorbroker_sim.bybit.mapping import PUBLIC_STATUS, average, instrument
from floorbroker_sim.bybit.rest import routes
from floorbroker_sim.bybit.rest.klines import Klines, RecordedKlines, SeededKlines
from floorbroker_sim.bybit.rest.prices import VenueSource
from floorbroker_sim.bybit.rest.records import Executed, Record
from floorbroker_sim.bybit.rest.state import Settings, State
from floorbroker_sim.bybit.stream.private import PrivateSocket
from floorbroker_sim.bybit.stream.public import PublicSocket
from floorbroker_sim.bybit.stream.trade import TradeSocket
from floorbroker_sim.clock import VenueClock
from floorbroker_sim.control import ControlDoor, Impossible, Route, fields_of, positive_in, text_in
from floorbroker_sim.faults import Fault, FaultPlan
from floorbroker_sim.gate import Gate
from floorbroker_sim.history import History
from floorbroker_sim.http import Reply, Request, SocketSession
from floorbroker_sim.market import Market, seeded_coins
from floorbroker_sim.recorded import RecordedHistory, RecordedSource, first_moment, recorded_symbols

_MINUTE = timedelta(minutes=1)
_MAX_STEPS = 5_000
_FEED_S = 0.25
_PAIRS = tuple(dict.fromkeys(product.pair for product in info.PRODUCTS))


class _LinkId(msgspec.Struct, rename="camel"):
    order_link_id: str | None = None


class BybitVenue:
    """Answers requests and opens sockets.  `app` and `control_app` are the ASGI faces."""

    name = info.VENUE

    def __init__(
        self,
        *,
        settings: Settings,
        clock: VenueClock,
        market: Market,
        bars: Klines,
        keys: Keys,
        plan: FaultPlan,
        rate: int | None,
    ) -> None:
        self.clock = clock
        self.market = market
        self.keys = keys
        self.plan = plan
        self.state = State(settings=settings, clock=clock, market=market, bars=bars, keys=keys)
        self._counter = Counter(clock.base if clock.stands else clock, rate)
        self.app = Gate(self, plan=plan, clock=clock)
        self.control_app = ControlDoor(self, gate=self.app, plan=plan, routes=self._hands())

    @property
    def credentials(self) -> dict[str, str]:
        """What a profile needs to reach this venue."""
        return {"BROKER_CODE": "BYBIT", "BROKER_API_KEY": self.keys.key, "BROKER_SECRET_KEY": self.keys.secret}

    # --- What the gate asks -------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Reply:
        """Answer one request."""
        return routes.answer(self.state, self._counter, request)

    def socket(self, request: Request) -> SocketSession | Reply:
        """A session for the path of a socket."""
        if not self._counter.may_connect():
            return errors.flooded()
        match request.path.rstrip("/"):
            case "/v5/public/spot":
                return PublicSocket(self.state, info.SPOT)
            case "/v5/public/linear":
                return PublicSocket(self.state, info.LINEAR)
            case "/v5/private":
                return PrivateSocket(self.state, active_s=_active_s(request.query.get("max_active_time")))
            case "/v5/trade":
                return TradeSocket(self.state, self._counter, active_s=_active_s(request.query.get("max_active_time")))
            case _:
                return errors.plain(404, "path not found")

    def client_id(self, request: Request) -> str | None:
        """The client's order id of a command for one order."""
        if request.method != "POST" or not request.path.startswith("/v5/order/"):
            return None
        try:
            return msgspec.json.decode(request.body, type=_LinkId).order_link_id
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    def refusal(self, fault: Fault, request: Request) -> Reply:
        return errors.fault_reply(fault, at=self.clock.now())

    # --- What the control door asks -----------------------------------------------------------------------------------

    def orders(self) -> list[dict[str, str | None]]:
        return [_order_line(record) for record in self.state.orders.values()]

    def fills(self) -> list[dict[str, str | None]]:
        return [_fill_line(executed) for executed in self.state.executions]

    def positions(self) -> list[dict[str, str | None]]:
        """Contracts, and what the account holds of each coin, named by its pair."""
        lines: list[dict[str, str | None]] = [
            {"symbol": p.product.canonical, "quantity": text_of(p.size), "avg_px": text_of(p.avg_px)}
            for p in self.state.holdings.open()
        ]
        held = sorted((coin, amount) for coin, amount in self.state.wallet.balances.items() if coin != info.SETTLE)
        return lines + [
            {"symbol": f"{coin}/{info.SETTLE}", "quantity": text_of(amount), "avg_px": None}
            for coin, amount in held
            if amount
        ]

    def set_price(self, symbol: str, bid: Decimal, ask: Decimal, last: Decimal | None) -> None:
        try:
            tick = self.market.set_price(
                symbol, bid=Price(bid), ask=Price(ask), last=None if last is None else Price(last), at=self.clock.now()
            )
        except KeyError as error:
            raise Impossible("symbol", f"{symbol} is not listed here") from error
        self.state.feed(tick)

    def force_fill(self, order: str, qty: Decimal, price: Decimal) -> None:
        record = self._record(order)
        if not record.is_open or not record.in_engine:
            raise Impossible("order", f"the order is {record.status}", status=409)
        try:
            events = self.state.engine.force_fill(
                OrderId(record.id), qty=Quantity(qty), price=Price(price), at=self.clock.stamp()
            )
        except NotOpen as error:
            raise Impossible("order", f"the order is {error.status}", status=409) from error
        except BadOrder as error:
            raise Impossible("qty", str(error)) from error
        self.state.absorb(events)

    def _record(self, order: str) -> Record:
        record = self.state.find(order)
        if record is None:
            raise Impossible("order", f"there is no order {order}", status=404)
        return record

    def bust(self, exec_id: str) -> None:
        raise Impossible("exec", f"this venue takes no executions back ({exec_id})", status=409)

    def correct(self, exec_id: str, qty: Decimal, price: Decimal) -> None:
        raise Impossible("exec", f"this venue corrects no executions ({exec_id})", status=409)

    def _hands(self) -> Mapping[tuple[str, str], Route]:
        return {("POST", "/book"): self._upset_book, ("POST", "/cross"): self._cross}

    def _upset_book(self, request: Request) -> Reply:
        """`gap`: the next change of each book of the symbol is lost; `reset`: the service begins again with `u` = 1."""
        fields = fields_of(request, {"symbol", "what"})
        symbol, what = text_in(fields, "symbol"), text_in(fields, "what")
        if symbol not in info.BY_CANONICAL:
            raise Impossible("symbol", f"{symbol} is not listed here")
        if what not in {"gap", "reset"}:
            raise Impossible("what", "gap and reset are what can be done to a book")
        for feed in self.state.books.of(symbol):
            if what == "gap":
                feed.lose_next = feed.depth > 1
            else:
                feed.restart(self.clock.now())
        return Reply(status=204)

    def _cross(self, request: Request) -> Reply:
        """The next cancel of the order comes too late: it is filled at `price` just before."""
        fields = fields_of(request, {"order", "price"})
        record = self._record(text_in(fields, "order"))
        if not record.is_open or not record.in_engine:
            raise Impossible("order", f"the order is {record.status}", status=409)
        record.cross = positive_in(fields, "price")
        return Reply(status=204)

    def now(self) -> datetime:
        return self.clock.now()

    def move_clock(self, moment: datetime) -> None:
        """Let time pass.  Recorded days play every line up to `moment`; the seeded market is looked at once a minute."""
        if self.clock.stands:
            self.step(moment)
            return
        at = self.clock.now()
        step = max(_MINUTE, (moment - at) / _MAX_STEPS)
        while at < moment:
            at = min(at + step, moment)
            self.clock.move_to(at)
            self.step(at)

    def reset(self) -> None:
        self.clock.reset()
        self.market.reset()
        self._counter.reset()
        self.state.reset()

    # --- Prices -------------------------------------------------------------------------------------------------------

    def step(self, at: datetime) -> None:
        """The market up to `at`, for the symbols somebody waits for; then the sockets."""
        for tick in self.market.advance(at, self._watched()):
            if self.clock.stands:
                self.clock.move_to(max(tick.at, self.clock.now()))
            self.state.feed(tick)
        if self.clock.stands:
            self.clock.move_to(at)
        self.state.absorb(self.state.engine.advance(at))
        for socket in tuple(self.state.listeners.sockets):
            socket.tick(at)

    def _watched(self) -> list[str]:
        waiting = {record.canonical for record in self.state.open.values()}
        waiting |= {record.product.pair for record in self.state.open.values() if record.trigger is not None}
        for socket in self.state.listeners.sockets:
            waiting |= socket.symbols
        return sorted((waiting | self.state.books.heard()) & self.market.instruments.keys())

    async def run(self, *, every_s: float = _FEED_S) -> None:
        """Feed the market while time runs.  A venue whose clock stands has nothing to feed."""
        while not self.clock.stands:
            await self.clock.sleep(every_s)
            self.step(self.clock.now())


def _active_s(text: str | None) -> int | None:
    """`max_active_time=90s`: how long a silent client is kept; what cannot be is not heard."""
    seconds = whole((text or "").removesuffix("s"))
    low, high = info.ACTIVE_TIME_S
    return seconds if seconds is not None and low <= seconds <= high else None


def _order_line(record: Record) -> dict[str, str | None]:
    mean = average(record)
    return {
        "order": record.id,
        "client": record.link_id or None,
        "symbol": record.canonical,
        "side": record.side.value,
        "type": record.order_type.lower() if record.trigger is None else f"stop_{record.order_type.lower()}",
        "quantity": None if record.in_quote else text_of(record.qty),
        "status": PUBLIC_STATUS[record.status],
        "filled": text_of(record.cum_qty),
        "avg_px": None if mean is None else text_of(mean),
        "limit": None if record.price is None or record.order_type == "Market" else text_of(record.price),
        "stop": None if record.trigger is None else text_of(record.trigger.price),
        "created": time_text(record.created_at),
    }


def _fill_line(executed: Executed) -> dict[str, str | None]:
    return {
        "exec": executed.exec_id, "order": executed.order.id, "client": executed.order.link_id or None,
        "symbol": executed.order.canonical, "side": executed.order.side.value, "quantity": text_of(executed.qty),
        "price": text_of(executed.price), "fee": text_of(executed.fee), "fee_currency": executed.fee_coin,
        "time": time_text(executed.at),
    }  # fmt: skip


def create_venue(
    *,
    seed: int = 0,
    clock: Clock,
    data: Path | None = None,
    calendar: bool = False,
    faults: list[Fault] | None = None,
    rate: int | None = None,
    balances: Mapping[str, Decimal] = info.START_BALANCES,
    free: bool = False,
    displayed: bool = False,
    keys: Keys | None = None,
    read_only: bool = False,
    can_withdraw: bool = False,
) -> BybitVenue:
    """A venue in this process: no threads, no waiting but on `clock`, everything else drawn from `seed`.

    With `data` (a folder of recorded days) the clock stands at the first day until the control door moves it, and only what is
    recorded has prices, pairs against dollars standing for those against tethers; raises `NotRecorded` for a folder without
    minutes.  `rate` None counts requests as documented (nothing with `data`), 0 counts nothing, another number is requests a
    minute for each endpoint.  `free`: trading costs nothing.  `displayed`: sizes count, and orders walk the
    book; otherwise they are filled at the touch whatever its size.  `read_only` and `can_withdraw` say what the key may do.
    This market has no hours: `calendar` changes nothing.
    """
    del calendar
    if data is not None:
        tape = load(data)
        names, venue_clock = _recorded_names(tape), VenueClock(clock, standing_at=first_moment(tape))
        source = VenueSource(RecordedSource(tape), names)
        history: History | None = RecordedHistory(tape)
        rate = 0 if rate is None else rate
    else:
        names, venue_clock, history = {pair: pair for pair in _PAIRS}, VenueClock(clock), None
        source = VenueSource(seeded_coins(seed)[0], names)
    listed = [instrument(product) for product in info.PRODUCTS if product.pair in names]
    market = Market(source, listed, at=venue_clock.now())
    bars = SeededKlines(market, seed=seed) if history is None else RecordedKlines(history, names)
    made = make_keys(Random(f"bybit keys {seed}"), read_only=read_only, can_withdraw=can_withdraw)
    return BybitVenue(
        settings=Settings(seed=seed, free=free, displayed=displayed, balances=balances),
        clock=venue_clock,
        market=market,
        bars=bars,
        keys=keys or made,
        plan=FaultPlan(faults or [], seed=seed, set_at=venue_clock.now()),
        rate=rate,
    )


def _recorded_names(tape: Tape) -> dict[str, str]:
    """What a folder calls the pairs: by their own name, or against dollars."""
    recorded = set(recorded_symbols(tape))
    found: dict[str, str] = {}
    for pair in _PAIRS:
        name = next((name for name in (pair, pair.removesuffix("T")) if name in recorded), None)
        if name is not None:
            found[pair] = name
    return found
