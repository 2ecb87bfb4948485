"""A start brings back what the journal says, from the records that make state and from no others (I26)."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.app.recovery import recover
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import JournalFault
from floorbroker.domain.facts import Ack, Cancelled, Source
from floorbroker.domain.ports import Entry, FactEntry, NoteEntry, Record
from floorbroker.domain.values import OrderId, OrdStatus, Price, ProfileName
from floorbroker.gateway.kill import GLOBAL, LATCH
from floorbroker.oms.adjustments import ADJUSTMENT
from floorbroker.oms.book import OrderBook
from floorbroker.oms.rounds import ROUND
from tests.support.house import CALLER, NOON, PROFILE, Desk, make, opened
from tests.unit.store import making

OTHER = ProfileName("of-another-desk")


def _note(topic: str, profile: ProfileName = PROFILE, **data: str) -> NoteEntry:
    return NoteEntry(profile=profile, topic=topic, data=data)


def _history(number: int) -> list[Entry]:
    """An order that is sent, filled twice, and cancelled; every third one is another desk's."""
    profile = OTHER if number % 3 == 0 else PROFILE
    told = {"source": Source.STREAM, "at": NOON, "order_id": OrderId(f"venue-{number}")}
    mine = [
        *making.submit(number),
        FactEntry(profile=profile, intent_id=making.intent(number), fact=Ack(**told)),
        making.execution(number, f"{number}-1"),
        making.execution(number, f"{number}-2", later_s=2),
        FactEntry(profile=profile, intent_id=making.intent(number), fact=Cancelled(**told)),
    ]
    return [replace(entry, profile=profile) for entry in mine]


async def _lived(desk: Desk) -> None:
    for number in range(400):
        await desk.journal.commit(_history(number))
    await desk.journal.commit([_note(ADJUSTMENT, symbol="SPY", qty="-2.5", venue="0", cause="test")])
    await desk.journal.commit([_note(ROUND, started=NOON.isoformat()), _note(LATCH, level="2", reason="r", by="me")])
    await desk.journal.commit([_note(LATCH, GLOBAL, level="1", reason="all", by="me")])
    await desk.journal.commit([_note(ROUND, started=NOON.replace(hour=13).isoformat())])


def _one_by_one(desk: Desk) -> OrderBook:
    book = OrderBook(profile=PROFILE, identity=desk.broker.identity)
    for record in desk.journal.replay():
        book.apply(record)
    return book


@pytest.mark.asyncio
async def test_a_start_brings_back_orders_holdings_latches_and_the_watermark_i26(tmp_path: Path) -> None:
    desk = make(tmp_path)
    await _lived(desk)
    recover(desk.gateway)
    book, lived = desk.ctx.book, _one_by_one(desk)
    assert (len(list(book)), repr(list(book))) == (266, repr(list(lived)))
    assert [book.records(o.intent_id) for o in lived] == [lived.records(o.intent_id) for o in lived]
    assert repr(book.holdings.all()) == repr(lived.holdings.all()) != "{}"
    assert desk.gateway.kill_switch.level(PROFILE) == 2
    assert desk.gateway.kill_switch.level(OTHER) == 1
    assert desk.session.service.reconciler.watermark == NOON.replace(hour=13)
    await desk.journal.close()


class _Torn:
    """A journal whose second page cannot be read."""

    def __init__(self, desk: Desk) -> None:
        self._honest = desk.journal

    def __getattr__(self, name: str) -> object:
        return getattr(self._honest, name)

    def read(self, *, after: int = 0, limit: int = 1000, kinds: frozenset[str] | None = None) -> list[Record]:
        if after:
            raise JournalFault("the journal's disk failed", fatal=True)
        return self._honest.read(after=after, limit=limit, kinds=kinds)


@pytest.fixture
def collector() -> Iterator[None]:
    yield
    gc.enable()


@pytest.mark.asyncio
@pytest.mark.usefixtures("collector")
async def test_a_journal_that_cannot_be_read_stops_the_start_and_leaves_the_collector_as_it_was(tmp_path: Path) -> None:
    desk = make(tmp_path)
    await _lived(desk)
    desk.gateway.journal = _Torn(desk)  # type: ignore[assignment]
    for set_to in (gc.enable, gc.disable):
        set_to()
        was_on = gc.isenabled()
        with pytest.raises(JournalFault, match="disk failed"):
            recover(desk.gateway)
        assert gc.isenabled() is was_on
    assert not list(desk.ctx.book)
    await desk.journal.close()


# -- with seals -------------------------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_start_without_seals_seals_on_its_way_and_the_next_one_reads_next_to_nothing(tmp_path: Path) -> None:
    desk = make(tmp_path)
    await _lived(desk)
    await desk.journal.close()
    first = make(tmp_path, clock=ManualClock(NOON + timedelta(days=1)), seals=True)
    lived = _one_by_one(first)
    assert (len(first.ctx.book), len(first.ctx.book.in_memory())) == (266, 0)
    assert repr(list(first.ctx.book)) == repr(list(lived))
    await first.crash()
    second = make(tmp_path, clock=ManualClock(NOON + timedelta(days=1)), seals=True)
    assert _facts_behind_the_seals(second) == []
    assert repr(list(second.ctx.book)) == repr(list(lived))
    assert [second.ctx.book.records(o.intent_id) for o in lived] == [lived.records(o.intent_id) for o in lived]
    assert repr(second.ctx.book.holdings.all()) == repr(lived.holdings.all()) != "{}"
    assert second.gateway.kill_switch.level(PROFILE) == 2
    assert second.session.service.reconciler.watermark == NOON.replace(hour=13)
    await second.crash()


def _facts_behind_the_seals(desk: Desk) -> list[Record]:
    """What a start has to read."""
    archive = desk.ctx.book.archive
    assert archive is not None
    read = desk.journal.read(after=archive.through, kinds=frozenset({"fact"}))
    return [record for record in read if record.entry.profile == PROFILE]


@pytest.mark.asyncio
async def test_a_desk_that_seals_goes_on_where_it_stopped_and_where_it_crashed_i26(tmp_path: Path) -> None:
    async with opened(tmp_path, seals=True) as desk:
        order = await desk.place(replace(making.ORDER, price=Price(Decimal(100))))
        desk.broker.fill(desk.broker.of(order.cl_ord_id), "10", "187.50")
        await desk.until(lambda: desk.now(order).ord_status is OrdStatus.FILLED)
        await desk.wait(120)
        assert desk.ctx.book.in_memory() == []
        held = repr((desk.gateway.orders(), desk.gateway.fills(), desk.ctx.book.holdings.all()))
        assert desk.now(order).ord_status is OrdStatus.FILLED
        assert [event.order for event in desk.gateway.past(0)][-1] == desk.now(order)
    again = make(tmp_path, seals=True)
    assert again.ctx.book.in_memory() == []
    assert repr((again.gateway.orders(), again.gateway.fills(), again.ctx.book.holdings.all())) == held
    await again.crash()
    third = make(tmp_path, seals=True)
    assert repr((third.gateway.orders(), third.gateway.fills(), third.ctx.book.holdings.all())) == held
    await third.crash()


@pytest.mark.asyncio
async def test_what_sealed_orders_were_about_is_asked_for_again_after_a_start_until_rounds_have_agreed(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, seals=True) as desk:
        order = await desk.place(replace(making.ORDER, price=Price(Decimal(100))))
        await desk.gateway.cancel(order.intent_id, caller=CALLER)
        await desk.until(lambda: desk.now(order).ord_status is OrdStatus.CANCELED)
    again = make(tmp_path, seals=True)
    assert (again.ctx.book.in_memory(), again.ctx.book.symbols()) == ([], {order.terms.symbol})
    await again.crash()
    for _ in range(2):
        async with opened(tmp_path, seals=True):
            pass  # READY by a round
    assert make(tmp_path, seals=True).ctx.book.symbols() == set()
