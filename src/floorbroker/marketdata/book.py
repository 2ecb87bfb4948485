"""An order book (L2) that proves itself: the readable reference, which needs nothing but Python.

A book takes updates in the venue's own digits, keeps them as whole numbers of one scale, and checks each by the proof its
venue offers (`BookRules.proof`).  One that does not pass makes the book stale: what it holds is not believed any more, and
only the whole book (`reset`) makes it fresh again.  The book asks for nothing and waits for nothing; `books.py` does.

An update is read to its end before any of it is applied.  It is refused, and the book stale, when a number in it cannot be a
price or a size, and when the book after it would buy dearer than it sells.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime

from floorbroker.domain.capability import BookProof, BookRules
from floorbroker.domain.frozen import frozen
from floorbroker.domain.records import BookDelta, BookLevel
from floorbroker.domain.values import Word
from floorbroker.marketdata.frames import told_at
from floorbroker.marketdata.levels import Level, Levels
from floorbroker.marketdata.proofs import CHECKED_LEVELS, Fixed, Pairs, Side, Update, Wrong, checksum, proof_of
from floorbroker.marketdata.readings import BookState, Readings, Scales, Tally
from floorbroker.marketdata.scaled import MAX_PRICE, MAX_SIZE, Column, Finer, Refused

Numbers = tuple[Sequence[int], Sequence[int]]  # prices, and the size at each

KEPT_MAX = 1_000  # updates kept before the whole book comes; at ten a second, more than a minute and a half


class Verdict(Word):
    """What a book made of an update."""

    PROVEN = "proven"
    UNPROVEN = "unproven"  # applied; the venue tells nothing to check it by
    WHOLE = "whole"  # a whole book, which only a checksum could prove
    WAITING = "waiting"  # the whole book has not come; the update is kept where it will be needed
    OLD = "old"  # the book holds it already
    FAILED = "failed"  # the book is stale from here on


@frozen
class Applied:
    """A verdict, and why where a proof failed."""

    verdict: Verdict
    reason: str = ""


def written(levels: Sequence[BookLevel]) -> Pairs:
    """Levels in digits, as many as their decimals have."""
    return [(format(level.price, "f"), format(level.size, "f")) for level in levels]


SAID = {verdict: Applied(verdict=verdict) for verdict in Verdict}


class Book(Readings):
    """The book of one symbol.  `depth` is how many levels a side are subscribed; `rules` say whether it is cut there.

    `price_decimals` and `size_decimals` are the instrument's precision where it is known; otherwise it is learned.
    """

    def __init__(
        self,
        symbol: str,
        rules: BookRules,
        *,
        depth: int | None = None,
        price_decimals: int = 0,
        size_decimals: int = 0,
    ) -> None:
        self.symbol = symbol
        self.rules = rules
        self._state = BookState.WAITING
        self._reason = ""
        self._sequence: int | None = None
        self._time: datetime | None = None
        self.tally = Tally()
        self._depth = depth if rules.cut else None
        self._checks = rules.proof is BookProof.CRC32
        self._proof = proof_of(rules.proof)
        self._prices = Column(MAX_PRICE, decimals=price_decimals, positive=True)
        self._sizes = Column(MAX_SIZE, decimals=size_decimals)
        self._bids, self._asks = Levels(-1), Levels(1)
        self._kept: deque[Update] = deque()

    # -- updates --------------------------------------------------------------------------------------------------------

    def apply(self, delta: BookDelta) -> Applied:
        """Take a venue's update."""
        said = self.update(
            Update(
                written(delta.bids),
                written(delta.asks),
                delta.reset,
                delta.sequence,
                delta.previous,
                delta.checksum,
            )
        )
        self._time = delta.time
        return said

    @property
    def time(self) -> datetime | None:
        """The venue's time of the newest update; when it was heard, where the venue tells none."""
        return self._time

    def hear(self, frame: bytes, at: datetime) -> None:
        """A raw frame changed it, heard at `at`."""
        self._time = told_at(frame) or at

    def update(self, update: Update) -> Applied:
        """Take an update in the venue's own digits."""
        try:
            return SAID[self._whole(update) if update.reset else self._change(update)]
        except (Wrong, Refused) as error:
            return self._failed(str(error))

    def fail(self, reason: str) -> Applied:
        """Whoever feeds the book knows that something is missing."""
        return self._failed(reason)

    def _change(self, update: Update) -> Verdict:
        try:
            self._proof.follow(update)
            if self._state is BookState.FRESH:
                return self._next(update)
        except Wrong as wrong:
            self._kept.clear()
            if wrong.begins:
                self._keep(update)
            raise
        self.tally.waiting += 1
        self._keep(update)
        return Verdict.WAITING

    def _keep(self, update: Update) -> None:
        if not self._proof.keeps:
            return
        if len(self._kept) >= KEPT_MAX:
            self._kept.clear()
            raise Wrong(f"the whole book did not come within {KEPT_MAX} updates")
        self._kept.append(update)

    def _next(self, update: Update) -> Verdict:
        if self._proof.is_old(update):
            self.tally.old += 1
            return Verdict.OLD
        bids, asks = self._scaled(update)
        self._bids.put(*bids)
        self._asks.put(*asks)
        self._settle(update)
        self.tally.updates += 1
        if not self._proof.judges:
            return Verdict.UNPROVEN
        self.tally.proven += 1
        return Verdict.PROVEN

    def _whole(self, update: Update) -> Verdict:
        self._prices.forget()
        self._sizes.forget()
        self._bids, self._asks = Levels(-1), Levels(1)
        bids, asks = self._scaled(update)
        self._bids.replace(*bids)
        self._asks.replace(*asks)
        self._proof.begin(update)
        self._settle(update)
        self._state, self._reason = BookState.FRESH, ""
        self.tally.wholes += 1
        if self._checks:
            self.tally.proven += 1
            return Verdict.PROVEN
        return self._catch_up()

    def _catch_up(self) -> Verdict:
        """Apply what was kept while the whole book was on its way."""
        verdict = Verdict.WHOLE
        while self._kept:
            told = self._next(self._kept[0])
            self._kept.popleft()
            verdict = told if told is Verdict.PROVEN else verdict
        return verdict

    def _settle(self, update: Update) -> None:
        """What must hold after an update.  Raises `Wrong`."""
        bids, asks = self._bids, self._asks
        if self._depth is not None:
            bids.cut(self._depth)
            asks.cut(self._depth)
        self._sequence = update.sequence
        bid, ask = bids.best(), asks.best()
        if bid is not None and ask is not None and bid[0] >= ask[0]:
            raise Wrong("it bids no less than it asks")
        if self._checks:
            if update.checksum is None:
                raise Wrong("it carries no checksum")
            own = checksum(bids.top(CHECKED_LEVELS), asks.top(CHECKED_LEVELS))
            if own != update.checksum:
                raise Wrong(f"its checksum is {update.checksum}, and the book's is {own}")

    def _failed(self, reason: str) -> Applied:
        if self._state is BookState.FRESH:
            self._state = BookState.STALE
        self._reason = reason
        self.tally.failed += 1
        return Applied(verdict=Verdict.FAILED, reason=reason)

    # -- numbers --------------------------------------------------------------------------------------------------------

    def _scaled(self, update: Update) -> tuple[Numbers, Numbers]:
        """Prices and sizes of both sides as whole numbers.  Raises `Refused`."""
        while True:
            try:
                return self._side(update.bids), self._side(update.asks)
            except Finer as finer:
                self._widen(finer.column, finer.decimals)

    def _side(self, side: Side) -> Numbers:
        if isinstance(side, Fixed):
            if self._prices.decimals == self._sizes.decimals == side.decimals:
                return self._prices.checked(side.prices), side.sizes
            side = side.pairs()
        if not side:
            return [], []
        prices, sizes = zip(*side, strict=True)
        return self._prices.numbers(prices), self._sizes.numbers(sizes)

    def _widen(self, column: Column, decimals: int) -> None:
        sides = (self._bids, self._asks)
        if column is self._prices:
            factor = column.widened(decimals, max(side.largest_price() for side in sides))
            for side in sides:
                side.scale(price=factor)
        else:
            factor = column.widened(decimals, max(side.largest_size() for side in sides))
            for side in sides:
                side.scale(size=factor)

    # -- readings -------------------------------------------------------------------------------------------------------

    def raw(self, depth: int) -> tuple[list[Level], list[Level]]:
        """The best levels of both sides, best first, as whole numbers of `scales`."""
        return self._bids.top(depth), self._asks.top(depth)

    def best_raw(self) -> tuple[Level | None, Level | None]:
        """The best level of each side as whole numbers."""
        return self._bids.best(), self._asks.best()

    @property
    def state(self) -> BookState:
        return self._state

    @property
    def reason(self) -> str:
        return self._reason

    @property
    def sequence(self) -> int | None:
        return self._sequence

    @property
    def scales(self) -> Scales:
        return Scales(self._prices.decimals, self._sizes.decimals)
