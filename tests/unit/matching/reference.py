"""A slow, naive second reading of the matching rules for one symbol: integers, one list, a full scan for every step."""

from __future__ import annotations

from dataclasses import dataclass, field

OPEN = ("held", "working", "partially_filled")


@dataclass
class Slip:
    """One order; prices in cents."""

    name: str
    side: str
    kind: str
    qty: int
    limit: int | None = None
    stop: int | None = None
    trail: int | None = None
    tif: str = "gtc"
    seq: int = 0
    status: str = "working"
    filled: int = 0
    best: int | None = None
    elected: bool = False
    rests: bool = False
    after: str | None = None  # the entry it waits for
    pair: str | None = None  # an exit of the same position
    post: bool = False  # never takes
    display: int | None = None
    tip: int | None = None  # what is left of the shown part, while it rests

    @property
    def alive(self) -> bool:
        return self.status in ("working", "partially_filled")

    @property
    def waits(self) -> bool:
        return self.kind not in ("market", "limit") and not self.elected

    @property
    def touched(self) -> bool:
        return self.kind in ("market_if_touched", "limit_if_touched")


@dataclass
class Reference:
    displayed: bool
    slips: list[Slip] = field(default_factory=list)
    fills: list[tuple[Slip, int, int]] = field(default_factory=list)
    bid: int | None = None
    ask: int | None = None
    bid_left: int = 0
    ask_left: int = 0
    last: int | None = None
    count: int = 0
    coming: list[Slip] = field(default_factory=list)  # about to meet the market, in order

    # -- commands

    def submit(self, *group: Slip) -> None:
        for slip in group:
            self.count += 1
            slip.seq = self.count
            self.slips.append(slip)
            slip.status = "held" if slip.after else "working"
        self._come_in([slip for slip in group if slip.alive])

    def cancel(self, name: str) -> bool:
        slip = self.find(name)
        if slip.status not in OPEN:
            return False
        self._end(slip)
        return True

    def shrink_or_move(self, name: str, qty: int | None, limit: int | None) -> bool:
        slip = self.find(name)
        if slip.status not in OPEN or (qty is not None and qty <= slip.filled):
            return False
        if limit is not None and slip.kind not in ("limit", "stop_limit", "limit_if_touched"):
            return False
        smaller = qty is not None and qty < slip.qty and limit in (None, slip.limit)
        slip.qty = slip.qty if qty is None else qty
        slip.limit = slip.limit if limit is None else limit
        if not smaller:
            self.count += 1
            slip.seq, slip.rests, slip.tip = self.count, False, None
            self._come_in([slip] if slip.alive else [])
        return True

    def quote(self, bid: int, ask: int, size: int) -> None:
        self.bid, self.ask, self.bid_left, self.ask_left = bid, ask, size, size
        self._scan()

    def trade(self, price: int) -> None:
        self.last = price
        self._scan()

    def find(self, name: str) -> Slip:
        return next(slip for slip in self.slips if slip.name == name)

    # -- rules

    def _scan(self) -> None:
        if self.bid is None:
            return
        for side in ("buy", "sell"):
            done: set[int] = set()
            while ready := [s for s in self.slips if s.side == side and self._can_trade(s) and s.seq not in done]:
                slip = min(ready, key=self._rank)
                done.add(slip.seq)
                self._trade(slip)
        self._come_in([])
        elected = [s for s in sorted(self.slips, key=lambda s: s.seq) if s.alive and s.waits and self._elects(s)]
        self._come_in(elected)
        for slip in self.slips:
            if slip.alive and not slip.waits:
                self._rest(slip)

    def _can_trade(self, slip: Slip) -> bool:
        return slip.alive and not slip.waits and self._crosses(slip)

    @staticmethod
    def _rank(slip: Slip) -> tuple[int, int, int]:
        if slip.limit is None:
            return (0, 0, slip.seq)
        return (1, -slip.limit if slip.side == "buy" else slip.limit, slip.seq)

    def _come_in(self, slips: list[Slip]) -> None:
        self.coming += slips
        while self.coming:
            slip = self.coming.pop(0)
            if not slip.alive:
                continue
            if slip.waits:
                if self._elects(slip):
                    self.coming.append(slip)
                continue
            self._trade(slip)

    def _elects(self, slip: Slip) -> bool:
        price = self.last if self.last is not None else (self.ask if slip.side == "buy" else self.bid)
        if price is None:
            return False
        if slip.trail is not None:
            better = slip.best is None or (price < slip.best if slip.side == "buy" else price > slip.best)
            if better:
                slip.best = price
                slip.stop = price + slip.trail if slip.side == "buy" else price - slip.trail
        assert slip.stop is not None
        upwards = (slip.side == "buy") != slip.touched
        slip.elected = price >= slip.stop if upwards else price <= slip.stop
        return slip.elected

    def _crosses(self, slip: Slip) -> bool:
        touch = self.ask if slip.side == "buy" else self.bid
        if touch is None:
            return False
        return slip.limit is None or (touch <= slip.limit if slip.side == "buy" else touch >= slip.limit)

    def _trade(self, slip: Slip) -> None:
        touch = self.ask if slip.side == "buy" else self.bid
        if slip.post and not slip.rests:
            if self._crosses(slip):
                self._end(slip)
                return
            slip.rests, slip.tip = True, slip.display
        if touch is not None and self._crosses(slip):
            offered = self.ask_left if slip.side == "buy" else self.bid_left
            want = slip.qty - slip.filled
            got = min(want, offered) if self.displayed else want
            if self.displayed and slip.tip is not None:
                got = min(got, slip.tip)
            if slip.tif == "fok" and got < want:
                got = 0
            if got:
                if slip.side == "buy":
                    self.ask_left -= got
                else:
                    self.bid_left -= got
                price = slip.limit if slip.rests and slip.limit is not None else touch
                self._book(slip, got, price)
        if slip.alive:
            self._rest(slip)

    def _rest(self, slip: Slip) -> None:
        if slip.tif in ("ioc", "fok"):
            self._end(slip)
        elif self.bid is not None:
            slip.rests = True
            slip.tip = slip.display if slip.tip is None else slip.tip

    def _book(self, slip: Slip, qty: int, price: int) -> None:
        self.fills.append((slip, qty, price))
        slip.filled += qty
        slip.status = "filled" if slip.filled == slip.qty else "partially_filled"
        if slip.alive and slip.tip is not None:
            slip.tip -= qty
            if slip.tip == 0:
                self.count += 1
                slip.seq, slip.tip = self.count, slip.display
        for other in self.slips:
            if slip.pair is not None and other.pair == slip.pair and other is not slip and other.status in OPEN:
                if slip.status == "filled" or other.qty - qty <= other.filled:
                    other.status = "canceled"
                else:
                    other.qty -= qty
            if slip.status == "filled" and other.after == slip.name and other.status == "held":
                other.status, other.qty = "working", slip.filled
                self.coming.append(other)

    def _end(self, slip: Slip) -> None:
        slip.status = "canceled"
        kin = {slip.name, slip.after or slip.name}
        for other in self.slips:
            related = other.name in kin or other.after in kin or (slip.pair is not None and other.pair == slip.pair)
            if related and other.status in OPEN:
                other.status = "canceled"
