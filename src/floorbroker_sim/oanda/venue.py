"""The venue as a whole: an ASGI app in front of plain handlers, streams of lines, and what the control door sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import cast, get_args

import msgspec

from floorbroker.domain.clock import Clock
from floorbroker.domain.instrument import Instrument, TickRule
from floorbroker.domain.values import AssetClass, Price, text_of
from floorbroker.matching import by_name
from floorbroker.tape import Listing, load
from floorbroker_sim.clock import VenueClock
from floorbroker_sim.control import ControlDoor, Impossible
from floorbroker_sim.faults import Fault, FaultPlan
from floorbroker_sim.gate import Gate
from floorbroker_sim.http import Reply, Request, Router, SocketSession
from floorbroker_sim.market import Market, PriceSource, SeededSource
from floorbroker_sim.oanda import errors, info, wire
from floorbroker_sim.oanda.auth import Keys, is_account_id, is_authorized, make_keys
from floorbroker_sim.oanda.errors import Refused
from floorbroker_sim.oanda.limits import Counter
from floorbroker_sim.oanda.mapping import inside, outside, public_status, render, time_text
from floorbroker_sim.oanda.rest import execution
from floorbroker_sim.oanda.rest.answers import Answer
from floorbroker_sim.oanda.rest.hands import Hand
from floorbroker_sim.oanda.rest.past import Past, RecordedPast, SeededPast
from floorbroker_sim.oanda.rest.reading import Call
from floorbroker_sim.oanda.rest.records import Order
from floorbroker_sim.oanda.rest.routes import ROUTES
from floorbroker_sim.oanda.rest.state import Settings, State
from floorbroker_sim.oanda.stream.lines import Stream, body
from floorbroker_sim.oanda.stream.prices import PriceStream
from floorbroker_sim.oanda.stream.transactions import TransactionStream
from floorbroker_sim.recorded import RecordedSource, first_moment

_MINUTE = timedelta(minutes=1)
_MAX_STEPS = 5_000
_FEED_S = 0.25
_CURRENCIES = frozenset({AssetClass.FX})


class OandaVenue:
    """Answers requests and opens streams.  `app` and `control_app` are the ASGI faces."""

    name = info.VENUE

    def __init__(
        self,
        *,
        settings: Settings,
        clock: VenueClock,
        market: Market,
        past: Past,
        keys: Keys,
        plan: FaultPlan,
        rate: int | None,
    ) -> None:
        self.clock = clock
        self.market = market
        self.keys = keys
        self.plan = plan
        self.state = State(settings=settings, clock=clock, market=market, past=past, keys=keys)
        self._counter = Counter(clock.base if clock.stands else clock, rate)
        self.streams: list[Stream] = []
        self._requests = 0
        self.app = Gate(self, plan=plan, clock=clock)
        self.control_app = ControlDoor(self, gate=self.app, plan=plan, routes=Hand(self.state).routes())

    @property
    def credentials(self) -> dict[str, str]:
        """What a profile needs to reach this venue."""
        return {
            "BROKER_CODE": "OANDA",
            "BROKER_API_KEY": self.keys.token,
            "BROKER_ACCOUNT_NUMBER": self.keys.account,
        }

    # --- What the gate asks -------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Reply:
        """Answer one request; every answer has an id."""
        self._requests += 1
        number = f"{42 * 10**15 + self._requests}"
        named = request.headers.get("clientrequestid") if self.state.account.request_ids else None
        call = Call(
            path=request.path, query=request.query, body=request.body, base=_base(request), request_id=named or number,
        )  # fmt: skip
        unix = request.headers.get("accept-datetime-format", "RFC3339").strip().upper() == "UNIX"
        reply = self._guarded(request, call, unix=unix)
        return replace(reply, headers={"RequestID": number, **reply.headers})

    def _guarded(self, request: Request, call: Call, *, unix: bool) -> Reply:
        if not is_authorized(request.headers, self.keys):
            return errors.unauthorized()
        if not self._counter.take():
            return errors.too_many()
        try:
            match request.segments:
                case ("v3", "accounts", account, "pricing" | "transactions" as what, "stream") if (
                    request.method == "GET"
                ):
                    self._check_account(account)
                    return self._stream(what, call, unix=unix)
                case _:
                    answer = self._routed(request, call)
        except Refused as refused:
            answer = Answer(refused.body, status=refused.status)
        return Reply(
            status=answer.status, body=render(dict(answer.body), unix=unix), headers=answer.headers,
            content_type="application/json",
        )  # fmt: skip

    def _routed(self, request: Request, call: Call) -> Answer:
        found = _ROUTER.find(request)
        if found is None:
            known = _ROUTER.knows(request)
            raise Refused(405 if known else 404, "Method Not Allowed" if known else "Not Found")
        handler, values = found
        if request.segments[1] == "accounts" and values:
            account, *values = values
            self._check_account(account)
        return cast("Callable[..., Answer]", handler)(self.state, call, *values)

    def _check_account(self, account: str) -> None:
        if not is_account_id(account):
            raise errors.invalid("accountID")
        if account != self.keys.account:
            raise Refused(403, "The provided request was forbidden.")

    def _stream(self, what: str, call: Call, *, unix: bool) -> Reply:
        self.streams[:] = [stream for stream in self.streams if stream.outbox.close_code is None]
        if len(self.streams) >= info.STREAMS:
            return errors.too_many()
        stream = _Counted(
            self.streams,
            PriceStream(self.state, call, unix=unix) if what == "pricing" else TransactionStream(self.state, unix=unix),
        )
        self.streams.append(stream)
        return Reply(status=200, content_type="application/octet-stream", stream=body(stream))

    def socket(self, request: Request) -> SocketSession | Reply:
        """There are no sockets here."""
        return errors.message_reply(404, "Not Found")

    def client_id(self, request: Request) -> str | None:
        """The client's id of an order that is created or replaced."""
        if request.method not in {"POST", "PUT"} or "orders" not in request.segments:
            return None
        try:
            return msgspec.json.decode(request.body, type=_Entry).order.words.id
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    def refusal(self, fault: Fault, request: Request) -> Reply:
        return errors.fault_reply(fault)

    # --- What the control door asks -----------------------------------------------------------------------------------

    def orders(self) -> list[dict[str, str | None]]:
        return [self._order_line(order) for order in self.state.orders.values()]

    def _order_line(self, order: Order) -> dict[str, str | None]:
        state, wish = self.state, order.wish
        trade = state.trades.get(wish.trade_id or "") if order.is_dependent else None
        closes = None if trade is None else trade.units if order.state == "PENDING" else trade.initial
        units = wish.units if wish.units is not None else -(closes or Decimal(0))
        stop = order.trailing or (None if wish.type in {"LIMIT", "TAKE_PROFIT"} else wish.price)
        return {
            "order": order.id,
            "client": order.client_id,
            "symbol": inside(state.instrument_of(order)),
            "side": "buy" if units > 0 else "sell",
            "type": wish.type.lower(),
            "quantity": text_of(abs(units)),
            "status": public_status(order, at_once=self._ended_at_once(order)),
            "filled": text_of(abs(order.filled_units)),
            "avg_px": text_of(order.spent / abs(order.filled_units)) if order.filled_units else None,
            "limit": text_of(wish.price) if wish.type in {"LIMIT", "TAKE_PROFIT"} and wish.price is not None else None,
            "stop": None if stop is None else text_of(stop),
            "created": time_text(order.created),
            "trade": wish.trade_id,
            "take_profit": _price_of(wish.take_profit_on_fill),
            "stop_loss": _price_of(wish.stop_loss_on_fill or wish.guaranteed_stop_loss_on_fill),
        }

    def _ended_at_once(self, order: Order) -> bool:
        """Whether it was canceled in the batch that its own making began."""
        entry = self.state.log.find(order.cancelling_id or "")
        return entry is not None and entry.batch_id == order.id

    def fills(self) -> list[dict[str, str | None]]:
        return [
            {
                "exec": one.exec_id, "order": one.order.id, "client": one.order.client_id, "symbol": inside(one.instrument),
                "side": "buy" if one.units > 0 else "sell", "quantity": text_of(abs(one.units)), "price": text_of(one.price),
                "fee": "0", "time": time_text(one.at),
            }
            for one in self.state.executions
        ]  # fmt: skip

    def positions(self) -> list[dict[str, str | None]]:
        found: list[dict[str, str | None]] = []
        for instrument in sorted({trade.instrument for trade in self.state.open_trades.values()}):
            for long in (True, False):
                trades = self.state.held(instrument, long=long)
                units = self.state.units(instrument, long=long)
                if trades:
                    average = sum((trade.price * trade.units for trade in trades), Decimal(0)) / units
                    found.append(
                        {"symbol": inside(instrument), "quantity": text_of(units), "avg_px": text_of(round(average, 8))}
                    )
        return found

    def set_price(self, symbol: str, bid: Decimal, ask: Decimal, last: Decimal | None) -> None:
        try:
            tick = self.market.set_price(
                inside(symbol), bid=Price(bid), ask=Price(ask), last=None if last is None else Price(last), at=self.clock.now()
            )  # fmt: skip
        except KeyError as error:
            raise Impossible("symbol", f"{symbol} is not listed here") from error
        self.state.feed(tick)

    def force_fill(self, order: str, qty: Decimal, price: Decimal) -> None:
        found = self.state.find_order(order) or self.state.find_order(f"@{order}")
        if found is None:
            raise Impossible("order", f"there is no order {order}", status=404)
        if found.id not in self.state.pending:
            raise Impossible("order", f"the order is {found.state.lower()}", status=409)
        wanted = execution.wanted(self.state, found)
        if qty > abs(wanted) or (found.is_dependent and qty != abs(wanted)):
            raise Impossible("qty", f"{qty} is not what {abs(wanted)} units can fill")
        with self.state.log.batch():
            execution.settle(self.state, found, units=qty.copy_sign(wanted), price=price, asked=wanted)

    def bust(self, exec_id: str) -> None:
        raise Impossible("exec", f"this venue takes no executions back ({exec_id})", status=409)

    def correct(self, exec_id: str, qty: Decimal, price: Decimal) -> None:
        raise Impossible("exec", f"this venue corrects no executions ({exec_id})", status=409)

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

    # --- Prices -------------------------------------------------------------------------------------------------------

    def _step(self, at: datetime) -> None:
        """The market up to `at`, for the instruments somebody waits for."""
        for tick in self.market.advance(at, self._watched()):
            if self.clock.stands:
                self.clock.move_to(max(tick.at, self.clock.now()))
                self.state.advance(tick.at)
            self.state.feed(tick)
        if self.clock.stands:
            self.clock.move_to(at)
        self.state.advance(at)
        for stream in tuple(self.streams):
            stream.on_time(at)

    def _watched(self) -> list[str]:
        names = {self.state.instrument_of(order) for order in self.state.pending.values()}
        names |= {trade.instrument for trade in self.state.open_trades.values()}
        for stream in self.streams:
            names |= stream.instruments
        return sorted(symbol for name in names if (symbol := inside(name)) in self.market.instruments)

    async def run(self, *, every_s: float = _FEED_S) -> None:
        """Feed the market while time runs.  While the clock stands, nothing moves but the heartbeats of streams."""
        while True:
            await self.clock.sleep(info.HEARTBEAT_S if self.clock.stands else every_s)
            if not self.clock.stands:
                self._step(self.clock.now())
                continue
            for stream in tuple(self.streams):
                stream.beat(self.clock.now())


class _Counted:
    """A stream that leaves the list of streams when its client is gone."""

    def __init__(self, among: list[Stream], stream: PriceStream | TransactionStream) -> None:
        self._among = among
        self._stream = stream
        self.outbox = stream.outbox
        self.instruments = stream.instruments

    def on_time(self, at: datetime) -> None:
        self._stream.on_time(at)

    def beat(self, at: datetime) -> None:
        self._stream.beat(at)

    def closed(self) -> None:
        self._stream.closed()
        self.outbox.close()
        if self in self._among:
            self._among.remove(self)


class _Words(msgspec.Struct):
    id: str | None = None


class _Named(msgspec.Struct, rename={"words": "clientExtensions"}):
    words: _Words = msgspec.field(default_factory=_Words)


class _Entry(msgspec.Struct):
    order: _Named


def _price_of(exit_: wire.Details | None) -> str | None:
    """The price of an exit that an order promises; None where it has none, or a distance."""
    return None if exit_ is None or exit_.price is None else text_of(exit_.price)


def _base(request: Request) -> str:
    return f"{request.scheme}://{request.headers.get('host', 'localhost')}"


def _router() -> Router:
    router = Router()
    for method, path, handler in ROUTES:
        router.add(method, path, cast("Callable[..., Reply]", handler))
    return router


_ROUTER = _router()


def _instrument(name: str, listed: info.Listed) -> Instrument:
    return Instrument(
        symbol=inside(name), asset_class=AssetClass.FX, currency=name.partition("_")[2], name=listed.display,
        ticks=(TickRule(from_price=Decimal(0), tick=listed.tick),), lot=listed.units_step, fraction=listed.units_step,
        min_qty=Decimal(listed.minimum), max_qty=Decimal(listed.maximum), calendar="FX", shortable=True, marginable=True,
    )  # fmt: skip


def _listings() -> Mapping[str, Listing]:
    return {
        inside(name): Listing(
            anchor=Decimal(listed.anchor), tick=listed.tick, half_spread=listed.half_spread, size=Decimal(listed.size)
        )
        for name, listed in info.INSTRUMENTS.items()
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
    currency: str = info.HOME_CURRENCY,
    hedging: bool = False,
    guaranteed: info.GuaranteedMode = "DISABLED",
    keys: Keys | None = None,
) -> OandaVenue:
    """A venue in this process: no threads, no waiting but on `clock`, everything else drawn from `seed`.

    With `data` (a folder of recorded days) the clock stands at the first day until the control door moves it, and only recorded
    currency pairs have prices; raises `NotRecorded` for a folder without them.  `rate` is requests a minute (default: 120 a
    second, 0 with `data`; 0 counts nothing).
    """
    source: PriceSource
    if guaranteed not in get_args(info.GuaranteedMode):
        raise ValueError(f"not a mode of guaranteed stops: {guaranteed}")
    names = list(info.INSTRUMENTS)
    if data is not None:
        tape = load(data)
        venue_clock = VenueClock(clock, standing_at=first_moment(tape, _CURRENCIES))
        source = RecordedSource(tape, _CURRENCIES)
        names = [name for name in names if name in {outside(symbol) for symbol in tape.symbols()}]
    else:
        tape, venue_clock = None, VenueClock(clock)
        source = SeededSource(seed=seed, listings=dict(_listings()))
    instruments = [_instrument(name, info.INSTRUMENTS[name]) for name in names]
    market = Market(source, instruments, at=venue_clock.now())
    past: Past = (
        RecordedPast(tape) if tape is not None else SeededPast(market, calendar=by_name("FX") if calendar else None)
    )
    return OandaVenue(
        settings=Settings(
            seed=seed, cash=cash, currency=currency, calendar=calendar, hedging=hedging, guaranteed=guaranteed
        ),
        clock=venue_clock,
        market=market,
        past=past,
        keys=keys or make_keys(Random(f"oanda keys {seed}")),
        plan=FaultPlan(faults or [], seed=seed, set_at=venue_clock.now()),
        rate=0 if rate is None and tape is not None else rate,
    )  # fmt: skip
