"""Captures replayed: every line is what its kind says, every update is proven, and what is wrong is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from floorbroker.app.replaying import Player, player_of, replay
from floorbroker.domain.capability import BookProof, BookRules
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import NotSupported
from floorbroker.domain.records import BookDelta, BookLevel
from floorbroker.domain.values import Price, decimal_of
from floorbroker.tape.captures import frame_of
from floorbroker.transport.actions import Action, Emit, Reconnect, Send

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def delta(text: str, *, reset: bool) -> BookDelta:
    """`NUMBER BID ASK` as an update."""
    number, bid, ask = text.split()
    one = [(BookLevel(price=Price(decimal_of(price)), size=decimal_of("1")),) for price in (bid, ask)]
    return BookDelta(symbol="X/Y", bids=one[0], asks=one[1], time=NOW, reset=reset, sequence=int(number))


class Spoken:
    """A session of a venue that speaks plainly."""

    def on_open(self, now_s: float) -> Sequence[Action[object]]:
        raise AssertionError("a replay opens nothing")

    def on_tick(self, now_s: float) -> Sequence[Action[object]]:
        raise AssertionError("a replay waits for nothing")

    def on_frame(self, frame: bytes, at: datetime, now_s: float) -> Sequence[Action[object]]:
        text = frame.decode()
        if text.startswith("?"):
            return [Reconnect("what?")]
        return [Send("pong")] if text == "ping" else [Emit(delta(text, reset=False)), Emit("something else")]


def whole(url: str, body: bytes) -> BookDelta | None:
    return delta(body.decode(), reset=True) if url.endswith("/depth") else None


PLAYER = Player(session=Spoken(), snapshot_from=whole, rules=BookRules(proof=BookProof.STEP))
WHOLE = "https://x/depth -> 1.0: 7 10 11"


def replayed(*lines: str) -> dict[str, object]:
    return replay(PLAYER, [frame_of(line) for line in lines], clock=ManualClock(NOW)).document()


def test_replies_messages_and_marks_are_what_they_say() -> None:
    lines = [
        "wss://x/ws <-> 0.5", "wss://x/ws <- 0.6: 99 1 2", WHOLE, "https://x/time -> 1.1: {}", "2.0: ping",
        "2.1: 8 10.25 11", "9 10.5 11",
    ]  # fmt: skip
    assert replayed(*lines) == {
        "messages": 3,
        "books": 1,
        "updates": 2,
        "proofs_passed": 2,
        "proofs_failed": 0,
        "resyncs": 0,
        "refused": 0,
        "best": {"X/Y": {"bid": "10.5", "ask": "11"}},
        "seconds": 0.0,
    }


def test_a_gap_is_a_failed_proof_and_the_next_whole_book_mends_it() -> None:
    found = replayed(WHOLE, "9 10 11", "10 10 11", WHOLE, "8 10 11")
    assert [found[name] for name in ("proofs_passed", "proofs_failed", "resyncs")] == [1, 1, 1]


def test_a_frame_that_the_session_cannot_read_is_refused() -> None:
    found = replay(PLAYER, [frame_of(line) for line in (WHOLE, "?")], clock=ManualClock(NOW))
    assert (found.refused, found.is_proven, found.troubles) == (1, False, ["message 1: what?"])


def test_nothing_is_proven_of_an_empty_capture_and_nothing_failed() -> None:
    found = replay(PLAYER, [], clock=ManualClock(NOW))
    assert found.is_proven
    assert found.document()["books"] == 0


def test_a_venue_that_cannot_be_replayed_is_told_by_name() -> None:
    with pytest.raises(NotSupported, match="acme"):
        player_of("acme")
