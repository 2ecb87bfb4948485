"""Option chains: what the venue told of a month, and which of its strikes nobody told of yet.

The venue tells days of expiry by underlying, strikes by month, and contracts by month, strike and right.  A question whose
strike is 0 is answered with a whole month, as programs in public use have it and no document says: so what comes is held against
the list of strikes.
Documents: IB REST API 2.20.0, /iserver/secdef/search, /strikes and /info; cpapi-v1, option chains.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from floorbroker.brokers.ibkr_web import wire
from floorbroker.brokers.ibkr_web.mapping.contracts import CURRENCY, SHARES_EACH
from floorbroker.brokers.ibkr_web.mapping.market import Fields, quote_from
from floorbroker.brokers.ibkr_web.mapping.values import BROKER, conid_of, number
from floorbroker.domain.errors import ApiError, SymbolNotFound
from floorbroker.domain.instrument import OptionContract
from floorbroker.domain.options import OCC_ROOT, STRIKE_MAX, STRIKE_SCALE, ListedOption
from floorbroker.domain.values import is_multiple

Pair = tuple[Decimal, str]  # a strike, and C or P
_DAY = re.compile(r"[0-9]{8}")
_STEP = 1 / STRIKE_SCALE


def days_in(found: Sequence[wire.Found], conid: int, underlying: str) -> tuple[date, ...]:
    """The days on which options on a share expire, in order.

    Raises `SymbolNotFound` for a share without options, `ApiError` where the venue tells the months alone.
    """
    row = next((row for row in found if conid_of(row.conid) == conid), None)
    months = row is not None and any(one.secType == "OPT" and one.months for one in row.sections or ())
    told = [text for text in ((row and row.opt) or "").split(";") if text]
    if not told and not months:
        raise SymbolNotFound(f"IBKR_WEB lists no option on {underlying[:40]}", broker=BROKER)
    if not told:
        raise ApiError(f"the venue does not say on which days options on {underlying[:40]} expire", broker=BROKER)
    return tuple(sorted({_day(text) for text in told}))


def _day(text: str) -> date:
    try:
        if _DAY.fullmatch(text):
            return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - a day, in no zone
    except ValueError as error:
        raise ApiError("a day of expiry in the reply is not readable", broker=BROKER) from error
    raise ApiError("a day of expiry in the reply is not readable", broker=BROKER)


def pairs_in(strikes: wire.Strikes) -> frozenset[Pair]:
    """Every strike of a month that a symbol of ours can name, with its right."""
    told = ((one, right) for right, side in (("C", strikes.call), ("P", strikes.put)) for one in side or ())
    return frozenset(
        (strike, right) for one, right in told if (strike := number(one, what="a strike")) and _is_strike(strike)
    )


def _is_strike(strike: Decimal) -> bool:
    return 0 < strike <= STRIKE_MAX and is_multiple(strike, _STEP)


def contract_of(row: wire.OptionInfo, root: str) -> OptionContract | None:
    """The contract of a row: one of 100 shares in dollars whose class is its root.  None for all others: they have no symbol."""
    strike, multiplier = number(row.strike, what="a strike"), number(row.multiplier, what="a multiplier")
    if row.tradingClass != root or len(root) > OCC_ROOT:
        return None
    if row.right not in ("C", "P") or row.currency not in (None, CURRENCY):
        return None
    if strike is None or not _is_strike(strike) or multiplier not in (None, SHARES_EACH):
        return None
    return OptionContract(root=root, expiry=_day(row.maturityDate or ""), right=row.right, strike=strike)


@dataclass(slots=True)
class Month:
    """What was told of the options of one month.  Of each pair in `listed` the venue has a contract on some day of it."""

    root: str
    listed: frozenset[Pair]
    found: dict[OptionContract, set[int]] = field(default_factory=dict[OptionContract, set[int]])
    asked: set[Pair] = field(default_factory=set[Pair])  # by themselves: of these every day is known
    put_off: set[Pair] = field(default_factory=set[Pair])  # whose question failed: asked again after all others
    seen: set[Pair] = field(default_factory=set[Pair])  # in the answer of a whole month
    is_whole: bool = False  # whether that answer is believed to have left nothing out

    def hear_whole(self, rows: Iterable[wire.OptionInfo]) -> None:
        """The answer to the question for a whole month."""
        self.seen |= {pair_of(contract) for contract in self._keep(rows)}
        self.is_whole = True

    def hear(self, pair: Pair, rows: Sequence[wire.OptionInfo]) -> None:
        """The answer to the question for one pair.  Raises `ApiError` where it is about others."""
        mine = [row for row in rows if row.right == pair[1] and number(row.strike, what="a strike") == pair[0]]
        if rows and not mine:
            raise ApiError("the reply is about other contracts", broker=BROKER)
        known = set(self.found)
        kept = self._keep(mine)
        self.asked.add(pair)
        self.put_off.discard(pair)
        self.is_whole = self.is_whole and known.issuperset(kept)  # it left out this one: who knows what else

    def _keep(self, rows: Iterable[wire.OptionInfo]) -> list[OptionContract]:
        kept: list[OptionContract] = []
        for row in rows:
            contract, conid = contract_of(row, self.root), conid_of(row.conid)
            if contract is not None and conid is not None:
                self.found.setdefault(contract, set()).add(conid)
                kept.append(contract)
        return kept

    def on(self, day: date) -> list[OptionContract]:
        """The contracts that expire on a day, as far as they are known."""
        return [contract for contract in self.found if contract.expiry == day]

    def open_on(self, day: date) -> frozenset[Pair]:
        """Pairs that may have a contract on a day, and nobody told.

        An answer for a whole month that is believed leaves those that it names on no day, and those next to the ends of what it
        names on this one: an answer that was cut off ends too soon.
        """
        there = {pair_of(contract) for contract in self.on(day)}
        doubtful = self.listed - self.asked - there
        return doubtful & (self._next_to(there) | (doubtful - self.seen)) if self.is_whole else doubtful

    def _next_to(self, there: set[Pair]) -> set[Pair]:
        """The pairs one strike beyond the lowest and the highest of `there`; all of a right that has none."""
        found: set[Pair] = set()
        for right in "CP":
            held = [strike for strike, side in there if side == right]
            listed = [strike for strike, side in self.listed if side == right]
            below = [strike for strike in listed if held and strike < min(held)]
            above = [strike for strike in listed if held and strike > max(held)]
            ends = [*([max(below)] if below else []), *([min(above)] if above else [])] if held else listed
            found |= {(strike, right) for strike in ends}
        return found


def pair_of(contract: OptionContract) -> Pair:
    """The strike and the right of a contract."""
    return contract.strike, contract.right


def middle(strikes: Iterable[Decimal]) -> Decimal:
    """The strike in the middle, where no price says which are near."""
    found = sorted(strikes)
    return found[len(found) // 2] if found else Decimal(0)


def row_of(contract: OptionContract, underlying: str, fields: Fields | None, *, now: datetime) -> ListedOption:
    """A row of a chain, with its prices where they were told as real-time."""
    if fields is None:
        return ListedOption(contract=contract, underlying=underlying)
    quote = quote_from(contract.symbol, fields, now=now)
    return ListedOption(
        contract=contract,
        underlying=underlying,
        bid=quote.bid,
        ask=quote.ask,
        bid_size=quote.bid_size,
        ask_size=quote.ask_size,
        last=quote.last,
        time=quote.time,
    )


def numbers(month: Month, contracts: Iterable[OptionContract]) -> Mapping[OptionContract, int]:
    """The venue's number of each contract that has exactly one."""
    return {one: next(iter(conids)) for one in contracts if len(conids := month.found[one]) == 1}
