"""The growth of a start as a table in Markdown and as a picture: SVG written by hand, both axes logarithmic."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

Cell = Any
Measured = Mapping[str, Cell]
WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 150, 28, 52
STYLE = """
svg { color-scheme: light dark; font: 13px system-ui, sans-serif; }
text { fill: light-dark(#1f2328, #e6edf3); } .quiet { fill: light-dark(#59636e, #9198a1); }
.grid { stroke: light-dark(#d1d9e0, #3d444d); stroke-width: 1; }
.ready { --c: light-dark(#0969da, #4493f8); } .bare { --c: light-dark(#bc4c00, #f0883e); }
.memory { --c: light-dark(#1a7f37, #3fb950); } .goal { --c: light-dark(#818b98, #656c76); stroke-dasharray: 4 4; }
path { fill: none; stroke: var(--c); stroke-width: 2; } circle, .name { fill: var(--c); }
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: its look, its name, and its points (closed orders, value)."""

    look: str
    name: str
    points: Sequence[tuple[float, float]]


def lines_of(rows: Sequence[Measured]) -> list[Line]:
    """What is drawn: seconds on the axis; memory is in hundreds of megabytes, to share it."""
    ready = [(row["orders"], _median(row, "ready_s")) for row in rows]
    bare = [(row["orders"], row["bare"]["ready_s"]) for row in rows]
    memory = [(row["orders"], _median(row, "worked_mb") / 100) for row in rows]
    return [
        Line("bare", "s, without seals", bare),
        Line("ready", "s to READY", ready),
        Line("memory", "100 MB at most", memory),
    ]


def picture(rows: Sequence[Measured]) -> str:
    """The plot."""
    return chart(
        lines_of(rows), title="A start beside 1,000 open orders, by closed orders in the journal", axis="closed orders"
    )


def chart(lines: Sequence[Line], *, title: str, axis: str) -> str:
    """Curves over the same points of an axis."""
    across = [at for at, _ in lines[0].points]
    most = max(value for line in lines for _, value in line.points)
    least = min(value for line in lines for _, value in line.points)
    low, high = math.floor(math.log10(least)), math.ceil(math.log10(most))
    first, last = math.log10(across[0]), math.log10(across[-1])

    def place(at: float, value: float) -> tuple[float, float]:
        along = (math.log10(at) - first) / max(last - first, 1e-9)
        up = (math.log10(value) - low) / max(high - low, 1e-9)
        return LEFT + along * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    parts = [_grid(place, across, range(low, high + 1), axis), *(_curve(place, line) for line in lines)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">\n'
        f"<style>{STYLE}</style>\n<text x='{LEFT}' y='16'>{escape(title)}</text>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def _grid(place: Any, across: Sequence[float], powers: range, axis: str) -> str:
    parts: list[str] = []
    for power in powers:
        x, y = place(across[0], 10.0**power)
        parts.append(f'<line class="grid" x1="{x:.0f}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>')
        parts.append(f'<text class="quiet" x="{x - 8:.0f}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g}</text>')
    for at in across:
        x, y = place(at, 10.0 ** powers[0])
        parts.append(f'<text class="quiet" x="{x:.0f}" y="{y + 20:.0f}" text-anchor="middle">{at:,}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text class="quiet" x="{middle:.0f}" y="{HEIGHT - 10}" text-anchor="middle">{escape(axis)}</text>')
    return "\n".join(parts)


def _curve(place: Any, line: Line) -> str:
    spots = [place(*point) for point in line.points]
    drawn = " ".join(f"{'L' if n else 'M'}{x:.1f} {y:.1f}" for n, (x, y) in enumerate(spots))
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>' for x, y in spots)
    x, y = spots[-1]
    name = f'<text class="name" x="{x + 8:.0f}" y="{y + 4:.0f}">{escape(line.name)}</text>'
    return f'<g class="{line.look}"><path d="{drawn}"/>{dots}{name}</g>'


def table(rows: Sequence[Measured]) -> str:
    """The same as Markdown."""
    head = "| Closed orders | Journal | Seals | READY after | of it imports | most memory | without seals |"
    parts = [head, "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for row in rows:
        bare = f"{row['bare']['ready_s']:.1f} s, {row['bare']['ready_mb']:.0f} MB"
        cells = [
            f"{row['orders']:,}",
            f"{row['journal_mb']:,.0f} MB",
            f"{row['seals_mb']:,.1f} MB",
            f"{_median(row, 'ready_s'):.2f} s",
            f"{_median(row, 'imported_s'):.2f} s",
            f"{_median(row, 'worked_mb'):.0f} MB",
            bare,
        ]
        parts.append(f"| {' | '.join(cells)} |")
    return "\n".join(parts) + "\n"


def _median(row: Measured, member: str) -> float:
    return statistics.median(start[member] for start in row["sealed"])
