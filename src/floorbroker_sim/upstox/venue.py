"""The venue as one thing: routes, streams, prices and the control door over one state; and the ASGI apps around it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from floorbroker.domain.clock import Clock
from floorbroker.domain.values import OrderId, Price, Quantity, text_of, time_text
from floorbroker.matching import BadOrder, NotOpen
from floorbroker.tape import load
from floorbroker_sim.clock import VenueClock
from floorbroker_sim.control import ControlDoor, Impossible
from floorbroker_sim.faults import Fault, FaultPlan
from floorbroker_sim.gate import Gate
from floorbroker_sim.history import Known
from floorbroker_sim.http import Reply, Request, Router, SocketSession
from floorbroker_sim.market import Market, PriceSource
from floorbroker_sim.recorded import RecordedHistory, RecordedSource, first_moment, recorded_symbols
from floorbroker_sim.upstox import errors, info
from floorbroker_sim.upstox.auth import Keys, Token, make_keys
from floorbroker_sim.upstox.errors import Refused
from floorbroker_sim.upstox.limits import Counter, group_of, is_order
from floorbroker_sim.upstox.mapping import PUBLIC_STATUS, side_of
from floorbroker_sim.upstox.rest import feeds, sandbox
from floorbroker_sim.upstox.rest.answers import Call
from floorbroker_sim.upstox.rest.entry import tag_in
from floorbroker_sim.upstox.rest.hands import Hand
from floorbroker_sim.upstox.rest.listing import Listings, recorded, shares
from floorbroker_sim.upstox.rest.past import History, Past, RecordedDays, SeededDays
from floorbroker_sim.upstox.rest.prices import RecordedPrices, SeededPrices
from floorbroker_sim.upstox.rest.records import Order
from floorbroker_sim.upstox.rest.routes import OPEN_ROUTES, ROUTES
from floorbroker_sim.upstox.rest.state import Settings, State
from floorbroker_sim.upstox.stream.market import MarketSession
from floorbroker_sim.upstox.stream.portfolio import PortfolioSession

_MINUTE = timedelta(minutes=1)
_MAX_STEPS = 5_000
_FEED_S = 1.0
_HOURS = (time(5, 30), time(23, 59, 59, 999_999))


class UpstoxVenue:
    """Answers requests and opens streams.  `app` and `control_app` are the ASGI faces."""

    name = info.VENUE
    ping_every_s = 10.0

    def __init__(
        self,
        *,
        settings: Settings,
        clock: VenueClock,
        market: Market,
        past: Past,
        listings: Listings,
        keys: Keys,
        plan: FaultPlan,
        rate: int | None,
    ) -> None:
        self.clock = clock
        self.market = market
        self.keys = keys
        self.plan = plan
        self.state = State(settings=settings, clock=clock, market=market, past=past, listings=listings, keys=keys)
        self._counter = Counter(clock.base if clock.stands else clock, rate)
        self._streaming: list[MarketSession] = []
        self.app = Gate(self, plan=plan, clock=clock)
        self.control_app = ControlDoor(self, gate=self.app, plan=plan, routes=Hand(self.state).routes())

    @property
    def credentials(self) -> dict[str, str]:
        """What a profile needs to reach this venue; the token is that of the first day."""
        return {
            "BROKER_CODE": "UPSTOX",
            "BROKER_API_KEY": self.keys.client_id,
            "BROKER_SECRET_KEY": self.keys.client_secret,
            "BROKER_USERNAME": self.keys.user_id,
            "BROKER_PASSWORD": self.keys.token,
            "BROKER_ACCOUNT_NUMBER": self.keys.user_id,
        }

    # --- What the gate asks -------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Reply:
        """Answer one request."""
        try:
            return self._answer(request)
        except Refused as refused:
            return errors.reply_of(refused)

    def _answer(self, request: Request) -> Reply:
        found = _OPEN.find(request)
        token = None if found is not None else self._let_in(request)
        self._keep_plan(request)
        found = found or _ROUTER.find(request)
        if found is None:
            known = _ROUTER.knows(request) or _OPEN.knows(request)
            raise Refused("UDAPI10000", status=405) if known else Refused("UDAPI100060")
        is_algo = self.state.rules.algo == request.headers.get("x-algo-name")
        if not self._counter.take(group_of(request.method, request.path, is_algo=is_algo)):
            raise Refused("UDAPI10005")
        handler, values = found
        return handler(self.state, Call(request, token), *values)

    def _let_in(self, request: Request) -> Token:
        token = self.state.tokens.find(request.headers, self.clock.now())
        if token is None:
            raise Refused("UDAPI100050")
        path = "/" + "/".join(request.segments)
        if token.kind == "sandbox":
            if path not in sandbox.PATHS:
                raise Refused("UDAPI10000", text="The sandbox does not have this API", status=404)
            return token
        if token.kind == "extended" and request.method != "GET":
            raise Refused("UDAPI100067")
        self._check_manners(request)
        return token

    def _check_manners(self, request: Request) -> None:
        """Hours, version, address and name of the algorithm."""
        state = self.state
        if request.headers.get("api-version", "2.0") not in {"2.0", "3.0"}:
            raise Refused("UDAPI100015")
        local = self.clock.now().astimezone(info.IST).time()
        if state.settings.calendar and not _HOURS[0] <= local <= _HOURS[1]:
            raise Refused("UDAPI100074")
        if is_order(request.method, request.path):
            if state.rules.address not in state.addresses:
                raise Refused("UDAPI1154")
            algo = request.headers.get("x-algo-name")
            if algo is not None and state.rules.algo and algo != state.rules.algo:
                raise Refused("UDAPI1156", path="X-Algo-Name", value=algo)

    def _keep_plan(self, request: Request) -> None:
        """Refusals that the control door has planned."""
        for planned in self.state.refusals:
            if planned.left and planned.path in {"", request.path}:
                planned.left -= 1
                raise Refused(planned.code)

    def socket(self, request: Request) -> SocketSession | Reply:
        """A redirect to an address that works once, or a session behind such an address."""
        try:
            return self._socket(request)
        except Refused as refused:
            return errors.reply_of(refused)

    def _socket(self, request: Request) -> SocketSession | Reply:
        match request.path.rstrip("/"):
            case "/v3/feed/market-data-feed" | "/v2/feed/market-data-feed" | "/v2/feed/portfolio-stream-feed":
                return self.handle(request)
            case feeds.MARKET_PATH | feeds.PORTFOLIO_PATH as path:
                what = feeds.redeem(self.state, request.query.get("code", ""))
                if what is None or (what == "market") != (path == feeds.MARKET_PATH):
                    raise Refused("UDAPI100050", text="The code of this address was used, or has expired", status=403)
                if what == "market":
                    return MarketSession(self.state, self._streaming)
                return PortfolioSession(self.state, frozenset(what.split(",")))
            case _:
                raise Refused("UDAPI100060")

    def client_id(self, request: Request) -> str | None:
        """The tag of an order entry."""
        is_entry = request.method == "POST" and request.path.rstrip("/") in {"/v2/order/place", "/v3/order/place"}
        return tag_in(request.body) if is_entry else None

    def refusal(self, fault: Fault, request: Request) -> Reply:
        return errors.fault_reply(fault)

    # --- What the control door asks -----------------------------------------------------------------------------------

    def orders(self) -> list[dict[str, str | None]]:
        return [_order_line(order) for order in (*self.state.old_orders, *self.state.orders.values())]

    def fills(self) -> list[dict[str, str | None]]:
        return [
            {
                "exec": one.trade_id, "order": one.order.id, "client": one.order.terms.tag, "symbol": one.order.listed.symbol,
                "side": side_of(one.order.terms).value, "quantity": str(one.quantity), "price": text_of(one.price), "fee": "0",
                "time": time_text(one.at),
            }
            for one in (deal.execution for deal in self.state.deals)
        ]  # fmt: skip

    def positions(self) -> list[dict[str, str | None]]:
        return [
            {"symbol": p.symbol, "quantity": text_of(p.qty), "avg_px": text_of(p.avg_px)}
            for p in self.state.ledger.positions()
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
        found = self.state.find(order)
        if found is None:
            raise Impossible("order", f"there is no order {order}", status=404)
        if found.engine_id is None:
            raise Impossible("order", f"the order is {found.status}", status=409)
        if qty != qty.to_integral_value():
            raise Impossible("qty", "quantities are whole numbers here")
        try:
            events = self.state.engine.force_fill(
                OrderId(found.engine_id), qty=Quantity(qty), price=Price(price), at=self.clock.stamp()
            )
        except NotOpen as error:
            raise Impossible("order", f"the order is {error.status}", status=409) from error
        except BadOrder as error:
            raise Impossible("qty", str(error)) from error
        self.state.absorb(events)

    def bust(self, exec_id: str) -> None:
        raise Impossible("exec", f"this venue tells of no execution that was taken back ({exec_id})", status=409)

    def correct(self, exec_id: str, qty: Decimal, price: Decimal) -> None:
        raise Impossible("exec", f"this venue tells of no execution that was corrected ({exec_id})", status=409)

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
        """The market up to `at`, for the symbols somebody waits for."""
        for tick in self.market.advance(at, self._watched()):
            if self.clock.stands:
                self.clock.move_to(max(tick.at, self.clock.now()))
            self.state.feed(tick)
        if self.clock.stands:
            self.clock.move_to(at)
        self.state.advance(at)

    def _watched(self) -> list[str]:
        symbols = {order.listed.symbol for order in self.state.open.values()}
        symbols |= {gtt.listed.symbol for gtt in self.state.gtts.values() if not gtt.done}
        for stream in self._streaming:
            symbols |= stream.symbols
        return sorted(symbol for symbol in symbols if symbol in self.market.instruments)

    async def run(self, *, every_s: float = _FEED_S) -> None:
        """Feed the market while time runs.  A venue whose clock stands has nothing to feed."""
        while not self.clock.stands:
            await self.clock.sleep(every_s)
            self._step(self.clock.now())


def _router(routes: list[tuple[str, str, Callable[..., Reply]]]) -> Router:
    router = Router()
    for method, path, handler in routes:
        router.add(method, path, handler)
    return router


_OPEN, _ROUTER = _router(OPEN_ROUTES), _router(ROUTES)


def _order_line(order: Order) -> dict[str, str | None]:
    terms = order.terms
    status = PUBLIC_STATUS.get(order.status, order.status)
    return {
        "order": order.id,
        "client": terms.tag,
        "symbol": order.listed.symbol,
        "side": side_of(terms).value,
        "type": terms.order_type.lower(),
        "product": terms.product,
        "quantity": str(terms.quantity),
        "status": "partially_filled" if status == "new" and order.filled else status,
        "filled": str(order.filled),
        "avg_px": text_of(order.average) if order.filled else None,
        "limit": text_of(terms.price) if terms.price else None,
        "stop": text_of(terms.trigger) if terms.trigger else None,
        "created": time_text(order.created),
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
    tokens_end: bool = True,
    keys: Keys | None = None,
) -> UpstoxVenue:
    """A venue in this process: no threads, no waiting but on `clock`, everything else drawn from `seed`.

    With `data` (a folder of recorded days) the clock stands at the first day until the control door moves it, and what is
    recorded is listed as a share of NSE; raises `NotRecorded` for a folder without minutes.  `rate` is requests a minute for
    orders and for the rest (default: the documented numbers, 0 with `data`; 0 counts nothing).  Without `tokens_end` the first
    token does not end at night.
    """
    source: PriceSource
    history: History
    listings = Listings()
    if data is not None:
        tape = load(data)
        venue_clock = VenueClock(clock, standing_at=first_moment(tape))
        found = [recorded(name, number) for number, name in enumerate(recorded_symbols(tape), 1) if "/" not in name]
        source = RecordedPrices(RecordedSource(tape))
    else:
        tape, venue_clock = None, VenueClock(clock)
        found = list(shares())
        source = SeededPrices(seed, listings)
    for one in found:
        listings.add(one)
    market = Market(source, [one.instrument() for one in found], at=venue_clock.now())
    history = SeededDays(market) if tape is None else RecordedDays(Known(RecordedHistory(tape), venue_clock.now))
    return UpstoxVenue(
        settings=Settings(seed=seed, cash=cash, calendar=calendar, options=tape is None, tokens_end=tokens_end),
        clock=venue_clock, market=market, past=Past(market, history), listings=listings,
        keys=keys or make_keys(Random(f"upstox keys {seed}")), plan=FaultPlan(faults or [], seed=seed, set_at=venue_clock.now()),
        rate=0 if rate is None and tape is not None else rate,
    )  # fmt: skip
