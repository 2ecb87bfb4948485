"""Which orders went with the records before a restoration, by their ids alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from floorbroker.domain.ids import IdSource, made_at
from floorbroker.domain.values import IntentId
from floorbroker.oms.lost import is_lost

AT = datetime(2026, 3, 2, 15, 0, 0, 123000, tzinfo=UTC)
ID = IdSource(tag=7, random=Random(1)).intent(AT)
LATER, EARLIER = AT + timedelta(seconds=1), AT - timedelta(seconds=1)


@pytest.mark.parametrize(
    ("intent_id", "tag", "restored", "expected"),
    [
        (ID, 7, LATER, True),
        (ID, 7, EARLIER, False),  # made by this process: its own commit may be on the way
        (ID, 7, None, False),  # never restored
        (ID, 8, LATER, False),  # another installation's
        (IntentId("x"), 7, LATER, False),
    ],
)
def test_an_order_is_lost_when_its_id_is_ours_and_older_than_the_restoration(
    intent_id: IntentId, tag: int, restored: datetime | None, expected: bool
) -> None:
    assert is_lost(intent_id, tag=tag, restored=restored) is expected


def test_an_id_tells_when_it_was_made() -> None:
    assert made_at(ID) == AT
    assert made_at("0" * 32) is None
    assert made_at("no id") is None
