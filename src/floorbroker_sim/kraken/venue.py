"""The venue as one thing: REST, sockets, prices and the control door over one state; and the ASGI apps around it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from floorbroker.domain.clock import Clock
from floorbroker.domain.values import OrderId, Price, Quantity, text_of, time_text
from floorbroker.matching import BadOrder, NotOpen
from floorbroker.tape import NotRecorded, Tape, load
from floorbroker_sim.clock import VenueClock
from floorbroker_sim.control import ControlDoor, Impossible, fields_of, text_in
from floorbroker_sim.faults import Fault, FaultPlan
from floorbroker_sim.gate import Gate
from floorbroker_sim.history import History, Known, SeededHistory
from floorbroker_sim.http import Reply, Request, SocketSession, json_reply
from floorbroker_sim.kraken import auth, errors, info
from floorbroker_sim.kraken.auth import Keys, Nonces, make_keys
from floorbroker_sim.kraken.errors import Refused
from floorbroker_sim.kraken.limits import Limits
from floorbroker_sim.kraken.mapping import PUBLIC_TYPE, epoch, inside, ws_status
from floorbroker_sim.kraken.rest.reading import Params, params_of
from floorbroker_sim.kraken.rest.records import Record, Trade
from floorbroker_sim.kraken.rest.routes import NEEDS, NEEDS_TOO, PRIVATE, PUBLIC
from floorbroker_sim.kraken.rest.state import Settings, State
from floorbroker_sim.kraken.stream.session import PATHS, Session
from floorbroker_sim.market import Market, PriceSource, SeededSource
from floorbroker_sim.recorded import RecordedHistory, RecordedSource, recorded_symbols

_STEP = timedelta(minutes=1)
_MAX_STEPS = 5_000
_FEED_S = 1.0
_CLIENT_IDS = frozenset({"AddOrder", "AmendOrder", "EditOrder", "CancelOrder"})


class KrakenVenue:
    """Answers requests and opens sockets.  `app` and `control_app` are the ASGI faces."""

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
        limits: Limits,
    ) -> None:
        self.clock = clock
        self.market = market
        self.keys = keys
        self.plan = plan
        self.state = State(settings=settings, clock=clock, market=market, history=history, limits=limits)
        self._nonces = Nonces()
        self._last_used = clock.now()
        self._sessions: list[_Tracked] = []
        self.app = Gate(self, plan=plan, clock=clock)
        self.control_app = ControlDoor(self, gate=self.app, plan=plan, routes={("POST", "/book"): self._spoil})

    @property
    def credentials(self) -> dict[str, str]:
        """What a profile needs to reach this venue."""
        return {"BROKER_CODE": "KRAKEN", "BROKER_API_KEY": self.keys.key, "BROKER_SECRET_KEY": self.keys.secret}

    # --- What the gate asks -------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Reply:
        """Answer one request: HTTP 200 whatever comes of it, as long as the path is the API's."""
        match request.segments:
            case ("0", "public", method):
                answer = self._public
            case ("0", "private", method):
                answer = self._private
            case _:
                return Reply(status=404, body=b"<html><body>404 Not Found</body></html>", content_type="text/html")
        try:
            self.state.advance(self.clock.now())
            return json_reply({"error": [], "result": answer(method, request)}, exact_numbers=True)
        except Refused as refused:
            return errors.refusal(refused.text)

    def _public(self, method: str, request: Request) -> object:
        handler = PUBLIC.get(method)
        if handler is None:
            raise Refused(errors.UNKNOWN_METHOD)
        return handler(self.state, params_of(request))

    def _private(self, method: str, request: Request) -> object:
        """The key is checked before anything the request asks for."""
        at = self.clock.now()
        self.state.limits.check_lockout(at)
        try:
            params = self._authenticated(request)
        except Refused:
            self.state.limits.failed(at)
            raise
        handler = PRIVATE.get(method)
        if handler is None and method != "GetApiKeyInfo":
            raise Refused(errors.UNKNOWN_METHOD)
        if not _may(method, self.keys.permissions):
            raise Refused(errors.PERMISSION_DENIED)
        self.state.limits.call(method, at)
        used, self._last_used = self._last_used, at
        return self._key_info(used) if handler is None else handler(self.state, params)

    def _authenticated(self, request: Request) -> Params:
        if request.method != "POST" or request.headers.get("api-key") != self.keys.key:
            raise Refused(errors.INVALID_KEY)
        params = params_of(request)
        nonce = params.text("nonce") or ""
        expected = auth.signature(self.keys.secret, request.path, nonce, request.body)
        if not auth.fits(request.headers.get("api-sign", ""), expected):
            raise Refused(errors.INVALID_SIGNATURE)
        self._nonces.take(self.keys.key, nonce)
        return params

    def _key_info(self, used: datetime) -> object:
        """https://docs.kraken.com/api-reference/account-data/get-api-key-info"""
        created = str(int(self.state.opened_at.timestamp()))
        return {
            "apiKeyName": "simulator", "apiKey": self.keys.key, "nonce": str(self._nonces.last.get(self.keys.key, 0)),
            "nonceWindow": 0, "permissions": sorted(self.keys.permissions), "iban": "AA00 SIM0 KRAK EN00",
            "validUntil": "0", "queryFrom": "0", "queryTo": "0", "createdTime": created, "modifiedTime": created,
            "ipAllowlist": [], "lastUsed": str(int(epoch(used))),
        }  # fmt: skip

    def socket(self, request: Request) -> SocketSession | Reply:
        """A socket for a path."""
        if request.path.rstrip("/") not in PATHS:
            return Reply(status=404)
        return _Tracked(self.state, self.keys, self._sessions)

    def client_id(self, request: Request) -> str | None:
        """The client's order id inside a request, for the request log."""
        if request.segments[:2] != ("0", "private") or request.segments[-1] not in _CLIENT_IDS:
            return None
        try:
            return params_of(request).text("cl_ord_id")
        except Refused:
            return None

    def refusal(self, fault: Fault, request: Request) -> Reply:
        return errors.fault_reply(fault, self.clock.now())

    # --- What the control door asks -----------------------------------------------------------------------------------

    def orders(self) -> list[dict[str, str | None]]:
        return [_order_line(record) for record in self.state.orders.values()]

    def fills(self) -> list[dict[str, str | None]]:
        return [_fill_line(trade) for trade in self.state.trades.values()]

    def positions(self) -> list[dict[str, str | None]]:
        """What is held of each coin, against dollars."""
        held = self.state.wallet.balances
        return [
            {"symbol": f"{name}/USD", "quantity": text_of(amount), "avg_px": None}
            for name, amount in sorted(held.items())
            if amount and name not in {"USD", "EUR"}
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
        if record.is_open and not record.in_engine:
            raise Impossible("order", "the order waits for its trigger or its time", status=409)
        try:
            events = self.state.engine.force_fill(
                OrderId(record.id), qty=Quantity(qty), price=Price(price), at=self.clock.stamp()
            )
        except KeyError as error:
            raise Impossible("order", f"the order is {record.status}", status=409) from error
        except NotOpen as error:
            raise Impossible("order", f"the order is {error.status}", status=409) from error
        except BadOrder as error:
            raise Impossible("qty", str(error)) from error
        self.state.absorb(events)

    def bust(self, exec_id: str) -> None:
        raise Impossible("exec", f"this venue takes no execution back, {exec_id} neither", status=409)

    def correct(self, exec_id: str, qty: Decimal, price: Decimal) -> None:
        raise Impossible("exec", f"this venue corrects no execution, {exec_id} neither", status=409)

    def _spoil(self, request: Request) -> Reply:
        """`POST /book {"symbol","what":"checksum"|"drop"}`."""
        fields = fields_of(request, {"symbol", "what"})
        what = text_in(fields, "what")
        if what not in {"checksum", "drop"}:
            raise Impossible("what", "a book is spoiled by a wrong checksum or a drop")
        self.spoil_book(text_in(fields, "symbol"), what)
        return Reply(status=204)

    def spoil_book(self, symbol: str, what: str) -> None:
        """Spoil the next change of the top ten in every subscription of a book: a wrong `checksum`, or a `drop`."""
        books = [book for session in self._sessions for book in session.books(inside(symbol))]
        if not books:
            raise Impossible("symbol", f"nobody is subscribed to the book of {symbol}", status=409)
        for book in books:
            book.broken = what

    def now(self) -> datetime:
        return self.clock.now()

    def move_clock(self, moment: datetime) -> None:
        """Let time pass.  Recorded days play every line up to `moment`; the seeded market is looked at once a minute."""
        if self.clock.stands:
            self._step(moment)
            return
        at = self.clock.now()
        step = max(_STEP, (moment - at) / _MAX_STEPS)
        while at < moment:
            at = min(at + step, moment)
            self.clock.move_to(at)
            self._step(at)

    def reset(self) -> None:
        """As on the first day; nonces start over as well."""
        self.clock.reset()
        self.market.reset()
        self._nonces = Nonces()
        self.state.reset()

    # --- Prices -------------------------------------------------------------------------------------------------------

    def _step(self, at: datetime) -> None:
        """The market up to `at`, for the symbols somebody waits for."""
        for tick in self.market.advance(at, self._watched()):
            named = tick.quote or tick.trade
            if named is None or named.symbol not in self.state.pairs:
                continue  # a recorded folder has shares as well
            if self.clock.stands:
                self.clock.move_to(max(tick.at, self.clock.now()))
            self.state.feed(tick)
        if self.clock.stands:
            self.clock.move_to(at)
        self.state.advance(at)
        for session in tuple(self._sessions):
            session.on_second(at)

    def _watched(self) -> list[str]:
        symbols = {record.pair.symbol for record in self.state.open.values()}
        for session in self._sessions:
            symbols |= session.symbols
        return sorted(symbols)

    async def run(self, *, every_s: float = _FEED_S) -> None:
        """Feed the market while time runs.  A venue whose clock stands has nothing to feed."""
        while not self.clock.stands:
            await self.clock.sleep(every_s)
            self._step(self.clock.now())


def _may(method: str, permissions: frozenset[str]) -> bool:
    """Whether a key with these permissions may call a private method."""
    needed, too = NEEDS.get(method), NEEDS_TOO.get(method)
    return (needed is None or bool(needed & permissions)) and (too is None or too in permissions)


def _first_moment(tape: Tape, symbols: list[str]) -> datetime:
    """Midnight before the first recorded day of a listed pair, UTC.  Raises `NotRecorded` when there is none."""
    days = [tape.days(symbol)[0] for symbol in symbols]
    if not days:
        raise NotRecorded("the folder holds no minute data of a pair that is listed here")
    return datetime.combine(min(days), datetime.min.time(), UTC)


class _Tracked(Session):
    """A session that the venue knows while it is open."""

    def __init__(self, state: State, keys: Keys, sessions: list[_Tracked]) -> None:
        super().__init__(state, keys)
        self._sessions = sessions

    def opened(self) -> None:
        self._sessions.append(self)
        super().opened()

    def closed(self) -> None:
        self._sessions.remove(self)
        super().closed()


def _order_line(record: Record) -> dict[str, str | None]:
    wish = record.wish
    average = record.average
    return {
        "order": record.id,
        "client": wish.cl_ord_id,
        "symbol": record.pair.symbol,
        "side": record.side.value,
        "type": PUBLIC_TYPE.get(wish.ordertype, wish.ordertype),
        "quantity": None if record.qty is None else text_of(record.qty),
        "status": ws_status(record),
        "filled": text_of(record.filled),
        "avg_px": None if average is None else text_of(average),
        "limit": None if record.limit is None else text_of(record.limit),
        "stop": None if record.trigger_px is None else text_of(record.trigger_px),
        "created": time_text(record.opened_at),
    }


def _fill_line(trade: Trade) -> dict[str, str | None]:
    return {
        "exec": trade.id, "order": trade.order_id, "client": trade.cl_ord_id, "symbol": trade.pair.symbol,
        "side": trade.side.value, "quantity": text_of(trade.qty), "price": text_of(trade.price),
        "fee": text_of(trade.fee), "time": time_text(trade.at),
    }  # fmt: skip


def create_venue(
    *,
    seed: int = 0,
    clock: Clock,
    data: Path | None = None,
    calendar: bool = False,
    faults: list[Fault] | None = None,
    rate: int | None = None,
    balances: dict[str, Decimal] | None = None,
    tier: str = "intermediate",
    can_withdraw: bool = False,
    permissions: frozenset[str] | None = None,
    system: str = "online",
    displayed: bool = False,
    keys: Keys | None = None,
) -> KrakenVenue:
    """A venue in this process: no threads, no waiting but on `clock`, everything else drawn from `seed`.

    With `data` (a folder of recorded days) the clock stands at the first day until the control door moves it, and only pairs
    that are recorded have prices; raises `NotRecorded` for a folder without any.  `rate` is private calls a minute that the
    call counter forgets (default: the tier's; 0 counts nothing, 0 with `data`).  `balances` are by our names (`USD`, `BTC`).
    A coin venue never closes: `calendar` changes nothing.  With `displayed` sizes count: orders walk the book.
    `can_withdraw` gives the key a permission no trader needs.
    """
    del calendar
    source: PriceSource
    if data is not None:
        tape = load(data)
        symbols = [symbol for symbol in recorded_symbols(tape) if symbol in info.PAIRS]
        source, venue_clock = RecordedSource(tape), VenueClock(clock, standing_at=_first_moment(tape, symbols))
    else:
        tape, venue_clock, symbols = None, VenueClock(clock), list(info.PAIRS)
        source = SeededSource(seed=seed, listings={p.symbol: info.listing(p) for p in info.PAIRS.values()})
    market = Market(source, [info.instrument(info.PAIRS[s]) for s in symbols], at=venue_clock.now())
    past = SeededHistory(market) if tape is None else RecordedHistory(tape)
    counts = rate != 0 and not (rate is None and data is not None)
    key = keys or make_keys(Random(f"kraken keys {seed}"), can_withdraw=can_withdraw)
    return KrakenVenue(
        settings=Settings(
            seed=seed, balances=balances, tier=tier, system=system, displayed=displayed, is_recorded=tape is not None
        ),
        clock=venue_clock,
        market=market,
        history=Known(past, venue_clock.now),
        keys=key if permissions is None else Keys(key.key, key.secret, permissions),
        plan=FaultPlan(faults or [], seed=seed, set_at=venue_clock.now()),
        limits=Limits(info.TIERS[tier], counts=counts, calls_decay_s=Decimal(rate) / 60 if rate else None),
    )
