"""Plans that once broke a promise, kept as they are whatever the generator becomes; each breaks it again with its bug planted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulation import plan_file
from tests.simulation.run import run
from tests.simulation.teeth.catalogue import BY_NAME, RARE

FOLDER = Path(__file__).with_name("kept")
BUGS = {  # file -> the bug beside it
    "answered-legs": "legs in answers taken for a stranger's",
    "change-in-place": "change in place not recognised",
    "clock-ahead": "terms by a clock that is ahead",
    "correction-chain": "names of corrections forgotten at restart",
    "crossing-fill": "crossing fill taken as counted",
    "ended-legs": "the past asked for by what was heard alone",
    "given-up": "given-up orders left out of exposure",
    "grace": "grace by the wall clock",
    "kill-rounds": "kill rounds without rest",
    "moved-clock": "horizon by the wall clock",
    "replayed-change": "refused change taken as not done",
    "sealed-legs": "what was sealed before a restart not asked for",
    "silent-log-in": "stream by the wall clock",
    "unheard-bust": "totals of nothing not heard",
    "unwritten-kill": "unwritten kill of everything opened by halves",
    "unknown-word": "unknown status explains nothing",
}


def test_every_kept_plan_has_its_bug() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(BUGS)


@pytest.mark.parametrize("name", BUGS)
def test_a_kept_plan_breaks_nothing_any_more_and_its_bug_breaks_it_again(name: str) -> None:
    plan = plan_file.read(FOLDER / f"{name}.json")
    assert run(plan).violations == []
    broken = run(plan, plant={**BY_NAME, **RARE}[BUGS[name]].plant).violations
    assert broken, f"{BUGS[name]} breaks it no more"
