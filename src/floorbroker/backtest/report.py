"""A result as one HTML file that needs nothing else: equity, drawdown, trades on candles, months, statistics.

The plots are plotly's, whose script is put into the file: it opens without a network.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from html import escape
from typing import Any

from floorbroker.backtest.result import Result
from floorbroker.backtest.statistics import by_day, by_month
from floorbroker.domain.errors import ConfigInvalid, without_extra
from floorbroker.domain.values import Side, text_of
from floorbroker.strategy.bars import Columns, moment_of
from floorbroker.strategy.wishes import Filled

CANDLES_MAX = 2_000  # more are drawn as longer ones
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .15rem .75rem; text-align: right; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
th:first-child, td:first-child { text-align: left; }
figure { margin: 1.5rem 0; background: #fff; }
"""


def html_of(result: Result) -> str:
    """The whole page.  Raises `ConfigInvalid` where plotly, of the research extra, is not installed."""
    graphs, offline = _plotly()
    figures = [_equity(graphs, result), _drawdown(graphs, result)]
    figures += [_candles(graphs, result, symbol, columns) for symbol, columns in result.bars.items()]
    plots = "\n".join(
        f"<figure>{figure.to_html(full_html=False, include_plotlyjs=False)}</figure>" for figure in figures
    )
    title = f"{escape(result.strategy)}, {result.start:%Y-%m-%d} to {result.end:%Y-%m-%d}"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n<style>{STYLE}</style>\n'
        f"<script>{offline.get_plotlyjs()}</script></head>\n<body><h1>{title}</h1>\n"
        f"<h2>Parameters</h2>\n{_pairs(result.parameters)}\n<h2>Statistics</h2>\n{_pairs(_statistics(result))}\n"
        f"{plots}\n<h2>Months, percent</h2>\n{_months(result)}\n</body></html>\n"
    )


def _plotly() -> tuple[Any, Any]:
    try:
        return importlib.import_module("plotly.graph_objects"), importlib.import_module("plotly.offline")
    except ImportError as error:
        raise ConfigInvalid(without_extra("the report needs", "research")) from error


def _statistics(result: Result) -> dict[str, object]:
    return {
        "currency": result.currency,
        "end equity": result.end_equity,
        "fees": result.fees,
        "income": result.income,
        **result.statistics,
    }


def _pairs(members: Mapping[str, object]) -> str:
    rows = (
        f"<tr><th scope='row'>{escape(n.replace('_', ' '))}</th><td>{_cell(v)}</td></tr>" for n, v in members.items()
    )
    return f"<table>{''.join(rows)}</table>"


def _cell(value: object) -> str:
    if value is None:
        return "unknown"
    return escape(text_of(value) if isinstance(value, Decimal) else str(value))


def _equity(graphs: Any, result: Result) -> Any:
    points = _thinned(result.equity)
    figure = graphs.Figure(graphs.Scatter(x=[p.at for p in points], y=[p.equity for p in points], name="equity"))
    return figure.update_layout(title="Equity", template="plotly_white", height=360)


def _drawdown(graphs: Any, result: Result) -> Any:
    points, high, falls = _thinned(result.equity), result.cash, list[Decimal]()
    for point in points:
        high = max(high, point.equity)
        falls.append((point.equity / high - 1) * 100 if high else Decimal(0))
    line = graphs.Scatter(x=[p.at for p in points], y=falls, fill="tozeroy", name="below the high, %")
    return graphs.Figure(line).update_layout(title="Drawdown, percent", template="plotly_white", height=240)


def _candles(graphs: Any, result: Result, symbol: str, columns: Columns) -> Any:
    rows = _longer(columns)
    figure = graphs.Figure(
        graphs.Candlestick(
            x=[row[0] for row in rows], open=[row[1] for row in rows], high=[row[2] for row in rows],
            low=[row[3] for row in rows], close=[row[4] for row in rows], name=symbol,
        )
    )  # fmt: skip
    for side, mark in ((Side.BUY, "triangle-up"), (Side.SELL, "triangle-down")):
        fills = [fill for fill in result.fills if fill.symbol == symbol and fill.side is side]
        figure.add_trace(_marks(graphs, fills, name=side.value, mark=mark))
    return figure.update_layout(
        title=f"{symbol}: trades", template="plotly_white", height=480, xaxis_rangeslider_visible=False
    )


def _marks(graphs: Any, fills: Iterable[Filled], *, name: str, mark: str) -> Any:
    kept = list(fills)
    return graphs.Scatter(
        x=[fill.at for fill in kept], y=[fill.price for fill in kept], mode="markers", name=name,
        marker={"symbol": mark, "size": 9}, text=[text_of(fill.qty) for fill in kept],
    )  # fmt: skip


def _longer(columns: Columns) -> list[tuple[datetime, Decimal, Decimal, Decimal, Decimal]]:
    """Candles, each over so many bars that there are not too many of them."""
    step = max(1, -(-len(columns) // CANDLES_MAX))
    found: list[tuple[datetime, Decimal, Decimal, Decimal, Decimal]] = []
    for first in range(0, len(columns), step):
        last = min(first + step, len(columns))
        numbers = (
            columns.open[first], max(columns.high[first:last]), min(columns.low[first:last]), columns.close[last - 1],
        )  # fmt: skip
        opened, high, low, close = (Decimal(number).scaleb(-columns.price_decimals) for number in numbers)
        found.append((moment_of(columns.start_us[first]), opened, high, low, close))
    return found


def _thinned(points: Sequence[Any]) -> Sequence[Any]:
    return points if len(points) <= 5 * CANDLES_MAX else by_day(points)


def _months(result: Result) -> str:
    months = by_month(result.equity, result.cash)
    head = "".join(f"<th scope='col'>{name}</th>" for name in ("Year", *MONTHS, "Year's"))
    rows: list[str] = []
    for year in sorted({year for year, _ in months}):
        parts = [months.get((year, month)) for month in range(1, 13)]
        whole = Decimal(1)
        for part in parts:
            whole *= 1 + (part or 0)
        cells = "".join(f"<td>{'' if part is None else f'{part * 100:+.2f}'}</td>" for part in [*parts, whole - 1])
        rows.append(f"<tr><th scope='row'>{year}</th>{cells}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
