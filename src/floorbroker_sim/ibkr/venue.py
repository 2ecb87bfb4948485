"""The venue: one account behind a TWS socket, the door its clients come through, and its control door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from floorbroker.domain.clock import Clock
from floorbroker.domain.instrument import Instrument, OptionContract, TickRule
from floorbroker.domain.values import AssetClass, ExecId, OrderId, Price, Quantity, text_of, time_text
from floorbroker.matching import BadOrder, NotOpen
from floorbroker.tape import Listing, load
from floorbroker_sim.clock import VenueClock
from floorbroker_sim.control import ControlDoor, Impossible, fields_of, text_in
from floorbroker_sim.faults import Fault, FaultPlan
from floorbroker_sim.history import History, Known, SeededHistory
from floorbroker_sim.http import Reply, Request
from floorbroker_sim.ibkr import info
from floorbroker_sim.ibkr.mapping import PUBLIC_STATUS
from floorbroker_sim.ibkr.rest import entry
from floorbroker_sim.ibkr.rest.program import Program
from floorbroker_sim.ibkr.rest.records import Executed, Record
from floorbroker_sim.ibkr.rest.state import Settings, State
from floorbroker_sim.ibkr.stream.door import Door, Read, Write
from floorbroker_sim.ibkr.stream.session import Session
from floorbroker_sim.market import EQUITIES, Market, PriceSource, SeededSource, equity
from floorbroker_sim.recorded import RecordedHistory, RecordedSource, first_moment, recorded_instruments

_MINUTE = timedelta(minutes=1)
_MAX_STEPS = 2000
_SECOND = timedelta(seconds=1)
_HALF_PIP = Decimal("0.00005")
_LONGEST_S = Decimal(86_400)


class TwsVenue:
    """Talks to clients over any pair of byte streams.  `control_app` is the ASGI face of the control door."""

    name = info.VENUE
    app = None  # it speaks no HTTP

    def __init__(
        self, *, settings: Settings, clock: VenueClock, market: Market, history: History, plan: FaultPlan, per_s: int
    ) -> None:
        self.clock = clock
        self.market = market
        self.plan = plan
        self.state = State(settings=settings, clock=clock, market=market, history=history)
        self.door = Door(
            plan=plan,
            clock=clock,
            new_session=lambda: Session(self.state, per_s=per_s),
            is_deaf=self._is_deaf,
            is_down=self._is_down,
        )
        self.program = Program(self.state, cut_all=self.door.cut_all, lose_data=self._lose_data)
        self._told_to = clock.now()
        self.control_app = ControlDoor(self, gate=self.door, plan=plan, routes={
            ("POST", "/link"): self._post_link,
            ("POST", "/restart"): self._post_restart,
            ("POST", "/entitlement"): self._post_entitlement,
            ("POST", "/locate"): self._post_locate,
        })  # fmt: skip

    @property
    def credentials(self) -> dict[str, str]:
        """What a profile needs to reach this venue: there is no secret, the program itself is logged in."""
        return {"BROKER_CODE": "IBKR", "BROKER_ACCOUNT_NUMBER": self.state.account}

    async def talk(self, read: Read, write: Write) -> None:
        """One connection.  Raises `Cut` for an end without a word."""
        await self.door.talk(read, write)

    def _is_deaf(self, at: datetime) -> bool:
        return self.program.is_deaf(at)

    def _is_down(self, at: datetime) -> bool:
        return self.program.is_down(at)

    def _lose_data(self) -> None:
        for session in self.door.sessions():
            session.feed.lose()

    # --- What the control door asks -----------------------------------------------------------------------------------

    def orders(self) -> list[dict[str, str | None]]:
        return [_order_line(record) for record in self.state.orders.values()]

    def fills(self) -> list[dict[str, str | None]]:
        return [
            _fill_line(record, executed)
            for record, executed in self.state.executed
            if executed.qty and not executed.summary
        ]

    def positions(self) -> list[dict[str, str | None]]:
        return [
            {"symbol": p.symbol, "quantity": text_of(p.qty), "avg_px": text_of(p.avg_px)}
            for p in self.state.ledger.positions()
        ]

    def set_price(self, symbol: str, bid: Decimal, ask: Decimal, last: Decimal | None) -> None:
        contract = OptionContract.parse(symbol)
        canonical = symbol if contract is None else contract.symbol
        try:
            tick = self.market.set_price(
                canonical,
                bid=Price(bid),
                ask=Price(ask),
                last=None if last is None else Price(last),
                at=self.clock.now(),
            )
        except KeyError as error:
            raise Impossible("symbol", f"{symbol} is not listed here") from error
        self.state.feed(tick)

    def force_fill(self, order: str, qty: Decimal, price: Decimal) -> None:
        record = self._record(order)
        if not record.entered:
            raise Impossible("order", f"the order is {record.status} and not at the exchange", status=409)
        try:
            events = self.state.engine.force_fill(
                OrderId(record.key), qty=Quantity(qty), price=Price(price), at=self.clock.stamp()
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
        try:
            events = self.state.engine.bust(_bare(exec_id), at=self.clock.stamp())
        except KeyError as error:
            raise Impossible("exec", f"there is no execution {exec_id}", status=404) from error
        self.state.absorb(events)

    def correct(self, exec_id: str, qty: Decimal, price: Decimal) -> None:
        try:
            events = self.state.engine.correct(
                _bare(exec_id), qty=Quantity(qty), price=Price(price), at=self.clock.stamp()
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
        self.state.reset()
        self.program.reset()
        self._lose_data()
        self._told_to = self.clock.now()

    # --- Hands of its own ---------------------------------------------------------------------------------------------

    def _post_link(self, request: Request) -> Reply:
        """`{"up": false}` loses the link to the broker's servers; `{"up": true, "data_lost": true}` brings it back."""
        fields = fields_of(request, {"up", "data_lost"})
        if _flag_in(fields, "up"):
            self.program.restore_link(data_lost=_flag_in(fields, "data_lost", default=False))
        else:
            self.program.lose_link()
        return Reply(status=204)

    def _post_restart(self, request: Request) -> Reply:
        """`{"in_s": "1", "for_s": "60"}`: the program goes down then, and stays down that long."""
        fields = fields_of(request, {"in_s", "for_s"})
        at = self.clock.now() + timedelta(seconds=float(_seconds_in(fields, "in_s")))
        self.program.restart(at, for_s=float(_seconds_in(fields, "for_s")))
        return Reply(status=204)

    def _post_entitlement(self, request: Request) -> Reply:
        """`{"live": false}`: only delayed prices are paid for."""
        self.state.entitled = _flag_in(fields_of(request, {"live"}), "live")
        return Reply(status=204)

    def _post_locate(self, request: Request) -> Reply:
        """`{"order": …}`: the shares of a held short sale are found."""
        record = self._record(text_in(fields_of(request, {"order"}), "order"))
        if record.why_held != entry.LOCATE:
            raise Impossible("order", "the order does not wait for shares", status=409)
        entry.located(self.state, record)
        return Reply(status=204)

    # --- Prices and time ----------------------------------------------------------------------------------------------

    def _step(self, at: datetime) -> None:
        """The market up to `at`, for the symbols somebody waits for, and the program's own nights."""
        for tick in self.market.advance(at, self._watched()):
            if self.clock.stands:
                self.clock.move_to(max(tick.at, self.clock.now()))
            self.state.feed(tick)
        if self.clock.stands:
            self.clock.move_to(at)
        self.state.advance(at)
        self.program.step(at)
        if at - self._told_to >= _SECOND and self.state.link_up:
            self._told_to = at
            for session in self.door.sessions():
                session.second(at)

    def _watched(self) -> list[str]:
        waiting = self.state.open_orders()
        symbols = {leg.symbol for record in waiting for leg in record.order.legs}
        symbols |= {record.order.symbol for record in waiting if not record.order.legs}
        for session in self.door.sessions():
            symbols |= session.feed.symbols
        return sorted(symbols)

    async def run(self, *, every_s: float = 1.0) -> None:
        """Feed the market while time runs.  A venue whose clock stands has nothing to feed."""
        while not self.clock.stands:
            await self.clock.sleep(every_s)
            self._step(self.clock.now())


def _bare(exec_id: str) -> ExecId:
    """Without the version that follows the last dot."""
    head, dot, last = exec_id.rpartition(".")
    return ExecId(head if dot and exec_id.count(".") == 3 and last.isdigit() else exec_id)


def _flag_in(fields: Mapping[str, object], name: str, *, default: bool | None = None) -> bool:
    value = fields.get(name, default)
    if not isinstance(value, bool):
        raise Impossible(name, "true or false is needed")
    return value


def _seconds_in(fields: Mapping[str, object], name: str) -> Decimal:
    text = text_in(fields, name)
    if not text.isascii() or not text.replace(".", "", 1).isdigit() or Decimal(text) > _LONGEST_S:
        raise Impossible(name, "seconds of a day at most are needed, as text")
    return Decimal(text)


def _order_line(record: Record) -> dict[str, str | None]:
    order = record.order
    held = record.status == "PreSubmitted" and not record.why_held and not record.waits_for_parent
    status = PUBLIC_STATUS[record.status]
    if record.filled and record.is_open and status in {"new", "held"}:
        status = "partially_filled"
    elif held:
        status = "new"
    return {
        "order": str(record.perm_id),
        "client": record.placed.text("orderRef") or None,
        "symbol": order.symbol,
        "side": order.side.value,
        "type": order.order_type.value,
        "quantity": text_of(record.qty),
        "status": status,
        "filled": text_of(record.filled),
        "avg_px": text_of(record.average) if record.filled else None,
        "limit": None if order.price is None else text_of(order.price),
        "stop": None if (stop := record.stop_px or order.stop_px) is None else text_of(stop),
        "created": time_text(record.created_at),
    }


def _fill_line(record: Record, executed: Executed) -> dict[str, str | None]:
    return {
        "exec": executed.wire_id,
        "order": str(record.perm_id),
        "client": record.placed.text("orderRef") or None,
        "symbol": executed.symbol,
        "side": "buy" if executed.bought else "sell",
        "quantity": text_of(executed.qty),
        "price": text_of(executed.price),
        "fee": text_of(executed.fee),
        "time": time_text(executed.at),
    }


def _currency(symbol: str, name: str) -> Instrument:
    """A pair at IDEALPRO: half pips, whole units."""
    return Instrument(
        symbol=symbol, asset_class=AssetClass.FX, currency=symbol.partition("/")[2], name=name, calendar="FX",
        ticks=(TickRule(from_price=Decimal(0), tick=_HALF_PIP),), shortable=True, marginable=True,
    )  # fmt: skip


def _seeded(seed: int) -> tuple[PriceSource, list[Instrument]]:
    shares = [equity(symbol, name) for symbol, (_, name) in EQUITIES.items()]
    pairs = [_currency(symbol, name) for symbol, (_, name) in info.CURRENCIES.items()]
    anchors = {symbol: Decimal(price) for symbol, (price, _) in {**EQUITIES, **info.CURRENCIES}.items()}
    listings: dict[str, Listing] = {}
    for instrument in [*shares, *pairs]:
        anchor = anchors[instrument.symbol]
        tick = instrument.tick_at(anchor)
        is_pair = instrument.asset_class is AssetClass.FX
        size = Decimal(1_000_000) if is_pair else Decimal(100)
        half = 1 if is_pair else max(1, int(anchor / 20_000 / tick))
        listings[instrument.symbol] = Listing(anchor=anchor, tick=tick, half_spread=half, size=size)
    whole = [replace(instrument, fraction=None) for instrument in shares]
    return SeededSource(seed=seed, listings=listings), [*whole, *pairs]


def create_venue(
    *,
    seed: int = 0,
    clock: Clock,
    data: Path | None = None,
    calendar: bool = False,
    faults: list[Fault] | None = None,
    rate: int | None = None,
    cash: Decimal = info.START_CASH,
    shows_replaced: bool = False,
) -> TwsVenue:
    """A venue in this process: no threads, no waiting but on `clock`, everything else drawn from `seed`.

    With `data` (a folder of recorded days) the clock stands at the first day until the control door moves it, and only what is
    recorded has prices; raises `NotRecorded` for a folder without minutes.  `rate` is messages a minute of one client, told as
    a sixtieth of it a second (default 50 a second, none with `data`; 0 counts nothing).
    """
    source: PriceSource
    if data is not None:
        tape = load(data)
        venue_clock = VenueClock(clock, standing_at=first_moment(tape))
        source = RecordedSource(tape)
        instruments = [i for i in recorded_instruments(tape) if i.asset_class is AssetClass.EQUITY]
    else:
        tape, venue_clock = None, VenueClock(clock)
        source, instruments = _seeded(seed)
    market = Market(source, instruments, at=venue_clock.now())
    past = SeededHistory(market) if tape is None else RecordedHistory(tape)
    if rate is None:
        rate = info.MESSAGES_A_SECOND * 60 if tape is None else 0
    return TwsVenue(
        settings=Settings(seed=seed, cash=cash, calendar=calendar, shows_replaced=shows_replaced),
        clock=venue_clock,
        market=market,
        history=Known(past, venue_clock.now),
        plan=FaultPlan(faults or [], seed=seed, set_at=venue_clock.now()),
        per_s=-(-rate // 60),
    )
