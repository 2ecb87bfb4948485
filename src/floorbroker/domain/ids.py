"""UUIDv7 with our instance tag: ids sort by time and tell whose they are (RELIABILITY 2.2)."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from random import Random

from floorbroker.domain.values import ClOrdId, Environment, IntentId, OrderId

TAG_BITS = 12
_SPELLED_MAX = 64  # no way of writing a UUID is longer
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLACE = {Environment.SIM: 1, Environment.PAPER: 2, Environment.LIVE: 3}  # the two low bits of a tag; never renumbered


def instance_tag(environment: Environment, random: Random) -> int:
    """A tag for a new journal: ten random bits, then two that say the environment.

    So no id of one environment ever looks like ours in another (RELIABILITY 9, I17).
    """
    return random.getrandbits(TAG_BITS - 2) << 2 | _PLACE[environment]


def uuid7(*, at: datetime, tag: int, random: Random) -> uuid.UUID:
    """A version-7 UUID for `at` whose `rand_a` field (12 bits) is the instance `tag`, the rest from `random`.

    Layout: RFC 9562 section 5.7.
    """
    if not 0 <= tag < 1 << TAG_BITS:
        raise ValueError("an instance tag has 12 bits")
    milliseconds = int(at.timestamp() * 1000)
    value = (milliseconds & ((1 << 48) - 1)) << 80
    value |= 0x7 << 76
    value |= tag << 64
    value |= 0b10 << 62
    value |= random.getrandbits(62)
    return uuid.UUID(int=value)


def tag_of(text: str) -> int | None:
    """The instance tag inside one of our ids; None when `text` is not a UUIDv7."""
    value = _read(text)
    return None if value is None else (value.int >> 64) & ((1 << TAG_BITS) - 1)


def made_at(text: str) -> datetime | None:
    """When one of our ids was made, to the millisecond (UTC); None when `text` is not a UUIDv7."""
    value = _read(text)
    return None if value is None else _EPOCH + timedelta(milliseconds=value.int >> 80)


def _read(text: str) -> uuid.UUID | None:
    return _remembered(text) if len(text) <= _SPELLED_MAX else None


@lru_cache(maxsize=4096)
def _remembered(text: str) -> uuid.UUID | None:
    """Every word of a venue about an order is asked whose it is, and there are many about each."""
    try:
        value = uuid.UUID(text)
    except ValueError:
        return None
    return value if value.version == 7 and value.variant == uuid.RFC_4122 else None


def by_name(cl_ord_id: ClOrdId) -> OrderId:
    """Stands for a venue's id where an execution names its order by our id alone; it gives way to the real one (`standing`)."""
    return OrderId(f"of:{cl_ord_id}")


class IdSource:
    """Makes ids; the random source is handed in, so that a simulation repeats."""

    def __init__(self, *, tag: int, random: Random) -> None:
        self.tag = tag
        self._random = random
        self._last = 0

    def intent(self, at: datetime) -> IntentId:
        """A fresh id that sorts after every id this source made before."""
        value = uuid7(at=at, tag=self.tag, random=self._random)
        while value.int <= self._last:
            # Same millisecond (or a clock that stepped back): keep the order by counting on in the random part.
            value = _after(self._last)
        self._last = value.int
        return IntentId(str(value))


def _after(last: int) -> uuid.UUID:
    low = last & ((1 << 62) - 1)
    if low + 1 < 1 << 62:
        return uuid.UUID(int=last + 1)
    bumped = (((last >> 80) + 1) << 80) | (last & (((1 << 16) - 1) << 64)) | (0b10 << 62)
    return uuid.UUID(int=bumped)
