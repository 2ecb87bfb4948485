"""A start brings back what the journal says, from the records that make state and from no others (I26)."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from floorbroker.app.recovery import recover
from floorbroker.domain.errors import JournalFault
from floorbroker.domain.facts import Ack, Cancelled, Source
from floorbroker.domain.ports import Entry, FactEntry, NoteEntry, Record
from floorbroker.domain.values import OrderId, ProfileName
from floorbroker.gateway.kill import GLOBAL, LATCH
from floorbroker.oms.book import ADJUSTMENT, OrderBook
from floorbroker.oms.rounds import ROUND
from tests.support.house import NOON, PROFILE, Desk, make
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
