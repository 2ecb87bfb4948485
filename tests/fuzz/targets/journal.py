"""Records of a journal that somebody else wrote: rows to entries, entries to the book, and back to bytes.

An input is one row a line: its kind, its intent, and its body.
"""

from __future__ import annotations

from floorbroker.brokers.alpaca.mapping.identity import AlpacaIdentity
from floorbroker.domain.errors import JournalFault
from floorbroker.domain.ports import FactEntry, Record
from floorbroker.domain.values import IntentId
from floorbroker.oms.book import OrderBook
from floorbroker.store.codec import Row, decode, encode
from floorbroker.store.export import line_of
from tests.fuzz.ledger import NOW, PROFILE, check
from tests.fuzz.target import Target

DECLARED = (JournalFault,)


def one_input(data: bytes) -> object:
    """The orders in these records.  What reads must be written as it was read, and fold to the same in any order."""
    one_by_one, at_once = (
        OrderBook(profile=PROFILE, identity=AlpacaIdentity()),
        OrderBook(profile=PROFILE, identity=AlpacaIdentity()),
    )
    records: list[Record] = []
    for seq, line in enumerate(data.split(b"\n"), start=1):
        row = _row(line)
        entry = decode(row)
        again = encode(entry)
        assert decode(again) == entry, "an entry changes on its way through its bytes"
        assert again.body == encode(decode(again)).body, "an entry has two spellings"
        line_of((seq, 1, 1_772_463_850_000_000, again.kind, again.profile, again.intent_id, again.body))
        records.append(Record(seq=seq, epoch=1, at=NOW, entry=entry))
        one_by_one.apply(records[-1])
    at_once.restore(sorted(records, key=lambda record: (not isinstance(record.entry, FactEntry), -record.seq)))
    orders = {order.intent_id: order for order in at_once}
    assert orders == {order.intent_id: order for order in one_by_one}, "an order depends on how its facts arrive"
    for order in orders.values():
        check(order)
    return orders


def _row(line: bytes) -> Row:
    kind, _, rest = line.partition(b" ")
    intent, _, body = rest.partition(b" ")
    return Row(
        kind=kind.decode("latin-1"),
        profile=PROFILE,
        intent_id=None if intent == b"-" else IntentId(intent.decode("latin-1")),
        body=body,
    )


TARGET = Target(name="journal", one_input=one_input, declared=DECLARED)
