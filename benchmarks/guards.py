"""What protection costs: limiter, breaker and retry around one awaited call, beside one bare acquire of aiolimiter."""

from __future__ import annotations

from benchmarks.children import ours, peer
from benchmarks.rounds import Figure, Goal

ROUNDS, CALLS = 15, 20_000


def measure() -> list[Figure]:
    """`guards`, and what its parts cost alone."""
    parts = ("guards_by_endpoint", "limiter_alone", "breaker_alone", "retry_alone")
    with ours("benchmarks.probe") as mine, peer("aiolimiter_bare", "aiolimiter") as theirs:
        for child, what in ((mine, "guards"), (theirs, "acquire")):
            child.ask(what, CALLS)
        found = [(mine.ask("guards", CALLS)["ns"], theirs.ask("acquire", CALLS)["ns"]) for _ in range(ROUNDS)]
        alone = {part: round(mine.ask(part, CALLS)["ns"]) for part in parts}
        versions = {**mine.greeting["versions"], **theirs.greeting["versions"]}
    return [
        Figure(
            bench="guards",
            ours=[ns for ns, _ in found],
            peer=[ns for _, ns in found],
            peer_name="aiolimiter, one `async with` around a call",
            unit="ns a call",
            goal=Goal(1.0),
            extra={"parts_ns": alone, "versions": versions},
        )
    ]
