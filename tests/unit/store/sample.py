"""Writes the sample of the current schema, once per release: `python -m tests.unit.store.sample`.

A sample is a journal as that build made it (`journal.sql`), the export of what it holds (`export.jsonl`) and the orders
it shows (`orders.txt`).  A sample is never written anew: it is what people have on their disks.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from floorbroker.domain.facts import SCHEMA, Prepared
from floorbroker.domain.ports import Entry, FactEntry
from floorbroker.domain.values import ClOrdId, IntentId
from floorbroker.oms.adjustments import ADJUSTMENT
from floorbroker.oms.book import OrderBook
from floorbroker.store.codec import decode_fact
from floorbroker.store.ddl import HEAD
from floorbroker.store.export import journal_lines
from floorbroker.store.reader import JournalReader
from tests.unit.store.making import PROFILE, execution, note, opened, submit

SAMPLES = Path(__file__).parent / "samples"
CURRENT = f"{HEAD}-facts-{SCHEMA}"
RECORDED = Path(__file__).with_name(f"schema_{SCHEMA}.jsonl")


class Bare:
    """Client ids that nobody decodes: a sample is read without a venue."""

    def encode(self, intent_id: IntentId) -> ClOrdId:
        return ClOrdId(intent_id)

    def decode(self, cl_ord_id: str) -> IntentId | None:
        return None


def orders_of(reader: JournalReader) -> list[str]:
    """One line an order: where it stands, what it holds."""
    book = OrderBook(profile=PROFILE, identity=Bare())
    book.restore(reader.replay())
    orders = [f"{o.intent_id} {o.state.value} {o.order_qty} {o.cum_qty} {o.avg_px} {len(o.alerts)}" for o in book]
    return [*orders, *(f"holds {symbol} {qty}" for symbol, qty in book.holdings.all().items())]


def entries() -> Iterable[list[Entry]]:
    """A working order, one filled, one of every kind of fact there is, and an adjustment."""
    yield submit(1)
    yield [*submit(2), execution(2, "e-1"), execution(2, "e-2", later_s=2)]
    facts = [decode_fact(line) for line in RECORDED.read_bytes().splitlines()]
    founded: set[str] = set()
    mine: list[Entry] = []
    for fact in facts:
        name = f"every-{fact.kind == 'adopted'}"
        if isinstance(fact, Prepared) and name in founded:
            name = fact.cl_ord_id  # an intent is prepared once
        founded.add(name)
        mine.append(FactEntry(profile=PROFILE, intent_id=IntentId(name), fact=fact))
    yield mine
    yield [note(ADJUSTMENT, symbol="AAPL", qty="-1.5", cause="sample"), note("latch", level="0")]


def write(folder: Path) -> None:
    """Write the sample of this build.  An existing one stays as it is."""
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "journal-paper.db")
        asyncio.run(_fill(path))
        raw = sqlite3.connect(path)
        application_id = raw.execute("PRAGMA application_id").fetchone()[0]
        dump = [f"PRAGMA application_id = {application_id};", *raw.iterdump()]
        raw.close()
        reader = JournalReader(path)
        (folder / "export.jsonl").write_bytes(b"".join(line + b"\n" for line in journal_lines(reader)))
        (folder / "orders.txt").write_text("".join(f"{line}\n" for line in orders_of(reader)), "utf-8")
        reader.close()
    (folder / "journal.sql").write_text("\n".join(dump) + "\n", "utf-8")


async def _fill(path: Path) -> None:
    journal = opened(path)
    for batch in entries():
        await journal.commit(batch)
    await journal.close()


if __name__ == "__main__":
    write(SAMPLES / CURRENT)
    sys.stdout.write(f"written: {SAMPLES / CURRENT}\n")
