"""Which terms of one venue order are its last: changes of ours and cuts of the venue's own, in the order of their time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from floorbroker.domain.facts import ReplaceDone, Source
from floorbroker.domain.values import IntentId

CLOCKS_APART = timedelta(seconds=2)
MOST_AHEAD = timedelta(minutes=1)
_TOGETHER = timedelta(0)
_Place = tuple[datetime, str, datetime, str]


def in_order(terms: Iterable[ReplaceDone], asked: Mapping[IntentId, datetime]) -> list[ReplaceDone]:
    """Terms by the venue's time, as our clock would tell it, else by ours; `asked` is when each change of ours was asked for.

    Changes of ours follow each other as they were decided: one begins when the one before is answered.
    """
    given = list(terms)
    if len(given) < 2:
        return given
    ahead = _ahead(given)
    moments = {done: _moment(done, asked, ahead) for done in given}
    places: dict[ReplaceDone, _Place] = {}
    last: datetime | None = None
    for done in sorted(given, key=lambda done: (done.replace_id or "", moments[done], repr(done))):
        moment = moments[done]
        if done.replace_id is not None:
            last = moment = moment if last is None else max(last, moment)
        places[done] = (moment, done.replace_id or "", done.at, repr(done))
    return sorted(given, key=places.__getitem__)


def is_repeated(done: ReplaceDone, terms: Iterable[ReplaceDone], asked: Mapping[IntentId, datetime]) -> bool:
    """Whether it says no more than one that is held: the same, with nothing else between the two."""
    held = set(terms)
    if done in held or not _tells(done):
        return any(_said(one) == _said(done) for one in held)
    ordered = [one for one in in_order([*held, done], asked) if _tells(one)]
    place = ordered.index(done)
    return any(_said(one) == _said(done) for one in ordered[max(place - 1, 0) : place + 2] if one is not done)


def _ahead(terms: Iterable[ReplaceDone]) -> timedelta:
    """How far the venue's clock is ahead of ours at least: its stream tells of nothing before it was.  A time of more than a
    minute ahead is no clock's.
    """
    told = [done.venue_time - done.at for done in terms if done.source is Source.STREAM and done.venue_time is not None]
    return max((ahead for ahead in told if _TOGETHER < ahead <= MOST_AHEAD), default=_TOGETHER)


def _moment(done: ReplaceDone, asked: Mapping[IntentId, datetime], ahead: timedelta) -> datetime:
    """When the terms began.  A change of ours cannot have been before it was asked for: a time from well before that is one
    of another event, and an answer that tells no time may come later than what the venue did after it.
    """
    began = asked.get(done.replace_id) if done.replace_id is not None else None
    told = done.venue_time - ahead if done.venue_time is not None else None
    if began is None:
        return told or done.at
    if told is None or began - told > CLOCKS_APART:
        return began
    return told


def _tells(done: ReplaceDone) -> bool:
    return any(term is not None for term in (done.replace_id, done.order_qty, done.price, done.stop_px))


def _said(done: ReplaceDone) -> tuple[object, ...]:
    return (done.orig_order_id, done.replace_id, done.order_qty, done.price, done.stop_px)
