"""Recovery, the only start there is: every book, latch and watermark comes out of the journal (I26).

What is sealed is not read again: a book takes the sums of its seals and the facts of its orders that are not sealed, and
the journal is read from where the seals end.  Without seals that is the beginning; then orders are sealed on the way, so
that a long journal does not have to fit into memory.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, time

from floorbroker.domain.orders import Order
from floorbroker.domain.ports import Journal, NoteEntry, Record
from floorbroker.domain.values import IntentId, ProfileName
from floorbroker.gateway.arming import ARMING, Arming
from floorbroker.gateway.desk import ANY, OrderFilter, Page
from floorbroker.gateway.gateway import Gateway
from floorbroker.gateway.kill import LATCH
from floorbroker.gateway.lists import listed_fills, listed_orders
from floorbroker.gateway.session import ProfileSession
from floorbroker.oms.adjustments import ADJUSTMENT
from floorbroker.oms.book import OrderBook
from floorbroker.oms.rounds import ROUND, agreed, restored_watermark
from floorbroker.risk.changes import TOPIC as LIMIT
from floorbroker.risk.equity import TOPIC as EQUITY
from floorbroker.risk.scope import ScopeKind
from floorbroker.risk.untouched import TOPIC as STRATEGY

STATE = frozenset({"fact"})  # audit rows and keys are most of a journal, and make no state; notes have an index
PAGE = 1000
FEW = 10
CHUNK = 20_000
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def recover(gateway: Gateway) -> None:
    """Bring a wired gateway to where the journal ends.  Raises `JournalFault` when it cannot be read."""
    with _uncollected():
        _restore_desk(gateway)
        for _ in recovering(gateway, gateway.sessions):
            pass


def recovering(gateway: Gateway, sessions: Mapping[ProfileName, ProfileSession]) -> Iterator[None]:
    """Bring sessions of a desk to where the journal ends: all of them at a start, one that comes later beside the others.

    Comes back after each page of the journal, so that whoever must not hold up a desk can let it work in between.  What
    others write meanwhile is not theirs.  Raises `JournalFault` when the journal cannot be read.
    """
    _restore_notes(gateway, sessions)
    seals_end = {name: session.ctx.book.begin() for name, session in sessions.items()}
    told: dict[ProfileName, list[Record]] = {name: [] for name in sessions}
    for page in _pages(gateway.journal, after=min(seals_end.values(), default=0)):
        for record in page:
            name = record.entry.profile
            if record.seq > seals_end.get(name, record.seq):
                told[name].append(record)
                if len(told[name]) >= CHUNK:
                    _restore(sessions[name], told.pop(name), told)
        yield
    for name, records in list(told.items()):
        _restore(sessions[name], records, told)
        sessions[name].ctx.book.remember(after=_compared(gateway.journal, name))
    gateway.guard.recount(_of_today(gateway, sessions))


def _pages(journal: Journal, *, after: int) -> Iterator[list[Record]]:
    """Every fact after a record, in order, a page at a time."""
    while page := journal.read(after=after, limit=PAGE, kinds=STATE):
        yield page
        after = page[-1].seq


def _restore(session: ProfileSession, records: list[Record], told: dict[ProfileName, list[Record]]) -> None:
    told[session.ctx.profile.name] = []
    if records:
        session.ctx.book.restore(records)
        session.service.sealer.catch_up(records[-1].seq)


def _restore_desk(gateway: Gateway) -> None:
    """What a desk knows whichever profiles it has: latches, arms, limits of scopes, routes.  Each is found by its topic."""
    journal = gateway.journal
    for record in journal.notes(LATCH):
        gateway.kill_switch.restore(record)
    if gateway.arms is not None:
        restore_arms(gateway.arms, journal)
    for record in [*journal.notes(EQUITY, newest=True), *journal.notes(STRATEGY)]:
        gateway.guard.restore(record)
    for record in journal.notes(LIMIT):
        if not _limits_one_of(record, gateway.sessions):
            gateway.guard.limits.restore(record)
    _restore_routes(gateway)


def _restore_notes(gateway: Gateway, sessions: Mapping[ProfileName, ProfileSession]) -> None:
    """What belongs to profiles: limits, who is held, adjustments of positions, and when the last round was."""
    journal = gateway.journal
    for record in journal.notes(LIMIT):
        if _limits_one_of(record, sessions):
            gateway.guard.limits.restore(record)
    gateway.linking.restore(sessions)
    for record in journal.notes(ADJUSTMENT):
        if (session := sessions.get(record.entry.profile)) is not None:
            session.ctx.book.restore([record])
    for record in journal.notes(ROUND, newest=True):
        session = sessions.get(record.entry.profile)
        if session is not None and isinstance(record.entry, NoteEntry):
            session.service.reconciler.watermark = restored_watermark(record.entry.data)


def _compared(journal: Journal, name: ProfileName) -> int:
    """A record up to which everything was compared with the venue: the last round that agreed began behind the one before it."""
    has_agreed = False
    for record in _rounds(journal, name):
        if has_agreed:
            return record.seq
        has_agreed = isinstance(record.entry, NoteEntry) and agreed(record.entry.data)
    return 0


def _rounds(journal: Journal, name: ProfileName) -> Iterator[Record]:
    """The rounds of a profile, newest first."""
    before: int | None = None
    while page := journal.notes_before(ROUND, name, before=before, limit=FEW):
        yield from page
        before = page[-1].seq


def _limits_one_of(record: Record, names: Collection[ProfileName]) -> bool:
    """Whether a change of limits is of one of these profiles."""
    kind, _, name = (
        record.entry.data.get("scope", "").partition(":") if isinstance(record.entry, NoteEntry) else ("", "", "")
    )
    return kind == ScopeKind.PROFILE.value and name in names


def _of_today(gateway: Gateway, sessions: Mapping[ProfileName, ProfileSession]) -> list[Order]:
    """Every order since midnight UTC, and those of earlier days that may have filled today; sealed ones included."""
    midnight = datetime.combine(gateway.clock.now().astimezone(UTC).date(), time(), UTC)
    books = [session.ctx.book for session in sessions.values()]
    earlier = [order for book in books for order in book.in_memory() if order.created_at < midnight]
    return [*listed_orders(books, OrderFilter(since=midnight), None), *earlier, *_sealed_that_filled(books, midnight)]


def _sealed_that_filled(books: Sequence[OrderBook], midnight: datetime) -> list[Order]:
    """Orders of earlier days that have left memory, and filled since midnight: found by their fills, newest first."""
    by_profile = {book.profile: book for book in books}
    found: dict[IntentId, Order] = {}
    page = Page(limit=PAGE)
    while fills := listed_fills(books, ANY, page):
        for fill in fills:
            if fill.execution.transact_time < midnight:
                return list(found.values())
            book = by_profile.get(fill.profile)
            if book is None or fill.intent_id in found or book.holds(fill.intent_id):
                continue
            order = book.get(fill.intent_id)
            if order is not None and order.created_at < midnight:
                found[order.intent_id] = order
        last = fills[-1]
        page = Page(limit=PAGE, after=(last.execution.transact_time, f"{last.intent_id}/{last.execution.exec_id}"))
    return list(found.values())


def _restore_routes(gateway: Gateway) -> None:
    """The links of intents that moved, and who is demoted."""
    if gateway.router is not None and gateway.promotions is not None:
        gateway.router.restore()
        gateway.promotions.restore()


def restore_arms(arms: Arming, journal: Journal) -> None:
    """What was armed, and what a kill ended since, in the order of the journal."""
    known_now = max((record.at for record in journal.read(after=journal.last_seq - 1)), default=_LONG_AGO)
    for record in sorted([*journal.notes(LATCH), *journal.notes(ARMING)], key=lambda record: record.seq):
        arms.restore(record, known_now=known_now)


@contextmanager
def _uncollected() -> Generator[None]:
    """Without the garbage collector: a replay makes millions of objects and next to no garbage, and looking through all
    of them for some, again and again, would double its time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
