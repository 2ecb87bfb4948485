"""How far an account is below where its day began, and below its best: what loss limit and drawdown look at.

Deposits and withdrawals look like profit and loss here.  After one of them a person begins the day anew.  Another account, or
another currency of it, under the same profile begins anew by itself: what one had says nothing of what the other loses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from floorbroker.domain.values import WIDE, ZERO, NotExact, decimal_of, text_of

TOPIC = "risk.equity"
_STEP = Decimal("0.001")  # a higher peak is written down when it is this much higher
_HUNDRED = Decimal(100)


@dataclass(slots=True)
class Equity:
    """One account's equity, in its own currency: now, when the UTC day began for us, and at its peak.

    `of` says whose it is: the venue's number of the account and its currency; empty while nobody told.
    """

    day: date = date.min
    opened: Decimal = ZERO
    peak: Decimal = ZERO
    now: Decimal = ZERO
    of: str = ""
    loss: Decimal = field(init=False, default=ZERO)  # below the day's beginning; zero while above it
    loss_pct: Decimal = field(init=False, default=ZERO)
    drawdown_pct: Decimal = field(init=False, default=ZERO)  # below the peak
    _kept: Decimal = ZERO  # the peak that is durable

    def __post_init__(self) -> None:
        self._measure()

    @property
    def currency(self) -> str:
        """What it is in; empty while nobody told."""
        return self.of.rpartition(" ")[2]

    @property
    def is_known(self) -> bool:
        return self.opened > 0

    @property
    def made(self) -> Decimal:
        """Profit, or below zero loss, since the day's beginning."""
        return WIDE.subtract(self.now, self.opened)

    def tell(self, equity: Decimal, at: datetime, *, of: str = "") -> bool:
        """The venue's figure; whether what must survive a restart changed by enough to be written down."""
        if of and self.of and of != self.of:
            self.day, self.opened, self.peak, self._kept = date.min, ZERO, ZERO, ZERO
        self.now, self.of = equity, of or self.of
        self.peak = max(self.peak, equity)
        is_new_day = at.date() > self.day and equity > 0
        if is_new_day:
            self.day, self.opened = at.date(), equity
        self._measure()
        if not is_new_day and self.peak <= self._kept * (1 + _STEP):
            return False
        self._kept = self.peak
        return True

    def begin_anew(self, at: datetime) -> None:
        """A person says that today's figure is where day and peak begin."""
        self.day, self.opened, self.peak, self._kept = at.date(), self.now, self.now, self.now
        self._measure()

    def _measure(self) -> None:
        """Worked out when the figure changes: every wish looks at it."""
        self.loss = max(self.opened - self.now, ZERO)
        self.loss_pct = _percent(self.loss, self.opened)
        self.drawdown_pct = _percent(max(self.peak - self.now, ZERO), self.peak)

    def words(self) -> Mapping[str, str]:
        """What a note keeps."""
        return {
            "day": self.day.isoformat(),
            "opened": text_of(self.opened),
            "peak": text_of(self.peak),
            "of": self.of,
        }

    def restore(self, words: Mapping[str, str]) -> None:
        """From a note.  Raises `NotExact`, `KeyError` or `ValueError` for one that is none."""
        self.day = date.fromisoformat(words["day"])
        self.opened, self.peak = _money(words["opened"]), _money(words["peak"])
        self._kept, self.of = self.peak, words.get("of", "")
        self.now = self.now or self.opened
        self._measure()


def _money(text: str) -> Decimal:
    amount = decimal_of(text)
    if amount < 0:
        raise NotExact("equity below zero is not where a day begins")
    return amount


def _percent(part: Decimal, whole: Decimal) -> Decimal:
    return (part / whole * _HUNDRED).quantize(Decimal("0.01"), context=WIDE) if whole > 0 else ZERO
