"""The venue as one thing: routes, streams, prices and the control door over one state; and the ASGI apps around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import cast, get_args

from floorbroker.domain.clock import Clock
from floorbroker.domain.values import ZERO, AssetClass, ExecId, OrderId, Price, Quantity, text_of, time_text
from floorbroker.matching import BadOrder, NotOpen
from floorbroker.tape import load
from floorbroker_sim.clock import VenueClock
from floorbroker_sim.control import ControlDoor, Impossible, fields_of, text_in
from floorbroker_sim.faults import Fault, FaultPlan
from floorbroker_sim.gate import Gate
from floorbroker_sim.history import History, Known, SeededHistory
from floorbroker_sim.http import Reply, Request, Router, SocketSession
from floorbroker_sim.market import Market, PriceSource, seeded
from floorbroker_sim.recorded import RecordedHistory, RecordedSource, first_moment, recorded_instruments
from floorbroker_sim.tradier import errors, info
from floorbroker_sim.tradier.auth import Keys, is_authorized, make_keys
from floorbroker_sim.tradier.errors import Refused
from floorbroker_sim.tradier.limits import Counter, group_of
from floorbroker_sim.tradier.mapping import PUBLIC_STATUS, inside, side_of
from floorbroker_sim.tradier.rest.reading import params_of
from floorbroker_sim.tradier.rest.records import Record
from floorbroker_sim.tradier.rest.rendering import Body, Listed, NoneShape, OneShape, Shapes, render
from floorbroker_sim.tradier.rest.routes import ROUTES
from floorbroker_sim.tradier.rest.state import Settings, State
from floorbroker_sim.tradier.stream.account import AccountSession
from floorbroker_sim.tradier.stream.market import MarketSession, http_stream

_MINUTE = timedelta(minutes=1)
_BEAT = timedelta(seconds=info.HEARTBEAT_S)
_MAX_STEPS = 5_000
_FEED_S = 1.0
_MARKET_EVENTS = "/v1/markets/events"


class TradierVenue:
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
        rate: int | None,
    ) -> None:
        self.clock = clock
        self.market = market
        self.keys = keys
        self.plan = plan
        self.state = State(settings=settings, clock=clock, market=market, history=history, keys=keys)
        self._counter = Counter(clock.base if clock.stands else clock, rate)
        self._streaming: list[MarketSession] = []
        self._beat_at = clock.now() + _BEAT
        self.app = Gate(self, plan=plan, clock=clock)
        routes = {("POST", "/shapes"): self._set_shapes, ("POST", "/account"): self._set_account}
        self.control_app = ControlDoor(self, gate=self.app, plan=plan, routes=routes)

    @property
    def credentials(self) -> dict[str, str]:
        """What a profile needs to reach this venue."""
        return {
            "BROKER_CODE": "TRADIER",
            "BROKER_API_KEY": self.keys.token,
            "BROKER_ACCOUNT_NUMBER": self.keys.account,
        }

    # --- What the gate asks -------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Reply:
        """Answer one request."""
        if request.path.rstrip("/") == _MARKET_EVENTS:
            return self._guarded(request, lambda: http_stream(self.state, request, self._streaming))
        if not is_authorized(request.headers, self.keys):
            return errors.bad_token()
        passed, headers = self._counter.take(group_of(request.method, request.path))
        reply = self._answer(request) if passed else errors.quota(self.state.settings.quota_status)
        return replace(reply, headers={**reply.headers, **headers})

    def _answer(self, request: Request) -> Reply:
        found = _ROUTER.find(request)
        if found is None:
            known = _ROUTER.knows(request)
            return errors.text_reply(405 if known else 404, "Method Not Allowed" if known else "Not Found")
        handler, values = found
        return self._guarded(request, lambda: self._called(cast("Callable[..., Body]", handler), request, values))

    def _called(self, handler: Callable[..., Body], request: Request, values: list[str]) -> Reply:
        if request.segments[1] == "accounts" and values:
            number, *values = values
            if number != self.keys.account:
                raise Refused(404, f"account not found: {number[:40]}")
        return render(handler(self.state, request, *values), request, self.state.shapes)

    def _guarded(self, request: Request, answer: Callable[[], Reply]) -> Reply:
        try:
            return answer()
        except Refused as refused:
            if refused.plain:
                return errors.text_reply(refused.status, refused.texts[0])
            body: Body = {"errors": {"error": refused.texts}}
            if refused.status != 400:
                body = {"errors": Listed(name="error", items=refused.texts)}
            return render(body, request, self.state.shapes, status=refused.status)

    def socket(self, request: Request) -> SocketSession | Reply:
        """A stream session for a path."""
        match request.path.rstrip("/"):
            case "/v1/markets/events":
                return MarketSession(self.state, self._streaming)
            case "/v1/accounts/events":
                return AccountSession(self.state)
            case _:
                return errors.text_reply(404, "Not Found")

    def client_id(self, request: Request) -> str | None:
        """The tag of an order entry."""
        if request.method != "POST" or not request.path.rstrip("/").endswith("/orders"):
            return None
        try:
            return params_of(request).get("tag")
        except Refused:
            return None

    def refusal(self, fault: Fault, request: Request) -> Reply:
        return errors.fault_reply(fault)

    # --- What the control door asks -----------------------------------------------------------------------------------

    def orders(self) -> list[dict[str, str | None]]:
        return [_order_line(record) for record in self.state.orders.values()]

    def fills(self) -> list[dict[str, str | None]]:
        return [
            {
                "exec": one.exec_id, "order": str(one.record.id), "client": _tag_of(one.record), "symbol": one.symbol,
                "side": one.side, "quantity": text_of(one.qty), "price": text_of(one.price), "fee": text_of(one.fee),
                "time": time_text(one.at),
            }
            for one in self.state.executions
            if not one.busted
        ]  # fmt: skip

    def positions(self) -> list[dict[str, str | None]]:
        return [
            {"symbol": p.symbol, "quantity": text_of(p.qty), "avg_px": text_of(p.avg_px)}
            for p in self.state.ledger.positions()
        ]

    def set_price(self, symbol: str, bid: Decimal, ask: Decimal, last: Decimal | None) -> None:
        try:
            tick = self.market.set_price(
                inside(symbol),
                bid=Price(bid),
                ask=Price(ask),
                last=None if last is None else Price(last),
                at=self.clock.now(),
            )
        except KeyError as error:
            raise Impossible("symbol", f"{symbol} is not listed here") from error
        self.state.feed(tick)

    def force_fill(self, order: str, qty: Decimal, price: Decimal) -> None:
        record = self.state.find(order)
        if record is None:
            raise Impossible("order", f"there is no order {order}", status=404)
        if record.engine_id is None:
            raise Impossible("order", f"the order is {record.status} and does not trade by itself", status=409)
        try:
            events = self.state.engine.force_fill(
                OrderId(record.engine_id), qty=Quantity(qty), price=Price(price), at=self.clock.stamp()
            )
        except NotOpen as error:
            raise Impossible("order", f"the order is {error.status}", status=409) from error
        except BadOrder as error:
            raise Impossible("qty", str(error)) from error
        self.state.absorb(events)

    def bust(self, exec_id: str) -> None:
        try:
            self.state.absorb(self.state.engine.bust(ExecId(exec_id), at=self.clock.stamp()))
        except KeyError as error:
            raise Impossible("exec", f"there is no execution {exec_id}", status=404) from error

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
        self._beat_at = self.clock.now() + _BEAT

    def _set_shapes(self, request: Request) -> Reply:
        """`{"none":"text"|"null"|"inner"|"documented","one":"object"|"array"}`: how lists look from now on."""
        fields = fields_of(request, {"none", "one"})
        none = text_in(fields, "none") if "none" in fields else "documented"
        one = text_in(fields, "one") if "one" in fields else "object"
        if none not in {"documented", *get_args(NoneShape)}:
            raise Impossible("none", f"not a shape: {none}")
        if one not in get_args(OneShape):
            raise Impossible("one", f"not a shape: {one}")
        self.state.shapes = Shapes(
            none=None if none == "documented" else cast("NoneShape", none), one=cast("OneShape", one)
        )
        return Reply(status=204)

    def _set_account(self, request: Request) -> Reply:
        """`{"type":"margin"|"cash"|"pdt"}`: what kind of account this is from now on."""
        kind = text_in(fields_of(request, {"type"}), "type")
        if kind not in get_args(info.AccountType):
            raise Impossible("type", f"not an account type: {kind}")
        self.state.account_type = cast("info.AccountType", kind)
        return Reply(status=204)

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
        if at >= self._beat_at:
            self._beat_at = at + _BEAT
            for listener in tuple(self.state.listeners.beats):
                listener(at)

    def _watched(self) -> list[str]:
        symbols = {inside(record.traded) for record in self.state.open.values()}
        for stream in self._streaming:
            symbols |= stream.symbols
        return sorted(symbol for symbol in symbols if symbol in self.market.instruments)

    async def run(self, *, every_s: float = _FEED_S) -> None:
        """Feed the market while time runs.  A venue whose clock stands has nothing to feed."""
        while not self.clock.stands:
            await self.clock.sleep(every_s)
            self._step(self.clock.now())


def _router() -> Router:
    router = Router()
    for method, path, handler in ROUTES:
        router.add(method, path, cast("Callable[..., Reply]", handler))
    return router


_ROUTER = _router()


def _tag_of(record: Record) -> str | None:
    """The client's name of an order; of a leg that of its head."""
    return record.tag or (record.parent.tag if record.parent is not None else "") or None


def _order_line(record: Record) -> dict[str, str | None]:
    return {
        "order": str(record.id),
        "head": None if record.parent is None else str(record.parent.id),
        "class": record.kind,
        "client": _tag_of(record),
        "symbol": inside(record.traded),
        "side": side_of(record).value,
        "type": record.type,
        "quantity": text_of(record.quantity),
        "status": PUBLIC_STATUS.get(record.status, record.status),
        "filled": text_of(record.filled),
        "avg_px": text_of(record.average) if record.filled else None,
        "limit": None if record.price is None else text_of(record.price),
        "stop": None if record.stop is None else text_of(record.stop),
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
    account_type: info.AccountType = "margin",
    option_fee: Decimal = ZERO,
    shapes: Shapes | None = None,
    keys: Keys | None = None,
) -> TradierVenue:
    """A venue in this process: no threads, no waiting but on `clock`, everything else drawn from `seed`.

    With `data` (a folder of recorded days) the clock stands at the first day until the control door moves it, and only what is
    recorded has prices; raises `NotRecorded` for a folder without minutes.  `rate` is requests a minute for each group (default:
    the documented numbers, 0 with `data`; 0 counts nothing).
    """
    source: PriceSource
    if data is not None:
        tape = load(data)
        venue_clock = VenueClock(clock, standing_at=first_moment(tape))
        source, instruments = RecordedSource(tape), recorded_instruments(tape)
    else:
        tape, venue_clock = None, VenueClock(clock)
        source, instruments = seeded(seed)
    shares = [one for one in instruments if one.asset_class is AssetClass.EQUITY and one.tradable]
    market = Market(source, shares, at=venue_clock.now())
    past = SeededHistory(market) if tape is None else RecordedHistory(tape)
    return TradierVenue(
        settings=Settings(
            seed=seed, cash=cash, calendar=calendar, account_type=account_type, option_fee=option_fee,
            shapes=shapes or Shapes(),
        ),
        clock=venue_clock,
        market=market,
        history=Known(past, venue_clock.now),
        keys=keys or make_keys(Random(f"tradier keys {seed}")),
        plan=FaultPlan(faults or [], seed=seed, set_at=venue_clock.now()),
        rate=0 if rate is None and tape is not None else rate,
    )  # fmt: skip
