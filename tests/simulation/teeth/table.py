"""What is kept of the catches: as data, from which tests begin, and as the page of the docs made of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from tests.simulation.claims import Violation
from tests.simulation.teeth.bug import BOUND
from tests.simulation.teeth.catalogue import CATALOGUE
from tests.simulation.teeth.hunt import Catch
from tests.simulation.worlds import ALPACA

CAUGHT = Path(__file__).with_name("caught.json")
PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "planted-bugs.md"
BANNER = "<!-- Written from the last hunt. Write it anew: make teeth TABLE=docs/reference/planted-bugs.md -->"
INTRODUCTION = (
    f"Each of these {len(CATALOGUE)} bugs is one that somebody would write. `make teeth` plants one after the other, in",
    "memory, and plays the [seeded schedules](../contribute/simulation.md) from seed 1 on, of those the ones whose plan",
    "has what the bug needs. A seed catches a bug when it shows a violation with the bug and none without it.",
    f"The bound is {BOUND:,} seeds for each. The rules are the [reliability rules](../concepts/reliability.md); `lost`,",
    "`duplicate`, `wrong` and `stuck` are the [four counts](../contribute/simulation.md#run) of `make sim`.",
)


def keep(caught: Mapping[str, Catch]) -> dict[str, Catch]:
    """Put new catches in place of old ones, on disk as well; all that are known, in the order of the catalogue."""
    known = {**recorded(), **caught}
    kept = {bug.name: known[bug.name] for bug in CATALOGUE if bug.name in known}
    text = json.dumps({name: asdict(catch) for name, catch in kept.items()}, indent=2)
    CAUGHT.write_text(f"{text}\n", encoding="utf-8")
    return kept


def recorded() -> dict[str, Catch]:
    """The newest catch of each bug."""
    found = json.loads(CAUGHT.read_text(encoding="utf-8"))
    return {
        name: Catch(seed=one["seed"], played=one["played"], violation=Violation(**one["violation"]))
        for name, one in found.items()
    }


def page(caught: Mapping[str, Catch]) -> str:
    """The page of the docs: every bug, the promise it breaks, and the first seed that shows it."""
    lines = [BANNER, "", "# Planted bugs", "", *INTRODUCTION, ""]
    lines += [
        "| Bug | What it does | Breaks | Caught at seed | Played | As |",
        "| --- | --- | --- | ---: | ---: | --- |",
    ]
    for bug in CATALOGUE:
        catch = caught.get(bug.name)
        found = (
            f"{catch.seed}{'' if bug.venue == ALPACA.name else f' at {bug.venue}'} | {catch.played} | {catch.violation.kind}"
            if catch
            else "not yet | | "
        )
        lines.append(f"| {bug.name} | {bug.what} | {bug.breaks} | {found} |")
    return "\n".join([*lines, ""])
