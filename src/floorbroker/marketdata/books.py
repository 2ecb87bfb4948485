"""The keeper of a broker's books: one book and one subscription a symbol, however many look at it.

    watch("BTC/USDT") ──▶ first of this symbol: subscribe        last one closed ──▶ a while later: let go
    BookDelta ──▶ book ──▶ proven: ring the watches              failed: that book is stale, ask for the whole of it again

Asking again is spaced: at once, then after 1, 2, 4 … 30 s while it does not help, so that a broken feed cannot eat the venue's
allowances.  Books and watches are bounded; there are no queues.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from floorbroker.domain.capability import BookRules
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import Conflict, FloorbrokerError, NotSupported, Timeout
from floorbroker.domain.ports import Broker, Log, MarketEvent, Meter, Subscription
from floorbroker.domain.records import BookDelta, DataKind
from floorbroker.marketdata.book import Verdict
from floorbroker.marketdata.native import AnyBook, book_of
from floorbroker.marketdata.readings import BookState, BookView
from floorbroker.marketdata.shortway import ShortWay
from floorbroker.marketdata.watch import Watch

BOOKS_MAX = 500
WATCHES_MAX = 1_000  # of one book
LINGER_S = 30.0
WHOLE_WITHIN_S = 10.0
FIRST_PAUSE_S, LAST_PAUSE_S, CALM_S = 1.0, 30.0, 60.0
_SEEN = frozenset({Verdict.PROVEN, Verdict.UNPROVEN, Verdict.WHOLE, Verdict.FAILED})


@dataclass(slots=True, eq=False)
class _Kept:
    """One symbol's book and who looks at it."""

    symbol: str
    book: AnyBook
    watches: set[Watch] = field(default_factory=set[Watch])
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    subscription: Subscription | None = None
    handler: Callable[[MarketEvent], None] | None = None
    mending: asyncio.Task[None] | None = None
    leaving: asyncio.Task[None] | None = None
    pause_s: float = FIRST_PAUSE_S
    asked_s: float | None = None


class BookKeeper:
    """The books of one broker.  `native` False keeps them in Python even where the native core is installed.

    `way` is the one that the broker's feeds have as well.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        clock: Clock,
        meter: Meter,
        log: Log,
        native: bool = True,
        books_max: int = BOOKS_MAX,
        way: ShortWay | None = None,
    ) -> None:
        self._broker = broker
        self._clock = clock
        self._meter = meter
        self._log = log
        self._native = native
        self._books_max = books_max
        self._way = way
        self._books: dict[str, _Kept] = {}

    @property
    def symbols(self) -> tuple[str, ...]:
        """Whose books are kept now."""
        return tuple(self._books)

    # -- whoever looks --------------------------------------------------------------------------------------------------

    async def watch(self, symbol: str, *, depth: int = 10) -> Watch:
        """A view of a book; close it when it is not looked at any more.

        Raises `NotSupported` where the venue streams no books, `Conflict` when too many are kept, and what the subscription
        raises.
        """
        kept = self._books.get(symbol) or self._open(symbol)
        if len(kept.watches) >= WATCHES_MAX:
            raise Conflict(f"{WATCHES_MAX} consumers look at the book of {symbol} already")
        watch = Watch(kept.book, depth=depth, on_close=lambda watch: self._release(kept, watch))
        kept.watches.add(watch)
        if kept.leaving is not None:
            kept.leaving.cancel()
            kept.leaving = None
        try:
            await self._subscribe(kept)
        except BaseException:
            watch.close()
            if not kept.watches:
                await self._let_go(kept)
            raise
        return watch

    async def read(self, symbol: str, *, depth: int = 10, timeout_s: float = 10.0) -> BookView:
        """A book once it may be believed.  The subscription lingers, so that asking again is cheap.  Raises `Timeout` too."""
        watch = await self.watch(symbol, depth=depth)
        try:
            async with asyncio.timeout(timeout_s):
                while watch.book.state is not BookState.FRESH:
                    await watch.next()
            return watch.look()
        except TimeoutError as error:
            why = watch.book.reason or "it has not come"
            raise Timeout(f"there is no book of {symbol} after {timeout_s:g} s: {why}") from error
        finally:
            watch.close()

    def peek(self, symbol: str, *, depth: int = 10) -> BookView | None:
        """A book that is kept already and may be believed, as it stands; nothing is subscribed for it."""
        kept = self._books.get(symbol)
        if kept is None or kept.book.state is not BookState.FRESH:
            return None
        return kept.book.depth(depth)

    async def close(self) -> None:
        """Let go of every book."""
        for kept in [*self._books.values()]:
            for watch in [*kept.watches]:
                watch.close()
            await self._let_go(kept)

    # -- subscriptions --------------------------------------------------------------------------------------------------

    def _rules(self) -> BookRules:
        rules = self._broker.info.book
        if rules is None:
            raise NotSupported(f"{self._broker.info.name} streams no order books", broker=self._broker.info.code)
        return rules

    def _open(self, symbol: str) -> _Kept:
        rules = self._rules()
        if len(self._books) >= self._books_max:
            raise Conflict(f"{self._books_max} books are kept already")
        depth = rules.depths[0] if rules.depths else None
        kept = _Kept(symbol, book_of(symbol, rules, depth=depth, native=self._native))
        self._books[symbol] = kept
        return kept

    async def _subscribe(self, kept: _Kept) -> None:
        """Once a book; others who come meanwhile wait for the first."""
        async with kept.opening:
            if kept.subscription is not None:
                return

            def on_event(event: MarketEvent) -> None:
                if isinstance(event, BookDelta) and event.symbol == kept.symbol:
                    self._take(kept, event)

            kept.handler = on_event
            if self._way is not None:
                self._way.keep(kept.symbol, kept.book, on_event, lambda verdict: self._heard(kept, verdict))
            kept.subscription = await self._broker.subscribe_market_data(
                [kept.symbol], frozenset({DataKind.BOOK}), on_event
            )
            self._mend(kept, after_s=WHOLE_WITHIN_S)

    def _release(self, kept: _Kept, watch: Watch) -> None:
        kept.watches.discard(watch)
        if not kept.watches and kept.leaving is None and self._books.get(kept.symbol) is kept:
            kept.leaving = asyncio.get_running_loop().create_task(self._leave(kept), name=f"{kept.symbol}:leave")

    async def _leave(self, kept: _Kept) -> None:
        await self._clock.sleep(LINGER_S)
        kept.leaving = None
        if not kept.watches:
            await self._let_go(kept)

    async def _let_go(self, kept: _Kept) -> None:
        if self._books.get(kept.symbol) is kept:
            del self._books[kept.symbol]
        for task in (kept.mending, kept.leaving):
            if task is not None:
                task.cancel()
        async with kept.opening:  # a subscription on its way is waited for, and closed
            subscription, kept.subscription = kept.subscription, None
        if subscription is not None:
            await subscription.close()
        if self._way is not None and kept.handler is not None:
            self._way.drop(kept.symbol, kept.handler)

    # -- updates --------------------------------------------------------------------------------------------------------

    def _take(self, kept: _Kept, delta: BookDelta) -> None:
        if delta.lost:
            self._lose(kept, delta.lost)
            return
        try:
            verdict = kept.book.apply(delta).verdict
        except Exception as error:  # noqa: BLE001 - what it holds is not known any more; it is told, and this book alone is stale
            self._log.error("book.broken", symbol=kept.symbol, error=type(error).__name__)
            kept.book.fail(f"an update broke it: {type(error).__name__}")
            verdict = Verdict.FAILED
        self._heard(kept, verdict)

    def _lose(self, kept: _Kept, reason: str) -> None:
        """The connection is gone, and nobody knows what changed since: stale until the book comes whole on the next one."""
        was_fresh = kept.book.state is BookState.FRESH
        kept.book.fail(f"the connection was lost: {reason}")
        if was_fresh:
            self._log.warning("book.lost", symbol=kept.symbol, reason=reason)
            for watch in kept.watches:
                watch.ring()
        self._mend(kept, after_s=WHOLE_WITHIN_S)

    def _heard(self, kept: _Kept, verdict: Verdict) -> None:
        """What became of an update, whichever way it came."""
        self._meter.count("book_proofs", proof=kept.book.rules.proof.value, result=verdict.value)
        if verdict is Verdict.FAILED:
            self._meter.count("book_proof_failures", proof=kept.book.rules.proof.value)
            self._log.warning("book.failed", symbol=kept.symbol, reason=kept.book.reason)
            self._mend(kept)
        if verdict in _SEEN:
            for watch in kept.watches:
                watch.ring()

    def _mend(self, kept: _Kept, *, after_s: float = 0.0) -> None:
        """Ask for the whole book unless somebody is about to."""
        if self._way is not None:
            self._way.doubt(kept.symbol)
        if kept.mending is not None and kept.asked_s is None:
            kept.mending.cancel()  # it only waited for the first book, which is needed at once now
            kept.mending = None
        if kept.mending is None or kept.mending.done():
            task = asyncio.get_running_loop().create_task(self._mended(kept, after_s), name=f"{kept.symbol}:book")
            kept.mending = task

    async def _mended(self, kept: _Kept, after_s: float) -> None:
        if after_s:
            await self._clock.sleep(after_s)
        while kept.book.state is not BookState.FRESH:
            await self._ask(kept)
            await self._clock.sleep(kept.pause_s)

    async def _ask(self, kept: _Kept) -> None:
        now_s = self._clock.monotonic()
        calm = kept.asked_s is None or now_s - kept.asked_s > CALM_S
        kept.pause_s = FIRST_PAUSE_S if calm else min(kept.pause_s * 2, LAST_PAUSE_S)
        kept.asked_s = now_s
        self._meter.count("book_resyncs", proof=kept.book.rules.proof.value)
        try:
            await self._broker.resync_book(kept.symbol)
        except FloorbrokerError as error:
            self._log.warning("book.resync_failed", symbol=kept.symbol, detail=error.detail)
        except Exception as error:  # noqa: BLE001 - a bug that one book meets is told; it is asked for again like after any failure
            self._log.error("book.resync_failed", symbol=kept.symbol, error=type(error).__name__)
