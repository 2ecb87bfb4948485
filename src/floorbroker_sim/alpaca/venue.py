"""The venue as one thing: routes, streams, prices and the control door over one state; and the ASGI apps around it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import msgspec

from floorbroker.domain.clock import Clock
from floorbroker.domain.values import ExecId, OrderId, Price, Quantity, text_of, time_text
from floorbroker.matching import BadOrder, NotOpen
from floorbroker.tape import load
from floorbroker_sim.alpaca import errors, info
from floorbroker_sim.alpaca.auth import Keys, is_authorized, make_keys
from floorbroker_sim.alpaca.errors import Refused
from floorbroker_sim.alpaca.limits import Counter
from floorbroker_sim.alpaca.mapping import PUBLIC_STATUS, average, inside
from floorbroker_sim.alpaca.rest.records import Record
from floorbroker_sim.alpaca.rest.routes import DATA, TRADING
from floorbroker_sim.alpaca.rest.state import Settings, State
from floorbroker_sim.alpaca.stream.data import PATHS, DataSession
from floorbroker_sim.alpaca.stream.updates import UpdatesSession
from floorbroker_sim.clock import VenueClock
from floorbroker_sim.control import ControlDoor, Impossible
from floorbroker_sim.faults import Fault, FaultPlan
from floorbroker_sim.gate import Gate
from floorbroker_sim.history import History, Known, SeededHistory, day_start
from floorbroker_sim.http import Found, Reply, Request, Router, SocketSession
from floorbroker_sim.market import Market, PriceSource, seeded
from floorbroker_sim.recorded import RecordedHistory, RecordedSource, first_moment, recorded_instruments

_MINUTE = timedelta(minutes=1)
_MAX_STEPS = 5_000
_FEED_S = 1.0


class _ClientId(msgspec.Struct):
    client_order_id: str | None = None


class AlpacaVenue:
    """Answers requests and opens streams.  `app` and `control_app` are the ASGI faces."""

    name = info.VENUE

    def __init__(
        self,
        *,
        settings: Settings,
        clock: VenueClock,
        market: Market,
        history: History,
        keys: Keys,
        plan: FaultPlan,
        rate: int,
    ) -> None:
        self.clock = clock
        self.market = market
        self.keys = keys
        self.plan = plan
        self.state = State(settings=settings, clock=clock, market=market, history=history)
        self._counter = Counter(clock.base if clock.stands else clock, rate)
        self._data_streams: dict[str, DataSession] = {}
        self._minute = _minute_of(clock.now())
        self.app = Gate(self, plan=plan, clock=clock)
        self.control_app = ControlDoor(self, gate=self.app, plan=plan)

    @property
    def credentials(self) -> dict[str, str]:
        """What a profile needs to reach this venue."""
        return {"BROKER_CODE": "ALPACA", "BROKER_API_KEY": self.keys.key, "BROKER_SECRET_KEY": self.keys.secret}

    # --- What the gate asks -------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Reply:
        """Answer one request."""
        for door, router in (("trading", _TRADING), ("data", _DATA)):
            found = router.find(request)
            if found is None and not router.knows(request):
                continue
            passed, headers = self._counter.take(door)
            reply = self._answer(found, request) if passed else errors.too_many_requests().reply
            return _with_headers(reply, headers)
        return errors.not_found().reply

    def _answer(self, found: Found | None, request: Request) -> Reply:
        is_public = request.path.startswith("/v1beta3/crypto/")
        if not is_public and not is_authorized(request.headers, self.keys):
            return errors.unauthorized().reply
        if found is None:
            return Refused(405, 40510000, "method not allowed").reply
        handler, values = found
        try:
            return handler(self.state, request, *values)
        except Refused as refused:
            return refused.reply

    def socket(self, request: Request) -> SocketSession | Reply:
        """A stream session for a path."""
        msgpack = request.headers.get("content-type", "") == "application/msgpack"
        if request.path.rstrip("/") == "/stream":
            return UpdatesSession(self.state, self.keys, msgpack=msgpack)
        path = request.path.rstrip("/")
        if path not in PATHS:
            return errors.not_found().reply
        authorized = is_authorized(request.headers, self.keys)
        return DataSession(
            self.state, self.keys, path=path, msgpack=msgpack, authorized=authorized, taken=self._data_streams
        )

    def client_id(self, request: Request) -> str | None:
        """The client's order id of an order entry or replace."""
        if request.method not in {"POST", "PATCH"} or not request.path.startswith("/v2/orders"):
            return None
        try:
            return msgspec.json.decode(request.body, type=_ClientId).client_order_id
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    def refusal(self, fault: Fault, request: Request) -> Reply:
        return errors.fault_reply(fault)

    # --- What the control door asks -----------------------------------------------------------------------------------

    def orders(self) -> list[dict[str, str | None]]:
        return [_order_line(record) for record in self.state.orders.values()]

    def fills(self) -> list[dict[str, str | None]]:
        return [
            {
                "exec": a.exec_id, "order": a.order_id, "client": a.client_order_id, "symbol": a.symbol,
                "side": a.side.value if a.side is not None else None, "quantity": text_of(a.qty),
                "price": text_of(a.price), "fee": text_of(a.fee), "time": time_text(a.at),
            }
            for a in self.state.activities
            if a.is_fill and not a.busted
        ]  # fmt: skip

    def positions(self) -> list[dict[str, str | None]]:
        return [
            {"symbol": p.symbol, "quantity": text_of(p.qty), "avg_px": text_of(p.avg_px)}
            for p in self.state.ledger.positions()
        ]

    def set_price(self, symbol: str, bid: Decimal, ask: Decimal, last: Decimal | None) -> None:
        canonical, at = inside(symbol), self.clock.now()
        try:
            tick = self.market.set_price(
                canonical, bid=Price(bid), ask=Price(ask), last=None if last is None else Price(last), at=at
            )
        except KeyError as error:
            raise Impossible("symbol", f"{symbol} is not listed here") from error
        self.state.feed(tick)

    def force_fill(self, order: str, qty: Decimal, price: Decimal) -> None:
        record = self.state.find(order)
        if record is None:
            raise Impossible("order", f"there is no order {order}", status=404)
        try:
            events = self.state.engine.force_fill(
                OrderId(record.id), qty=Quantity(qty), price=Price(price), at=self.clock.stamp()
            )
        except NotOpen as error:
            raise Impossible("order", f"the order is {error.status}", status=409) from error
        except BadOrder as error:
            raise Impossible("qty", str(error)) from error
        self.state.absorb(events)

    def bust(self, exec_id: str) -> None:
        try:
            events = self.state.engine.bust(ExecId(exec_id), at=self.clock.stamp())
        except KeyError as error:
            raise Impossible("exec", f"there is no execution {exec_id}", status=404) from error
        self.state.absorb(events)

    def correct(self, exec_id: str, qty: Decimal, price: Decimal) -> None:
        try:
            events = self.state.engine.correct(
                ExecId(exec_id), qty=Quantity(qty), price=Price(price), at=self.clock.stamp()
            )
        except KeyError as error:
            raise Impossible("exec", f"there is no execution {exec_id}", status=404) from error
        except BadOrder as error:
            raise Impossible("qty", str(error)) from error
        self.state.absorb(events)

    def now(self) -> datetime:
        return self.clock.now()

    def move_clock(self, moment: datetime) -> None:
        """Let time pass.  Recorded days play every line up to `moment`; the seeded market is looked at once a minute."""
        if self.clock.stands:
            self._step(moment)
            return
        at = self.clock.now()
        step = max(_MINUTE, (moment - at) / _MAX_STEPS)
        while at < moment:
            at = min(at + step, moment)
            self.clock.move_to(at)
            self._step(at)

    def reset(self) -> None:
        self.clock.reset()
        self.market.reset()
        self._counter.reset()
        self.state.reset()
        self._minute = _minute_of(self.clock.now())

    # --- Prices -------------------------------------------------------------------------------------------------------

    def _step(self, at: datetime) -> None:
        """The market up to `at`, for the symbols somebody waits for."""
        for tick in self.market.advance(at, self._watched()):
            if self.clock.stands:
                self.clock.move_to(max(tick.at, self.clock.now()))
            self.state.feed(tick)
        if self.clock.stands:
            self.clock.move_to(at)
        self.state.advance(at)
        self._tell_bars(at)

    def _watched(self) -> list[str]:
        waiting = self.state.open.all()
        symbols = {leg.symbol for record in waiting for leg in record.order.legs}
        symbols |= {record.order.symbol for record in waiting}
        for stream in self._data_streams.values():
            symbols |= stream.symbols
        return sorted(symbol for symbol in symbols if self._is_listed(symbol))

    def _is_listed(self, symbol: str) -> bool:
        try:
            self.market.instrument(symbol)
        except KeyError:
            return False
        return True

    def _tell_bars(self, at: datetime) -> None:
        """When a minute is over, its bar and the day so far, to those who asked."""
        minute = _minute_of(at)
        if minute <= self._minute:
            return
        since, self._minute = max(self._minute, minute - _MINUTE), minute
        for symbol in sorted(
            {s for stream in self._data_streams.values() for s in stream.symbols if self._is_listed(s)}
        ):
            bars = list(self.state.history.minutes(symbol, since, minute - _MINUTE))
            if not bars:
                continue
            today = list(self.state.history.days(symbol, day_start(at, is_coin="/" in symbol), at))
            for listener in tuple(self.state.listeners.bars):
                listener(symbol, bars[-1], today[-1] if today else None)

    async def run(self, *, every_s: float = _FEED_S) -> None:
        """Feed the market while time runs.  A venue whose clock stands has nothing to feed."""
        while not self.clock.stands:
            await self.clock.sleep(every_s)
            self._step(self.clock.now())


def _minute_of(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _router(routes: list[tuple[str, str, Callable[..., Reply]]]) -> Router:
    router = Router()
    for method, path, handler in routes:
        router.add(method, path, handler)
    return router


_TRADING, _DATA = _router(TRADING), _router(DATA)


def _with_headers(reply: Reply, headers: dict[str, str]) -> Reply:
    if not headers:
        return reply
    return Reply(
        status=reply.status, body=reply.body, headers={**reply.headers, **headers}, content_type=reply.content_type,
        stream=reply.stream,
    )  # fmt: skip


def _order_line(record: Record) -> dict[str, str | None]:
    order = record.order
    return {
        "order": record.id,
        "client": record.client_order_id,
        "symbol": order.symbol,
        "side": order.side.value,
        "type": order.order_type.value,
        "quantity": None if record.qty is None else text_of(record.qty),
        "status": PUBLIC_STATUS.get(record.status, record.status),
        "filled": text_of(record.filled_qty),
        "avg_px": None if (price := average(record)) is None else text_of(price),
        "limit": None if order.price is None else text_of(order.price),
        "stop": None if (stop := record.stop_px or order.stop_px) is None else text_of(stop),
        "created": time_text(record.created_at),
    }


def create_venue(
    *,
    seed: int = 0,
    clock: Clock,
    data: Path | None = None,
    calendar: bool = False,
    faults: list[Fault] | None = None,
    rate: int | None = None,
    cash: Decimal = info.START_CASH,
    crypto_fee_bps: Decimal = info.CRYPTO_FEE_BPS,
    keys: Keys | None = None,
    whole_successors: bool = False,
) -> AlpacaVenue:
    """A venue in this process: no threads, no waiting but on `clock`, everything else drawn from `seed`.

    With `data` (a folder of recorded days) the clock stands at the first day until the control door moves it, and only what is
    recorded has prices; raises `NotRecorded` for a folder without minutes.  `rate` is requests a minute for each of trading
    and data (default 200, 0 with `data`; 0 counts nothing).
    """
    source: PriceSource
    if data is not None:
        tape = load(data)
        venue_clock = VenueClock(clock, standing_at=first_moment(tape))
        source, instruments = RecordedSource(tape), recorded_instruments(tape)
    else:
        tape, venue_clock = None, VenueClock(clock)
        source, instruments = seeded(seed)
    market = Market(source, instruments, at=venue_clock.now())
    past = SeededHistory(market) if tape is None else RecordedHistory(tape)
    if rate is None:
        rate = info.TRADING_PER_MINUTE if tape is None else 0
    return AlpacaVenue(
        settings=Settings(
            seed=seed,
            cash=cash,
            calendar=calendar,
            crypto_fee_bps=crypto_fee_bps,
            whole_successors=whole_successors,
        ),
        clock=venue_clock,
        market=market,
        history=Known(past, venue_clock.now),
        keys=keys or make_keys(Random(f"alpaca keys {seed}")),
        plan=FaultPlan(faults or [], seed=seed, set_at=venue_clock.now()),
        rate=rate,
    )
