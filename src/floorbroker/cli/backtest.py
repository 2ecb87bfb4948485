"""`backtest`: strategies over recorded data, on a simulated clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from floorbroker.cli.failures import usage
from floorbroker.cli.progressing import Bar
from floorbroker.cli.settings import Settings, settings_of
from floorbroker.cli.show import Column, say, show_json, show_list, show_one, show_table
from floorbroker.domain.values import NotExact, Word, decimal_of

if TYPE_CHECKING:
    from floorbroker.backtest import Costs, Feed, Happening, Outcome, Plan, Result, Step
    from floorbroker.strategy import Strategy


class SpanWord(Word):
    """How long a bar lasts."""

    DAY = "day"
    HOUR = "hour"
    MINUTE = "minute"


Name = Annotated[
    str, typer.Argument(help="A ready-made one (crossover reversion ranked rotation hedge patient), or file.py:Class.")
]
Data = Annotated[Path | None, typer.Option(envvar="FLOORBROKER_DATA", help="The folder of recorded prices.")]
Symbols = Annotated[str, typer.Option("--symbols", help="Comma-separated, like SPY,AAPL.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="A parameter, like fast=20; may be given again.")]
Span = Annotated[SpanWord, typer.Option("--span", help="How long a bar lasts.")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="A day, inclusive.")]
Amount = Annotated[str, typer.Option(help="In the account's currency.")]
PerUnit = Annotated[str, typer.Option(help="What each unit costs.")]
PerValue = Annotated[str, typer.Option(help="What a trade costs, in basis points of its value.")]
Slippage = Annotated[str, typer.Option(help="How much worse a taker fares, in basis points.")]
LatencyMs = Annotated[int, typer.Option(min=0, max=3_600_000, help="How long a wish is on its way.")]
Borrow = Annotated[str, typer.Option(help="What short units cost a year.")]
Leverage = Annotated[str, typer.Option(help="How many times its equity the account may hold.")]
Currency = Annotated[
    str, typer.Option(help="The account's; without it that of the symbols, USD where they have several and it is one.")
]
Rate = Annotated[
    list[str] | None,
    typer.Option("--rate", help="What one unit of another currency is worth, like EUR=1.08; may be given again."),
]
Quotes = Annotated[
    bool, typer.Option("--quotes", help="With --span minute: play recorded quotes, which orders meet at once.")
]
AtClose = Annotated[bool, typer.Option("--at-close", help="Fill at the close that was decided on.")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    noun = typer.Typer(help="Strategies over recorded data.", no_args_is_help=True)
    noun.command("run")(run)
    noun.command("sweep")(sweep)
    noun.command("report")(report)
    app.add_typer(noun, name="backtest")


def run(
    ctx: typer.Context,
    strategy: Name,
    *,
    symbols: Symbols,
    data: Data = None,
    settings: Set = None,
    span: Span = SpanWord.DAY,
    since: Day = None,
    until: Day = None,
    cash: Amount = "100000",
    currency: Currency = "",
    rates: Rate = None,
    fee_per_unit: PerUnit = "0",
    fee_bps: PerValue = "0",
    slippage_bps: Slippage = "0",
    latency_ms: LatencyMs = 0,
    borrow_percent: Borrow = "0",
    leverage: Leverage = "2",
    at_close: AtClose = False,
    quotes: Quotes = False,
    keep: Annotated[
        bool, typer.Option("--keep/--no-keep", help="Keep the result in the home, where the page lists it.")
    ] = True,
) -> None:
    """Play recorded bars to a strategy: orders meet the next bar's open, splits and dividends happen on their days."""
    costs = _costs(
        fee_per_unit=fee_per_unit, fee_bps=fee_bps, slippage_bps=slippage_bps, latency_ms=latency_ms,
        borrow_percent=borrow_percent, leverage=leverage, at_close=at_close,
    )  # fmt: skip
    plan, parameters = _plan(
        strategy,
        symbols,
        settings,
        data=data,
        span=span,
        since=since,
        until=until,
        cash=cash,
        currency=currency,
        rates=rates,
        costs=costs,
        quotes=quotes,
    )
    found = _played(settings_of(ctx), plan, parameters)
    if keep:
        asked = {
            "strategy": strategy, "symbols": symbols.split(","), "span": span.value, "since": _day(since), "until": _day(until),
            "cash": cash, "currency": found.currency, "rates": rates or [],
            "fee_per_unit": fee_per_unit, "fee_bps": fee_bps, "slippage_bps": slippage_bps,
            "latency_ms": latency_ms, "borrow_percent": borrow_percent, "leverage": leverage, "at_close": at_close,
            "quotes": quotes, "parameters": {k: v for k, v in parameters.items() if k != "symbols"},
        }  # fmt: skip
        _keep(settings_of(ctx), found, asked)
    _show(settings_of(ctx), found)


def _day(day: datetime | None) -> str | None:
    return None if day is None else f"{day:%Y-%m-%d}"


def _keep(settings: Settings, found: Result, asked: dict[str, Any]) -> None:
    """Put it beside those that the door ran."""
    from floorbroker.app.backtest_child import plotted
    from floorbroker.app.config import load
    from floorbroker.backtest.kept import MB, Room, new_id
    from floorbroker.backtest.kept import keep as kept
    from floorbroker.domain.clock import SystemClock

    home = settings.open_home()
    section = load(home, path=settings.config).backtests
    id = new_id(SystemClock().now(), found.strategy)
    room = Room(section.keep, section.keep_mb * MB)
    kept(home.data / "backtests", id, found.document(), asked, plotted(found), room=room)
    say(settings, f"kept as {id}; --no-keep keeps nothing")


def report(
    ctx: typer.Context,
    strategy: Name,
    *,
    symbols: Symbols,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("backtest.html"),
    data: Data = None,
    settings: Set = None,
    span: Span = SpanWord.DAY,
    since: Day = None,
    until: Day = None,
    cash: Amount = "100000",
    currency: Currency = "",
    rates: Rate = None,
    fee_per_unit: PerUnit = "0",
    fee_bps: PerValue = "0",
    slippage_bps: Slippage = "0",
    latency_ms: LatencyMs = 0,
    borrow_percent: Borrow = "0",
    leverage: Leverage = "2",
    at_close: AtClose = False,
) -> None:
    """Run it, and write one HTML file with plots: equity, drawdown, trades on candles, months, statistics."""
    from floorbroker.backtest import html_of

    costs = _costs(
        fee_per_unit=fee_per_unit, fee_bps=fee_bps, slippage_bps=slippage_bps, latency_ms=latency_ms,
        borrow_percent=borrow_percent, leverage=leverage, at_close=at_close,
    )  # fmt: skip
    plan, parameters = _plan(
        strategy, symbols, settings, data=data, span=span, since=since, until=until, cash=cash, currency=currency,
        rates=rates, costs=costs,
    )  # fmt: skip
    found = _played(settings_of(ctx), plan, parameters)
    out.write_text(html_of(found), "utf-8")
    chosen = settings_of(ctx)
    show_one(chosen, {"file": str(out), "strategy": found.strategy, "pnl": found.document()["pnl"]})


def sweep(
    ctx: typer.Context,
    strategy: Name,
    *,
    symbols: Symbols,
    grid: Annotated[list[str], typer.Option("--grid", help="Values of a parameter: fast=10:50:10, or slow=100,200.")],
    by: Annotated[str, typer.Option(help="The statistic that the best is chosen by.")] = "sharpe",
    jobs: Annotated[int, typer.Option(min=-1, max=512, help="Processes; -1 for one a core.")] = -1,
    scheduler: Annotated[str, typer.Option(help="The address of a Dask scheduler, instead of this machine.")] = "",
    walk: Annotated[
        int, typer.Option(min=0, max=100, help="Steps of walk-forward over the second half; 0 for none.")
    ] = 0,
    data: Data = None,
    settings: Set = None,
    span: Span = SpanWord.DAY,
    since: Day = None,
    until: Day = None,
    cash: Amount = "100000",
    currency: Currency = "",
    rates: Rate = None,
    fee_per_unit: PerUnit = "0",
    fee_bps: PerValue = "0",
    slippage_bps: Slippage = "0",
    latency_ms: LatencyMs = 0,
    borrow_percent: Borrow = "0",
    leverage: Leverage = "2",
) -> None:
    """Every combination of parameters, the best first; with --walk, how each best choice fared on the time after it."""
    from floorbroker.backtest import bounds_of, combinations, walk_forward
    from floorbroker.backtest import sweep as swept

    chosen = settings_of(ctx)
    costs = _costs(
        fee_per_unit=fee_per_unit, fee_bps=fee_bps, slippage_bps=slippage_bps, latency_ms=latency_ms,
        borrow_percent=borrow_percent, leverage=leverage, at_close=False,
    )  # fmt: skip
    plan, fixed = _plan(
        strategy, symbols, settings, data=data, span=span, since=since, until=until, cash=cash, currency=currency,
        rates=rates, costs=costs,
    )  # fmt: skip
    tries = combinations(fixed, _grid(grid))
    if walk:
        bounds = bounds_of(*plan.feed.span(), walk)
        _show_steps(chosen, walk_forward(plan, tries, bounds=bounds, by=by, jobs=jobs, scheduler=scheduler), by)
        return
    with Bar(chosen, "combinations", total=len(tries)) as bar:
        found = swept(plan, tries, by=by, jobs=jobs, scheduler=scheduler, told=bar.tell)
    _show_outcomes(chosen, found, by)


def _plan(
    strategy: str,
    symbols: str,
    settings: list[str] | None,
    *,
    data: Path | None,
    span: SpanWord,
    since: datetime | None,
    until: datetime | None,
    cash: str,
    currency: str,
    rates: list[str] | None,
    costs: Costs,
    quotes: bool = False,
) -> tuple[Plan, dict[str, object]]:
    """What is played to whom.  The parameters are checked before any bar is read."""
    from floorbroker.backtest import Plan
    from floorbroker.strategy.loading import settings_from, strategy_class

    names = tuple(symbol.strip() for symbol in symbols.split(",") if symbol.strip())
    parameters = {**settings_from(pairs(settings or ())), "symbols": names}
    made = strategy_class(strategy)(**parameters)
    money = _number("--cash", cash)
    feed, happenings = _feed(data, made, span, since, until, quotes=quotes)
    given = {one.upper(): _number("--rate", text) for one, text in pairs(rates or (), flag="--rate").items()}
    plan = Plan(
        strategy=strategy, feed=feed, happenings=tuple(happenings), cash=money, currency=currency.upper(), rates=given,
        costs=costs,
    )  # fmt: skip
    return plan, parameters


def _played(settings: Settings, plan: Plan, parameters: dict[str, object]) -> Result:
    from floorbroker.backtest import Backtest
    from floorbroker.strategy.loading import strategy_class

    made = strategy_class(plan.strategy)(**parameters)
    with Bar(settings, f"{made.called}: bars", total=plan.feed.size) as bar:
        return Backtest(
            made, plan.feed, cash=plan.cash, currency=plan.currency, rates=plan.rates, costs=plan.costs,
            actions=plan.happenings, sessions=True, told=bar.tell,
        ).run()  # fmt: skip


def _grid(words: list[str]) -> dict[str, list[object]]:
    from floorbroker.backtest import values_of

    found: dict[str, list[object]] = {}
    for name, text in pairs(words, flag="--grid").items():
        try:
            found[name] = values_of(text)
        except (ValueError, ArithmeticError) as error:
            raise usage(f"--grid {name}={text}: write first:last:step, or values with commas") from error
    return found


OUTCOMES = (
    Column("PARAMETERS", "parameters"),
    Column("JUDGED BY", "value", right=True),
    Column("RETURN %", "return_percent", right=True),
    Column("DRAWDOWN %", "drawdown_percent", right=True),
    Column("TRIPS", "trips", right=True),
    Column("TROUBLE", "trouble"),
)
STEPS = (
    Column("CHOSEN BEFORE", "until"),
    Column("TRIED UNTIL", "tested_until"),
    Column("PARAMETERS", "parameters"),
    Column("THEN", "then", right=True),
    Column("AFTERWARDS", "afterwards", right=True),
)


def _show_outcomes(settings: Settings, found: list[Outcome], by: str) -> None:
    rows = [_outcome(one, by) for one in found]
    if found and by not in found[0].statistics and not found[0].trouble:
        raise usage(f"--by {by}: there are: {', '.join(found[0].statistics)}")
    shown = rows if settings.json else rows[:SHOWN]
    show_list(settings, shown, OUTCOMES, empty="no combination")
    if len(shown) < len(rows):
        say(settings, f"the best of {len(rows)} combinations; all of them with --json")


def _outcome(one: Outcome, by: str) -> dict[str, Any]:
    statistics = {name: None if value is None else str(value) for name, value in one.statistics.items()}
    parameters = " ".join(f"{name}={value}" for name, value in one.parameters.items() if name != "symbols")
    return {**statistics, "parameters": parameters, "value": statistics.get(by), "trouble": one.trouble}


def _show_steps(settings: Settings, steps: list[Step], by: str) -> None:
    rows = [
        {
            "until": f"{step.trained[1]:%Y-%m-%d}",
            "tested_until": f"{step.tested[1]:%Y-%m-%d}",
            "parameters": _outcome(step.chosen, by)["parameters"],
            "then": _outcome(step.chosen, by)["value"],
            "afterwards": _outcome(step.fared, by)["value"],
        }
        for step in steps
    ]
    show_list(settings, rows, STEPS, empty="no step")


def pairs(words: Iterable[str], *, flag: str = "--set") -> dict[str, str]:
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise usage(f"{flag} {word}: write a parameter as name=value")
        found[name.strip().replace("-", "_")] = value.strip()
    return found


def _number(flag: str, text: str) -> Decimal:
    try:
        return decimal_of(text)
    except NotExact as error:
        raise usage(f"{flag} {text}: {error}") from error


def _costs(
    *,
    fee_per_unit: str,
    fee_bps: str,
    slippage_bps: str,
    latency_ms: int,
    borrow_percent: str,
    leverage: str,
    at_close: bool,
) -> Costs:
    from floorbroker.backtest import Costs, Fixed
    from floorbroker.matching import NO_FEES, NO_SLIPPAGE, Bps, BpsSlippage, PerShare

    each, part = _number("--fee-per-unit", fee_per_unit), _number("--fee-bps", fee_bps)
    if each and part:
        raise usage("--fee-per-unit and --fee-bps: choose one of them")
    slip = _number("--slippage-bps", slippage_bps)
    return Costs(
        fees=PerShare(rate=each) if each else Bps(taker=part, maker=part) if part else NO_FEES,
        slippage=BpsSlippage(slip) if slip else NO_SLIPPAGE,
        latency=Fixed(ms=latency_ms),
        borrow_percent=_number("--borrow-percent", borrow_percent),
        leverage=_number("--leverage", leverage),
        at_close=at_close,
    )


def _feed(
    data: Path | None,
    strategy: Strategy,
    span: SpanWord,
    since: datetime | None,
    until: datetime | None,
    *,
    quotes: bool,
) -> tuple[Feed, list[Happening]]:
    from floorbroker.backtest import Span, recorded_feed
    from floorbroker.tape import NotRecorded, load

    if quotes and span is not SpanWord.MINUTE:
        raise usage("--quotes: quotes are recorded by the minute: add --span minute")
    if data is None:
        raise usage("--data: name a folder of recorded prices, or set FLOORBROKER_DATA")
    try:
        tape = load(data)
    except NotRecorded as error:
        raise usage(f"--data {data}: {error}") from error
    first, last = since.date() if since else None, until.date() if until else None
    return recorded_feed(tape, strategy.symbols, Span(span.value), since=first, until=last, quotes=quotes)


FILLS = (
    Column("TIME", "time"),
    Column("SYMBOL", "symbol"),
    Column("SIDE", "side"),
    Column("QUANTITY", "quantity", right=True),
    Column("PRICE", "price", right=True),
    Column("FEE", "fee", right=True),
)
SHOWN = 10


def _show(settings: Settings, found: Result) -> None:
    document = found.document()
    if settings.json:
        show_json(document)
        return
    if document["fills"]:
        show_table(settings, document["fills"][-SHOWN:], FILLS)
        say(settings, f"the last of {len(document['fills'])} fills; all of them with --json")
    named = ("strategy", "start", "end", "currency", "fees", "income", "pnl")
    rows: dict[str, Any] = {name: document[name] for name in named}
    rows |= {"equity": document["equity"]["end"], **document["statistics"]}
    show_one(settings, rows)
