"""`research`: sectors, outliers, rankings and allocations, from whatever history there is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from floorbroker.cli import allocating
from floorbroker.cli.researching import AsOf, BudgetMb, Data, Seed, Source, UniverseName, asked_of, end, researching
from floorbroker.cli.settings import settings_of
from floorbroker.cli.show import Column, say, show_list, show_one, show_text

SECTORS = (
    Column("RANK", "rank", right=True),
    Column("SECTOR", "name"),
    Column("SCORE", "score", right=True),
    Column("MONTH", "month", right=True),
    Column("QUARTER", "quarter", right=True),
    Column("ABOVE 50", "above_50", right=True),
    Column("VOLATILITY", "volatility", right=True),
    Column("ROTATION", "quadrant"),
    Column("COVERAGE", "coverage", right=True),
)
CANDIDATES = (
    Column("RANK", "rank", right=True),
    Column("SYMBOL", "symbol"),
    Column("SCORE", "score", right=True),
    Column("REASONS", "reasons"),
)

RANKING = (
    Column("RANK", "rank", right=True),
    Column("SYMBOL", "symbol"),
    Column("SCORE", "score", right=True),
)


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    noun = typer.Typer(help="Sectors, outliers, rankings and allocations.", no_args_is_help=True)
    noun.command("sectors")(sectors)
    noun.command("outliers")(outliers)
    noun.command("prepare")(prepare)
    noun.command("rank")(rank)
    noun.command("allocate")(allocating.allocate)
    app.add_typer(noun, name="research")


def sectors(
    ctx: typer.Context,
    *,
    universe: UniverseName = "recorded",
    source: Source = "",
    as_of: AsOf = None,
    data: Data = None,
    seed: Seed = 0,
    budget_mb: BudgetMb = 2048,
    plot: Annotated[Path | None, typer.Option(help="Write a page with pictures there (extra research).")] = None,
) -> None:
    """Strength, breadth, rotation, volatility and correlation of sectors; kept in data/sector_report.json.

    Exit code 10 when something is missing: the report says what.
    """
    settings = settings_of(ctx)
    asked = asked_of(universe, source, as_of, data, seed, budget_mb)
    report, path = researching(settings, asked, lambda here: here.sectors(asked))
    if plot is not None:
        from floorbroker.research.plots import sector_page

        sector_page(report, plot)
    if settings.json:
        show_text(path.read_text("utf-8").rstrip("\n"))
    else:
        rows = [
            {
                "rank": one.rank, "name": one.name, "score": one.score, "month": one.strength[2].change,
                "quarter": one.strength[3].change, "above_50": one.breadth.above_50,
                "volatility": one.volatility["days_63"], "quadrant": one.rotation.quadrant, "coverage": one.coverage,
            }
            for one in report.sectors
        ]  # fmt: skip
        show_list(settings, rows, SECTORS, empty="no sector")
    say(settings, f"{report.universe} on {report.as_of} from {report.source}: {path}")
    end(settings, report.quality, is_whole=report.is_whole)


def outliers(
    ctx: typer.Context,
    *,
    universe: UniverseName = "recorded",
    source: Source = "",
    as_of: AsOf = None,
    data: Data = None,
    seed: Seed = 0,
    budget_mb: BudgetMb = 2048,
    most: Annotated[int, typer.Option(min=1, max=1000, help="Candidates at most.")] = 20,
) -> None:
    """Symbols whose week was unlike their past, ranked, with reasons; kept in data/outliers.json.

    Exit code 10 when something is missing: the scan says what.
    """
    settings = settings_of(ctx)
    asked = asked_of(universe, source, as_of, data, seed, budget_mb)
    scan, path = researching(settings, asked, lambda here: here.outliers(asked, most=most))
    if settings.json:
        show_text(path.read_text("utf-8").rstrip("\n"))
    else:
        rows = [
            {"rank": one.rank, "symbol": one.symbol, "score": one.score, "reasons": "; ".join(one.reasons)}
            for one in scan.candidates
        ]
        show_list(settings, rows, CANDIDATES, empty="nothing was unlike its past")
    for symbol, why in scan.skipped.items():
        say(settings, f"{symbol}: {why}")
    say(settings, f"{scan.universe}, {scan.week_from} to {scan.as_of}, from {scan.source}: {path}")
    end(settings, scan.quality, is_whole=scan.is_whole)


Sessions = Annotated[int, typer.Option(min=300, max=10_000, help="How many of the newest sessions.")]
Horizon = Annotated[int, typer.Option(min=1, max=63, help="Sessions that a label looks ahead.")]
Embargo = Annotated[int, typer.Option(min=0, max=63, help="Sessions left out between learning and testing.")]
Folds = Annotated[int, typer.Option(min=1, max=50, help="Walk-forward folds.")]


def prepare(
    ctx: typer.Context,
    *,
    universe: UniverseName = "recorded",
    source: Source = "",
    as_of: AsOf = None,
    data: Data = None,
    seed: Seed = 0,
    budget_mb: BudgetMb = 2048,
    sessions: Sessions = 1_000,
    horizon: Horizon = 5,
    embargo: Embargo = 5,
    folds: Folds = 5,
) -> None:
    """A dataset of features and labels, proven to know nothing of the future; kept in data/datasets under its digest."""
    from floorbroker.app.researching import Plan

    settings = settings_of(ctx)
    asked = asked_of(universe, source, as_of, data, seed, budget_mb)
    plan = Plan(sessions=sessions, horizon=horizon, embargo=embargo, folds=folds)
    dataset, place = researching(settings, asked, lambda here: here.prepare(asked, plan))
    manifest = dataset.manifest
    if settings.json:
        show_text((place / "manifest.json").read_text("utf-8").rstrip("\n"))
    else:
        told = {
            "dataset": manifest.name, "rows": manifest.rows, "features": ", ".join(manifest.features),
            "label": manifest.label, "days": f"{manifest.first} to {manifest.last}", "folds": len(manifest.folds),
            "dropped": ", ".join(f"{count}: {why}" for why, count in manifest.dropped.items()),
            "proven point in time": f"{manifest.proven} values computed anew without later days",
        }  # fmt: skip
        show_one(settings, told)
    say(settings, str(place))
    end(settings, manifest.quality, is_whole=not manifest.quality)


def rank(
    ctx: typer.Context,
    *,
    universe: UniverseName = "recorded",
    source: Source = "",
    as_of: AsOf = None,
    data: Data = None,
    seed: Seed = 0,
    budget_mb: BudgetMb = 2048,
    sessions: Sessions = 1_000,
    horizon: Horizon = 5,
    embargo: Embargo = 5,
    folds: Folds = 5,
    model: Annotated[str, typer.Option(help="lightgbm or ridge.")] = "lightgbm",
    model_seed: Annotated[int, typer.Option(help="Of the model.")] = 0,
) -> None:
    """Learn to rank symbols, tested on days it has not seen, beside a plain rule and a coin; kept in data/rank_report.json."""
    from floorbroker.app.researching import Plan

    settings = settings_of(ctx)
    asked = asked_of(universe, source, as_of, data, seed, budget_mb)
    plan = Plan(
        sessions=sessions, horizon=horizon, embargo=embargo, folds=folds, model=model, model_seed=model_seed
    )  # fmt: skip
    report, dataset, path = researching(settings, asked, lambda here: here.rank(asked, plan))
    if settings.json:
        show_text(path.read_text("utf-8").rstrip("\n"))
    else:
        rows = [{"rank": one.rank, "symbol": one.symbol, "score": one.score} for one in report.ranking]
        show_list(settings, rows, RANKING, empty="nothing to rank")
    for name, one in (("model", report.model_overall), ("rule", report.rule_overall), ("coin", report.coin_overall)):
        say(settings, f"{name}: rank correlation {one.rank_correlation} ({one.errors_from_zero} errors from zero)")
    say(settings, f"{report.verdict}: {path}")
    end(settings, dataset.manifest.quality, is_whole=not dataset.manifest.quality)
