"""Pictures of a sector report, as one HTML page that needs nothing from outside (extra `research`)."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from floorbroker.domain.errors import ConfigInvalid, without_extra
from floorbroker.research.sectors import SectorReport
from floorbroker.research.shelf import write

EXTRA = "research"
_COLOURS = {"leading": "#1a7f37", "weakening": "#9a6700", "lagging": "#b42318", "improving": "#0b5cad"}


def plotly() -> Any:
    """The library's figures.  Raises `ConfigInvalid` when the extra is missing."""
    try:
        return import_module("plotly.graph_objects"), import_module("plotly.subplots")
    except ImportError as error:
        raise ConfigInvalid(without_extra("plots need", EXTRA)) from error


def sector_page(report: SectorReport, path: Path) -> None:
    """Scores, rotation and correlation; unknown figures are left out and named in the title."""
    go, subplots = plotly()
    figure = subplots.make_subplots(
        rows=1, cols=3, subplot_titles=("Strength (deviations)", "Rotation", "Correlation, 63 days"),
        horizontal_spacing=0.12,
    )  # fmt: skip
    known = [one for one in report.sectors if one.score is not None][::-1]
    figure.add_trace(
        go.Bar(x=[float(one.score or 0) for one in known], y=[one.name for one in known], orientation="h"), row=1, col=1
    )  # fmt: skip
    turning = [one for one in report.sectors if one.rotation.ratio is not None and one.rotation.momentum is not None]
    figure.add_trace(
        go.Scatter(
            x=[float(one.rotation.ratio or 0) for one in turning],
            y=[float(one.rotation.momentum or 0) for one in turning], mode="markers+text", textposition="top center",
            text=[f"{one.name}: {one.rotation.quadrant}" for one in turning],
            marker={"color": [_COLOURS.get(one.rotation.quadrant, "#57606a") for one in turning], "size": 10},
        ),
        row=1, col=2,
    )  # fmt: skip
    names = list(report.correlation)
    values = [[_number(report.correlation[a][b]) for b in names] for a in names]
    figure.add_trace(go.Heatmap(z=values, x=names, y=names, zmin=-1, zmax=1, colorscale="RdBu"), row=1, col=3)
    figure.update_layout(title=_title(report), showlegend=False, width=1500, height=560)
    page = figure.to_html(include_plotlyjs=True, full_html=True, div_id="sectors")
    write(path, page.encode())


def _title(report: SectorReport) -> str:
    unknown = [one.name for one in report.sectors if one.score is None]
    missing = f"; unknown: {', '.join(unknown)}" if unknown else ""
    return f"Sectors of {report.universe} on {report.as_of} against {report.benchmark}{missing}"


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)
