"""The log of an account: transactions by number.  Numbers rise by one, so a range is whole or it is not.

Document: developer.oanda.com/rest-live-v20/transaction-ep.  The list by time names pages and holds no transactions; which numbers
they have is taken from there, and asked for at our own address, never at one that a reply names.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar
from urllib.parse import parse_qs, urlsplit

from floorbroker.brokers.oanda import wire
from floorbroker.brokers.oanda.mapping.values import BROKER, lenient_moment, number_of
from floorbroker.brokers.oanda.rest.calls import PAGE_MAX, Calls
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ApiError
from floorbroker.transport.types import Lane, Request

T = TypeVar("T")
_PAGES_MAX = 1_000
_AHEAD = 50  # a batch is asked for in steps of so many
_BATCH_MAX = 20_000
_CLOCKS_APART = timedelta(seconds=60)
_LOOK_BACK = timedelta(days=1)
_FIRST_YEAR = 2000  # what is said to be before that is no time of a log


class Ask(Protocol):
    """One question of the read stack."""

    async def __call__(self, request: Request, kind: type[T], *, what: str) -> T: ...


class Log:
    """Reads of the log."""

    def __init__(self, ask: Ask, calls: Calls, *, clock: Clock) -> None:
        self._ask = ask
        self._calls = calls
        self._clock = clock

    async def entry(self, number: str, *, lane: Lane) -> wire.Transaction:
        """One transaction by its number."""
        return (await self._told(number, lane=lane)).transaction

    async def _told(self, number: str, *, lane: Lane) -> wire.TransactionReply:
        number_of(number)
        request = self._calls.transaction(number, lane=lane)
        told = await self._ask(request, wire.TransactionReply, what="the transaction")
        if told.transaction.id != number:
            raise ApiError("the log: the reply is about another transaction", broker=BROKER)
        return told

    async def since(self, since: datetime, *, lane: Lane = Lane.RECONCILE) -> list[wire.Transaction]:
        """Every transaction from a time on, in order.  Raises `ApiError` when one is missing.

        The time is one of our clock's.  Where the reply shows that this is ahead of the venue's, an earlier one is asked for:
        what lies between the two would be missing, and nobody would notice.
        """
        told = await self._pages(since, lane=lane)
        earlier = _by_their_clock(since, ours=self._clock.now(), theirs=lenient_moment(told.to))
        if earlier < since:
            told = await self._pages(earlier, lane=lane)
        if not told.pages:
            return []
        if len(told.pages) > _PAGES_MAX:
            raise ApiError("the log: more pages than anybody has", broker=BROKER)
        bounds = [_bounds(page) for page in told.pages]
        first, last = min(begin for begin, _ in bounds), max(end for _, end in bounds)
        if last - first >= _PAGES_MAX * PAGE_MAX:
            raise ApiError("the log: more transactions than can be read", broker=BROKER)
        found: list[wire.Transaction] = []
        for begin in range(first, last + 1, PAGE_MAX):
            found += await self.range(begin, min(begin + PAGE_MAX - 1, last), lane=lane)
        return found

    async def _pages(self, since: datetime, *, lane: Lane) -> wire.PagesReply:
        return await self._ask(self._calls.pages(since, lane=lane), wire.PagesReply, what="the log")

    async def range(self, first: int, last: int, *, lane: Lane = Lane.RECONCILE) -> list[wire.Transaction]:
        """Transactions by number, both ends included, every one of them."""
        request = self._calls.range(first, last, lane=lane)
        told = await self._ask(request, wire.TransactionsReply, what="the log")
        found = sorted(told.transactions, key=lambda entry: number_of(entry.id))
        if [number_of(entry.id) for entry in found] != list(range(first, last + 1)):
            raise ApiError(f"the log: the reply lacks transactions between {first} and {last}", broker=BROKER)
        return found

    async def batch(self, number: str, *, lane: Lane) -> list[wire.Transaction]:
        """A transaction and what happened together with it, before and after, in order."""
        told = await self._told(number, lane=lane)
        found = await self.until(told.transaction, lane=lane)
        last = number_of(told.last_transaction_id)  # a batch is there as a whole, or not yet
        while (begin := number_of(found[-1].id) + 1) <= last and len(found) < _BATCH_MAX:
            ahead = await self.range(begin, min(begin + _AHEAD - 1, last), lane=lane)
            more = _of_one_batch(ahead, told.transaction.batch_id)
            found += more
            if len(more) < len(ahead):
                break
        return found

    async def until(self, entry: wire.Transaction, *, lane: Lane) -> list[wire.Transaction]:
        """What happened together with a transaction before it, and itself."""
        last = number_of(entry.id)
        first = last if entry.batch_id is None else number_of(entry.batch_id)
        if first == last:
            return [entry]
        if not 0 <= last - first < _BATCH_MAX:
            raise ApiError("the log: a batch that begins after its own entry", broker=BROKER)
        found: list[wire.Transaction] = []
        for begin in range(first, last + 1, PAGE_MAX):
            found += await self.range(begin, min(begin + PAGE_MAX - 1, last), lane=lane)
        return found


def _by_their_clock(since: datetime, *, ours: datetime, theirs: datetime | None) -> datetime:
    """A time of our clock as one of the venue's, or one before it; the same where the two clocks are near each other."""
    if theirs is None or theirs.year < _FIRST_YEAR:
        return since
    ahead = ours - theirs
    start = since - ahead if ahead > _CLOCKS_APART else since
    return start if start <= theirs else min(since, theirs - _LOOK_BACK)


def _of_one_batch(entries: Sequence[wire.Transaction], batch_id: str | None) -> list[wire.Transaction]:
    found: list[wire.Transaction] = []
    for entry in entries:
        if batch_id is None or entry.batch_id != batch_id:
            break
        found.append(entry)
    return found


def _bounds(page: str) -> tuple[int, int]:
    """First and last number of a page, from the address the venue gives it."""
    try:
        query = parse_qs(urlsplit(page).query)
        first, last = number_of(query["from"][0]), number_of(query["to"][0])
    except (KeyError, IndexError, ValueError) as error:
        raise ApiError("the log: a page has no bounds", broker=BROKER) from error
    if not first <= last < first + PAGE_MAX:
        raise ApiError("the log: a page has no such bounds", broker=BROKER)
    return first, last
