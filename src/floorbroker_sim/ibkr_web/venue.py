"""The venue as one thing: routes, streams, prices and the control door over one state; and the ASGI apps around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import cast

import msgspec

from floorbroker.domain.clock import Clock
from floorbroker.domain.instrument import OptionContract
from floorbroker.domain.values import AssetClass, ExecId, OrderId, Price, Quantity, text_of, time_text
from floorbroker.matching import BadOrder, NotOpen
from floorbroker.tape import load
from floorbroker_sim.clock import VenueClock
from floorbroker_sim.control import ControlDoor, Impossible, fields_of, text_in
from floorbroker_sim.faults import Fault, FaultPlan
from floorbroker_sim.gate import Gate
from floorbroker_sim.history import History, Known, SeededHistory
from floorbroker_sim.http import Reply, Request, Router, SocketSession, json_reply
from floorbroker_sim.ibkr_web import errors, info
from floorbroker_sim.ibkr_web.errors import Refused
from floorbroker_sim.ibkr_web.limits import Pacing
from floorbroker_sim.ibkr_web.mapping import limit_of, status_of, stop_of
from floorbroker_sim.ibkr_web.rest.records import Execution, Record
from floorbroker_sim.ibkr_web.rest.routes import ROUTES
from floorbroker_sim.ibkr_web.rest.state import Settings, State
from floorbroker_sim.ibkr_web.stream.session import Socket
from floorbroker_sim.market import Market, PriceSource, seeded
from floorbroker_sim.recorded import RecordedHistory, RecordedSource, first_moment, recorded_instruments

_MINUTE = timedelta(minutes=1)
_MAX_STEPS = 5_000
_FEED_S = 1.0
_ORDERS_MAX = 1000


class _Named(msgspec.Struct):
    client_id: str | None = msgspec.field(default=None, name="cOID")


class _Orders(msgspec.Struct):
    orders: list[_Named]


class IbkrWebVenue:
    """Answers requests and opens streams.  `app` and `control_app` are the ASGI faces."""

    name = info.VENUE

    def __init__(
        self,
        *,
        settings: Settings,
        clock: VenueClock,
        market: Market,
        history: History,
        plan: FaultPlan,
        per_second: int,
    ) -> None:
        self.clock = clock
        self.market = market
        self.plan = plan
        self.state = State(settings=settings, clock=clock, market=market, history=history)
        self._pacing = Pacing(clock, per_second)
        self._sockets: list[Socket] = []
        self.app = Gate(self, plan=plan, clock=clock)
        self.control_app = ControlDoor(
            self,
            gate=self.app,
            plan=plan,
            routes={
                ("GET", "/session"): lambda _: self._session(),
                ("POST", "/session"): self._move_session,
                ("POST", "/questions"): self._script_questions,
                ("POST", "/notify"): self._notify,
                ("POST", "/chains"): self._script_chains,
            },
        )

    @property
    def credentials(self) -> dict[str, str]:
        """What a profile needs to reach this venue.  The gateway is logged in; there is no key."""
        return {"BROKER_CODE": "IBKR_WEB", "BROKER_ACCOUNT_NUMBER": self.state.account_ids[0]}

    # --- What the gate asks -------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Reply:
        """Answer one request."""
        inner = _behind_base(request)
        if inner is None:
            return errors.not_found().reply
        self.state.login.advance(self.clock.now())
        self.state.login.touch()
        try:
            return self._answer(inner)
        except Refused as refused:
            return refused.reply

    def _answer(self, request: Request) -> Reply:
        if not self._pacing.take(request.path):
            raise errors.too_many()
        found = _ROUTER.find(request)
        if found is None:
            raise Refused(405, "Method Not Allowed") if _ROUTER.knows(request) else errors.not_found()
        if (
            request.method == "POST"
            and request.headers
            and not {"content-length", "transfer-encoding"} & set(request.headers)
        ):
            raise errors.no_length()
        handler, values = found
        return handler(self.state, request, *values)

    def socket(self, request: Request) -> SocketSession | Reply:
        """The one stream there is."""
        if request.path.rstrip("/") != info.SOCKET:
            return errors.not_found().reply
        is_known = self.state.login.fits(request.headers.get("cookie"))
        return Socket(self.state, is_known=is_known, sockets=self._sockets)

    def client_id(self, request: Request) -> str | None:
        """The client's order id of an entry, and of the answer to its question."""
        parts = request.segments[2:]
        if request.method != "POST" or not parts or parts[0] != "iserver":
            return None
        if parts[1:2] == ("reply",):
            return self.state.desk.client_id(parts[-1])
        return _client_id(request.body) if parts[-1] == "orders" else None

    def refusal(self, fault: Fault, request: Request) -> Reply:
        return errors.fault_reply(fault)

    # --- What the control door asks -----------------------------------------------------------------------------------

    def orders(self) -> list[dict[str, str | None]]:
        return [_order_line(record) for record in self.state.orders.values()]

    def fills(self) -> list[dict[str, str | None]]:
        return [_fill_line(e) for e in self.state.executions.values() if not e.busted]

    def positions(self) -> list[dict[str, str | None]]:
        return [
            {"symbol": p.symbol, "quantity": text_of(p.qty), "avg_px": text_of(p.avg_px)}
            for ledger in self.state.ledgers.values()
            for p in ledger.positions()
        ]

    def set_price(self, symbol: str, bid: Decimal, ask: Decimal, last: Decimal | None) -> None:
        contract, at = OptionContract.parse(symbol.strip().upper()), self.clock.now()
        canonical = symbol.strip().upper() if contract is None else contract.symbol
        try:
            self.state.symbols.conid(canonical)
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
        if record.is_held:
            raise Impossible("order", "the order is held", status=409)
        try:
            events = self.state.engine.force_fill(
                OrderId(str(record.id)), qty=Quantity(qty), price=Price(price), at=self.clock.stamp()
            )
        except NotOpen as error:
            raise Impossible("order", f"the order is {error.status}", status=409) from error
        except BadOrder as error:
            raise Impossible("qty", str(error)) from error
        self.state.absorb(events)

    def bust(self, exec_id: str) -> None:
        try:
            events = self.state.engine.bust(self._exec(exec_id), at=self.clock.stamp())
        except KeyError as error:
            raise Impossible("exec", f"there is no execution {exec_id}", status=404) from error
        self.state.absorb(events)

    def correct(self, exec_id: str, qty: Decimal, price: Decimal) -> None:
        try:
            events = self.state.engine.correct(
                self._exec(exec_id), qty=Quantity(qty), price=Price(price), at=self.clock.stamp()
            )
        except KeyError as error:
            raise Impossible("exec", f"there is no execution {exec_id}", status=404) from error
        except BadOrder as error:
            raise Impossible("qty", str(error)) from error
        self.state.absorb(events)

    def _exec(self, exec_id: str) -> ExecId:
        """An execution by its id, with any version or without one."""
        if exec_id not in self.state.executions:
            exec_id = exec_id.rpartition(".")[0]
        return ExecId(exec_id)

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
        self._pacing.reset()
        self.state.reset()

    # --- Hands of its own ---------------------------------------------------------------------------------------------

    def _session(self) -> Reply:
        login = self.state.login
        return json_reply(
            {"connected": login.connected, "authenticated": login.authenticated, "competing": login.competing}
        )

    def _move_session(self, request: Request) -> Reply:
        """`{"do": "login" | "end" | "take_over" | "logout"}`."""
        login = self.state.login
        hands: dict[str, Callable[[], None]] = {
            "login": login.log_in, "end": login.end, "take_over": login.take_over, "logout": login.log_out,
        }  # fmt: skip
        word = text_in(fields_of(request, {"do"}), "do")
        if word not in hands:
            raise Impossible("do", f"one of {', '.join(hands)}")
        hands[word]()
        return self._session()

    def _script_questions(self, request: Request) -> Reply:
        """`{"ids": ["o163", …], "orders": 1}`: what the next orders are asked, whatever they are."""
        fields = fields_of(request, {"ids", "orders"})
        ids, orders = fields.get("ids"), fields.get("orders", 1)
        if not isinstance(ids, list) or not all(isinstance(one, str) for one in cast("list[object]", ids)):
            raise Impossible("ids", "a list of message ids is needed")
        if not isinstance(orders, int) or isinstance(orders, bool) or not 1 <= orders <= _ORDERS_MAX:
            raise Impossible("orders", f"between 1 and {_ORDERS_MAX}")
        self.state.desk.script(cast("list[str]", ids), orders)
        return Reply(status=204)

    def _script_chains(self, request: Request) -> Reply:
        """`{"whole": false}`: contracts are told strike by strike alone; true: strike 0 is a whole month again."""
        whole = fields_of(request, {"whole"}).get("whole")
        if not isinstance(whole, bool):
            raise Impossible("whole", "true or false")
        self.state.whole_months = whole
        return Reply(status=204)

    def _notify(self, request: Request) -> Reply:
        """`{"title": …, "text": …}`: a notification and a bulletin to everybody who listens."""
        fields = fields_of(request, {"title", "text"})
        for socket in self._sockets:
            socket.notify(text_in(fields, "title"), text_in(fields, "text"))
        return Reply(status=204)

    # --- Prices -------------------------------------------------------------------------------------------------------

    def step(self, at: datetime) -> None:
        """The market up to `at`, for the symbols somebody waits for."""
        for tick in self.market.advance(at, self._watched()):
            if self.clock.stands:
                self.clock.move_to(max(tick.at, self.clock.now()))
            self.state.feed(tick)
        if self.clock.stands:
            self.clock.move_to(at)
        self.state.advance(at)
        for socket in tuple(self._sockets):
            socket.tick()

    def _watched(self) -> list[str]:
        open_orders = self.state.open.values()
        symbols = {leg.symbol for record in open_orders for leg in record.order.legs}
        symbols |= {record.order.symbol for record in open_orders}
        for socket in self._sockets:
            symbols |= socket.symbols
        return sorted(symbols)

    async def run(self, *, every_s: float = _FEED_S) -> None:
        """Feed the market while time runs.  A venue whose clock stands keeps its sockets alive, no more."""
        while True:
            await self.clock.sleep(every_s)
            if self.clock.stands:
                self.state.login.advance(self.clock.now())
                for socket in tuple(self._sockets):
                    socket.tick()
            else:
                self.step(self.clock.now())


def _behind_base(request: Request) -> Request | None:
    """The request without the base of its path; None outside of it."""
    if request.segments[:2] != ("v1", "api"):
        return None
    segments = request.segments[2:] or ("",)
    return replace(request, path="/" + "/".join(segments), segments=segments)


def _client_id(body: bytes) -> str | None:
    is_bare = body.lstrip()[:1] == b"["
    try:
        named = (
            msgspec.json.decode(body, type=list[_Named]) if is_bare else msgspec.json.decode(body, type=_Orders).orders
        )
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return named[0].client_id if named else None


def _router() -> Router:
    router = Router()
    for method, path, handler in ROUTES:
        router.add(method, path, handler)
    return router


_ROUTER = _router()


def _order_line(record: Record) -> dict[str, str | None]:
    limit, stop = limit_of(record), stop_of(record)
    return {
        "order": str(record.id),
        "client": record.client_id,
        "symbol": record.order.symbol,
        "side": record.side.value,
        "type": record.order.order_type.value,
        "quantity": None if record.qty is None else text_of(record.qty),
        "status": status_of(record),
        "filled": text_of(record.filled),
        "avg_px": text_of(record.spent / record.filled) if record.filled else None,
        "limit": None if limit is None else text_of(limit),
        "stop": None if stop is None else text_of(stop),
        "created": time_text(record.created_at),
    }


def _fill_line(execution: Execution) -> dict[str, str | None]:
    return {
        "exec": execution.shown_id, "order": str(execution.record.id), "client": execution.record.client_id,
        "symbol": execution.symbol, "side": execution.side.value, "quantity": text_of(execution.qty),
        "price": text_of(execution.price), "fee": text_of(execution.fee), "time": time_text(execution.at),
    }  # fmt: skip


def create_venue(
    *,
    seed: int = 0,
    clock: Clock,
    data: Path | None = None,
    calendar: bool = False,
    faults: list[Fault] | None = None,
    rate: int | None = None,
    cash: Decimal = info.START_CASH,
    accounts: int = 1,
) -> IbkrWebVenue:
    """A venue in this process: no threads, no waiting but on `clock`, everything else drawn from `seed`.

    With `data` (a folder of recorded days) the clock stands at the first day until the control door moves it, and only what is
    recorded has prices; raises `NotRecorded` for a folder without minutes.  `rate` is requests a minute in all (default 600,
    0 with `data`; 0 counts nothing, the windows of single paths neither).
    """
    source: PriceSource
    if data is not None:
        tape = load(data)
        venue_clock = VenueClock(clock, standing_at=first_moment(tape))
        source, instruments = RecordedSource(tape), recorded_instruments(tape)
    else:
        tape, venue_clock = None, VenueClock(clock)
        source, instruments = seeded(seed, info.SHARE_CLASSES)
    shares = [i for i in instruments if i.asset_class is AssetClass.EQUITY]
    market = Market(source, shares, at=venue_clock.now())
    past = SeededHistory(market) if tape is None else RecordedHistory(tape)
    if rate is None:
        rate = info.PER_SECOND * 60 if tape is None else 0
    return IbkrWebVenue(
        settings=Settings(seed=seed, cash=cash, calendar=calendar, accounts=accounts),
        clock=venue_clock,
        market=market,
        history=Known(past, venue_clock.now),
        plan=FaultPlan(faults or [], seed=seed, set_at=venue_clock.now()),
        per_second=-(-rate // 60),
    )
