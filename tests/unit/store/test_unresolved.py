"""The list of orders that people must look at."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from floorbroker.domain.errors import JournalFault
from floorbroker.domain.facts import Fact, HorizonPassed, InDoubt, Reject, Source, Unrecognised, Working
from floorbroker.domain.ports import FactEntry, Record
from floorbroker.domain.values import Environment, OrderId
from floorbroker.store import UnresolvedLog
from tests.unit.store.making import PROFILE, START, audited, execution, intent, prepared


def recorded(*facts: Fact, start: int = 1) -> list[Record]:
    return [
        Record(seq=seq, epoch=1, at=START, entry=FactEntry(profile=PROFILE, intent_id=intent(seq), fact=fact))
        for seq, fact in enumerate(facts, start)
    ]


REJECT = Reject(
    source=Source.REPLY, at=START, reason="insufficient_funds", venue_text="no\nmoney", order_id=OrderId("v-1")
)
IN_DOUBT = InDoubt(source=Source.OWN, at=START, reason="time-out")
PRESUMED = HorizonPassed(source=Source.OWN, at=START, presumed=True, negatives=3)
PROVEN = HorizonPassed(source=Source.OWN, at=START, presumed=False, negatives=4)
ODD = Unrecognised(source=Source.STREAM, at=START, text='{"event":"teleported"}')


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_fate_has_its_line(tmp_path: Path) -> None:
    path = tmp_path / "unresolved_orders.log"
    assert (
        UnresolvedLog(path, environment=Environment.PAPER).take(recorded(REJECT, IN_DOUBT, PRESUMED, PROVEN, ODD)) == 5
    )
    assert [(line["what"], line["reason"], line["order_id"], line["venue_text"]) for line in lines(path)] == [
        ("rejected", "insufficient_funds", "v-1", "no\nmoney"),
        ("unknown", "time-out", None, None),
        ("presumed_not_placed", "3 complete negatives after the horizon", None, None),
        ("not_placed", "4 complete negatives after the horizon", None, None),
        ("unrecognised", "a word we do not know", None, '{"event":"teleported"}'),
    ]
    assert lines(path)[0] | {"seq": 1, "intent_id": intent(1), "at": "2026-03-02T14:30:00.000000Z"} == lines(path)[0]


def test_orders_that_went_well_are_not_listed(tmp_path: Path) -> None:
    path = tmp_path / "unresolved_orders.log"
    good = [
        Record(seq=seq, epoch=1, at=START, entry=entry)
        for seq, entry in enumerate([prepared(1), execution(1, "e"), audited(1)], 1)
    ]
    assert UnresolvedLog(path, environment=Environment.PAPER).take(good) == 0
    assert not path.exists()


def test_a_record_offered_again_after_a_restart_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / "unresolved_orders.log"
    UnresolvedLog(path, environment=Environment.PAPER).take(recorded(REJECT, IN_DOUBT))
    with path.open("ab") as file:
        file.write(b'{"seq":3,"at":"2026')  # the crash
    log = UnresolvedLog(path, environment=Environment.PAPER)
    assert log.last_seq == 2
    assert log.take(recorded(REJECT, IN_DOUBT, ODD)) == 1
    assert [line["seq"] for line in lines(path)] == [1, 2, 3]


def test_texts_of_venues_go_through_the_redactor(tmp_path: Path) -> None:
    class Hush:
        def learn(self, secret: str) -> None:
            raise AssertionError(secret)

        def learn_token(self, token: str) -> None:
            raise AssertionError(token)

        def clean(self, text: str) -> str:
            return text.replace("money", "***")

    path = tmp_path / "unresolved_orders.log"
    UnresolvedLog(path, environment=Environment.PAPER, redactor=Hush()).take(recorded(REJECT))
    assert lines(path)[0]["venue_text"] == "no\n***"


def test_a_write_that_failed_is_made_good_by_offering_the_records_again(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "unresolved_orders.log"
    log = UnresolvedLog(path, environment=Environment.PAPER)
    path.parent.write_text("a file stands in the way")
    with pytest.raises(JournalFault, match="cannot be written"):
        log.take(recorded(REJECT, ODD))
    path.parent.unlink()
    path.parent.mkdir()
    UnresolvedLog(path, environment=Environment.PAPER).take(recorded(REJECT))  # what a partial write would have left
    assert log.take(recorded(REJECT, ODD)) == 1
    assert [line["seq"] for line in lines(path)] == [1, 2]


def test_a_file_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "unresolved_orders.log"
    path.write_text("dear diary\n")
    with pytest.raises(JournalFault, match="not ours"):
        UnresolvedLog(path, environment=Environment.PAPER)
    assert path.read_text() == "dear diary\n"


def test_two_environments_share_the_list_and_count_for_themselves(tmp_path: Path) -> None:
    path = tmp_path / "unresolved_orders.log"
    UnresolvedLog(path, environment=Environment.PAPER).take(recorded(REJECT, IN_DOUBT, ODD))
    assert UnresolvedLog(path, environment=Environment.SIM).take(recorded(REJECT)) == 1
    assert [line["environment"] for line in lines(path)] == ["paper", "paper", "paper", "sim"]
    assert UnresolvedLog(path, environment=Environment.PAPER).last_seq == 3


def of(number: int, *facts: Fact, start: int) -> list[Record]:
    """Facts of one order, from a record on."""
    entries = [FactEntry(profile=PROFILE, intent_id=intent(number), fact=fact) for fact in facts]
    return [Record(seq=seq, epoch=1, at=START, entry=entry) for seq, entry in enumerate(entries, start)]


FOUND = Working(source=Source.QUERY, at=START, order_id=OrderId("v-7"))


def test_a_doubt_that_ends_has_a_line_for_its_end_once(tmp_path: Path) -> None:
    path = tmp_path / "unresolved_orders.log"
    log = UnresolvedLog(path, environment=Environment.PAPER)
    assert log.take(of(1, IN_DOUBT, PRESUMED, FOUND, FOUND, start=1)) == 3
    told = [(line["what"], line["reason"], line["order_id"]) for line in lines(path)]
    assert told[-1] == ("resolved", "working", "v-7")
    assert [what for what, _, _ in told] == ["unknown", "presumed_not_placed", "resolved"]


@pytest.mark.parametrize(("end", "what"), [(REJECT, "rejected"), (PROVEN, "not_placed")])
def test_an_end_that_is_listed_anyway_is_the_resolution(tmp_path: Path, end: Fact, what: str) -> None:
    path = tmp_path / "unresolved_orders.log"
    log = UnresolvedLog(path, environment=Environment.PAPER)
    assert log.take(of(1, IN_DOUBT, end, FOUND, start=1)) == 2
    assert lines(path)[-1]["what"] == what


def test_a_doubt_from_before_a_restart_ends_after_it(tmp_path: Path) -> None:
    path = tmp_path / "unresolved_orders.log"
    UnresolvedLog(path, environment=Environment.PAPER).take(of(1, IN_DOUBT, start=1))
    assert UnresolvedLog(path, environment=Environment.SIM).take(of(1, FOUND, start=1)) == 0
    assert UnresolvedLog(path, environment=Environment.PAPER).take(of(1, FOUND, start=2)) == 1
    assert lines(path)[-1]["what"] == "resolved"


def test_a_long_list_is_set_aside_and_begun_anew_with_what_is_unresolved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "unresolved_orders.log"
    UnresolvedLog(path, environment=Environment.SIM).take(of(50, REJECT, start=9))
    log = UnresolvedLog(path, environment=Environment.PAPER)
    log.take(of(1, IN_DOUBT, start=1))
    log.take(of(2, IN_DOUBT, FOUND, start=2))
    monkeypatch.setattr("floorbroker.store.unresolved.MAX_BYTES", 100)
    log.take(of(3, REJECT, start=4))
    kept = [(line["environment"], line["seq"], line["what"]) for line in lines(path)]
    assert kept == [("sim", 9, "rejected"), ("paper", 1, "unknown"), ("paper", 4, "rejected")]
    assert len(lines(path.with_name("unresolved_orders.log.1"))) == 5
    again = UnresolvedLog(path, environment=Environment.PAPER)
    assert (again.last_seq, again.take(of(1, FOUND, start=5))) == (4, 1)
    assert sorted(found.name for found in tmp_path.iterdir()) == ["unresolved_orders.log", "unresolved_orders.log.1"]
