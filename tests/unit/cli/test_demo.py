"""The demo: both venues agree, the sums hold, and the same market gives the same digest."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from floorbroker.cli.demo.command import run_demo
from floorbroker.cli.demo.market import SYMBOLS, open_market
from floorbroker.cli.demo.report import fill_lines
from floorbroker.cli.demo.run import play
from floorbroker.cli.demo.stages import PAPER, PaperStage, paper_stage
from floorbroker.domain import facts as f
from floorbroker.domain.fold import fold
from floorbroker.domain.orders import NewOrder, Order
from floorbroker.domain.values import ClOrdId, IntentId
from floorbroker.gateway.desk import Submitted
from floorbroker.gateway.gateway import Gateway
from floorbroker.tape import NotRecorded


def _played(capsys: pytest.CaptureFixture[str], data: Path | None) -> dict[str, Any]:
    assert run_demo(data=data, seed=3, days=1, as_json=True) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_seeded_day_agrees_at_both_venues_and_repeats(capsys: pytest.CaptureFixture[str]) -> None:
    first = _played(capsys, None)
    paper, alpaca = first["runs"]
    assert (paper["profile"], alpaca["profile"]) == ("paper", "alpaca-sim")
    assert paper["fills"] == alpaca["fills"]
    assert len(paper["fills"]) > 10
    assert _played(capsys, None)["digest"] == first["digest"]


def _never_left(order: NewOrder) -> Order:
    at = datetime(2013, 10, 7, 14, 31, tzinfo=UTC)
    prepared = f.Prepared(source=f.Source.OWN, at=at, cl_ord_id=ClOrdId("1"), profile=PAPER, order=order)
    return fold(IntentId("1"), [prepared, f.NotSent(source=f.Source.OWN, at=at, reason="the decision is 6.0 s old")])


class StandsStill:
    """A desk whose first order does not leave: its decision was too old when the machine went on."""

    def __init__(self, desk: Gateway) -> None:
        self._desk = desk
        self.kept: list[NewOrder] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._desk, name)

    async def submit(self, order: NewOrder, **given: Any) -> Submitted:
        if not self.kept:
            self.kept.append(order)
            return Submitted(order=_never_left(order))
        return await self._desk.submit(order, **given)


@pytest.mark.asyncio
async def test_an_order_that_a_standstill_kept_from_leaving_is_placed_again(tmp_path: Path) -> None:
    found = open_market(None, seed=3, days=1)
    market = replace(found, minutes=found.minutes[:60])
    async with paper_stage(market, tmp_path / "plain") as stage:
        plain = await play(stage, market, progress=lambda *_: None)
    async with paper_stage(market, tmp_path / "still") as stage:
        assert isinstance(stage, PaperStage)
        desk = StandsStill(stage.desk)
        stage.desk = cast("Gateway", desk)
        still = await play(stage, market, progress=lambda *_: None)
    assert len(desk.kept) == 1
    assert fill_lines(still) == fill_lines(plain) != []


def test_cash_is_what_the_fills_say(capsys: pytest.CaptureFixture[str]) -> None:
    for run in _played(capsys, None)["runs"]:
        flow = Decimal(0)
        for fill in run["fills"]:
            sign = -1 if fill["side"] == "buy" else 1
            flow += sign * Decimal(fill["quantity"]) * Decimal(fill["price"]) - Decimal(fill["fee"])
        assert Decimal(run["cash"]["start"]) + flow == Decimal(run["cash"]["end"])
        assert run["positions"] == []


def test_the_account_at_the_end_stands_on_one_line_however_narrow_the_table_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_demo(data=None, seed=3, days=1, as_json=False) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  cash 100,000.00 -> ")]
    assert [line.rsplit(", ", 1)[-1].strip() for line in lines] == ["positions: flat"] * 2


def test_the_recorded_week_is_played_where_the_data_is(capsys: pytest.CaptureFixture[str]) -> None:
    folder = os.environ.get("FLOORBROKER_DATA")
    if folder is None:
        pytest.skip("FLOORBROKER_DATA is not set: no recorded market data here")
    paper, alpaca = _played(capsys, Path(folder))["runs"]
    assert paper["fills"] == alpaca["fills"]
    assert {fill["symbol"] for fill in paper["fills"]} <= set(SYMBOLS)
    assert all(fill["time"].startswith("2013-10-07") for fill in paper["fills"])


def test_an_empty_folder_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(NotRecorded):
        run_demo(data=tmp_path / "nowhere", seed=1, days=1, as_json=True)


def test_seeded_minutes_are_those_of_the_core_session() -> None:
    market = open_market(None, seed=1, days=1)
    assert len(market.minutes) == 390
    assert [replace(minute, quotes=(), trades=()).closing for minute in market.minutes].count(True) == 6
