"""`bot` and `decisions`: strategies that trade, and why they did."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from floorbroker.cli.backtest import Name, Set, Symbols, pairs
from floorbroker.cli.failures import CONFLICT, OWN_NO, UNPROVEN, Trouble, usage
from floorbroker.cli.settings import Settings, settings_of
from floorbroker.cli.show import Column, say, show_list, show_text
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.values import Environment, ProfileName, Word, time_text

if TYPE_CHECKING:
    from floorbroker.app.home import Home
    from floorbroker.gateway.gateway import Gateway
    from floorbroker.strategy.bots import Kept, Running

NAMES = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
POLL_S = 0.5


class PolicyWord(Word):
    """What becomes of the orders of a bot that failed."""

    CANCEL = "cancel"
    LEAVE = "leave"
    FLATTEN = "flatten"


BOTS = (
    Column("NAME", "name"),
    Column("STRATEGY", "strategy"),
    Column("PROFILE", "profile"),
    Column("STATE", "state"),
    Column("OPEN", "open_orders", right=True),
    Column("LAST", "last"),
)


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    noun = typer.Typer(help="Strategies that trade.", no_args_is_help=True)
    noun.command("run")(run)
    noun.command("list")(listed)
    app.add_typer(noun, name="bot")
    log = typer.Typer(help="What strategies decided, and why.", no_args_is_help=True)
    log.command("tail")(tail)
    app.add_typer(log, name="decisions")


def run(
    ctx: typer.Context,
    strategy: Name,
    *,
    symbols: Symbols,
    name: Annotated[
        str | None, typer.Option(help="How the bot is called in orders and files; the strategy's name unless given.")
    ] = None,
    settings: Set = None,
    span_s: Annotated[int, typer.Option(min=1, max=86_400, help="How long a bar lasts, in seconds.")] = 60,
    policy: Annotated[PolicyWord, typer.Option(help="What becomes of its orders when it fails.")] = PolicyWord.CANCEL,
    patience_s: Annotated[float, typer.Option(min=0.1, max=600, help="How long it may think about one event.")] = 5.0,
    restart: Annotated[bool, typer.Option("--restart", help="Run a bot again that was stopped for failing.")] = False,
    for_s: Annotated[float | None, typer.Option(min=0, help="Stop by itself after so many seconds.")] = None,
) -> None:
    """Run a strategy at a desk until Ctrl-C; its state is kept, and it goes on where it was."""
    from floorbroker.strategy.loading import settings_from, strategy_class

    chosen = settings_of(ctx)
    found = tuple(symbol.strip() for symbol in symbols.split(",") if symbol.strip())
    parameters = {**settings_from(pairs(settings or ())), "symbols": found}
    made = strategy_class(strategy)(**parameters)
    called = name or made.called
    if not NAMES.fullmatch(called):
        raise usage(f"--name {called}: a bot's name is made of small letters, digits, - and _, at most 40")
    plan = _Plan(
        name=called, strategy=strategy, parameters=parameters, span_s=span_s, policy=policy.value,
        patience_s=patience_s, restart=restart, for_s=for_s,
    )  # fmt: skip
    asyncio.run(_run(chosen, plan))


class _Plan:
    """What was asked for."""

    def __init__(self, **members: Any) -> None:
        self.name: str = members["name"]
        self.strategy: str = members["strategy"]
        self.parameters: dict[str, Any] = members["parameters"]
        self.span_s: int = members["span_s"]
        self.policy: str = members["policy"]
        self.patience_s: float = members["patience_s"]
        self.restart: bool = members["restart"]
        self.for_s: float | None = members["for_s"]


async def _run(settings: Settings, plan: _Plan) -> None:
    from floorbroker.app.floor import open_floor
    from floorbroker.domain.errors import Conflict
    from floorbroker.strategy.bots import BotFailed

    home = settings.open_home()
    only = frozenset({ProfileName(settings.profile)}) if settings.profile else None
    try:
        async with open_floor(home, outside=settings.outside(), config_path=settings.config, only=only) as floor:
            environment, desk = _desk_of(floor.desks, settings)
            await desk.until_settled()
            running = _made(home, environment, desk, settings, plan)
            await _until_stopped(running, settings, plan)
    except BotFailed as failed:
        raise Trouble(
            code="unknown", detail=f"bot {plan.name} was stopped: {failed}", exit_code=OWN_NO,
            state=f"its orders: {plan.policy}; see: floorbroker order list",
            fix="repair the strategy, then run it with --restart",
        ) from failed  # fmt: skip
    except Conflict as error:
        raise Trouble(
            code="conflict", detail=error.detail, exit_code=CONFLICT,
            fix="a bot opens the desk itself: stop the server of this home, or give the bot a home of its own with --home",
        ) from error  # fmt: skip


def _desk_of(desks: Mapping[Environment, Gateway], settings: Settings) -> tuple[Environment, Gateway]:
    wanted = [(environment, desk) for environment, desk in desks.items() if settings.env in (None, environment.value)]
    if len(wanted) != 1:
        raise usage(f"--env: name one of {', '.join(environment.value for environment in desks)}")
    return wanted[0]


def _made(home: Home, environment: Environment, desk: Gateway, settings: Settings, plan: _Plan) -> Running:
    from floorbroker.domain.ports import NoLog
    from floorbroker.strategy.bots import Bot, Child, Clerk, Holdings, Keep, Kept, Logbook, Policy, Running, Spec

    keep = Keep(home.bots / f"{plan.name}.json")
    kept = keep.read() or Kept(strategy=plan.strategy, parameters=plan.parameters, profile=settings.profile)
    _may_run(plan, kept)
    kept.strategy, kept.parameters, kept.stopped = plan.strategy, plan.parameters, ""
    kept.environment = environment.value
    profile = ProfileName(settings.profile) if settings.profile else _only(desk)
    holdings = Holdings(desk, profile, plan.parameters["symbols"])
    logbook = Logbook(home.decisions)
    logbook.open()
    clock = SystemClock()
    bot = Bot(
        name=plan.name,
        spec=Spec(strategy=plan.strategy, parameters=plan.parameters, policy=Policy(plan.policy)),
        clerk=Clerk(name=plan.name, desk=desk, profile=profile, kept=kept),
        host=Child(patience_s=plan.patience_s),
        keep=keep,
        clock=clock,
        log=NoLog(),
        purse=holdings.purse,
        logbook=logbook,
    )
    return Running(
        bot=bot, desk=desk, holdings=holdings, symbols=plan.parameters["symbols"],
        span=timedelta(seconds=plan.span_s), clock=clock, log=NoLog(),
    )  # fmt: skip


def _may_run(plan: _Plan, kept: Kept) -> None:
    if kept.stopped and not plan.restart:
        raise Trouble(
            code="conflict", detail=f"bot {plan.name} was stopped: {kept.stopped}", exit_code=CONFLICT,
            fix="look into it, then run it with --restart",
        )  # fmt: skip


def _only(desk: Gateway) -> ProfileName | None:
    """The only profile, or none: then the manager routes every order."""
    names = [*desk.sessions]
    return names[0] if len(names) == 1 else None


async def _until_stopped(running: Running, settings: Settings, plan: _Plan) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, running.stop.set)
    timer = None if plan.for_s is None else asyncio.create_task(_stop_after(running, plan.for_s))
    say(
        settings,
        f"bot {plan.name} runs at {running.holdings.profile or 'the manager'}; Ctrl-C stops it, its orders stay",
    )
    try:
        await running.run()
    finally:
        if timer is not None:
            timer.cancel()
        assert running.bot.logbook is not None
        running.bot.logbook.close()
    say(settings, f"bot {plan.name} stopped; {len(running.bot.kept.orders)} of its orders are open")


async def _stop_after(running: Running, for_s: float) -> None:
    await running.woken.wait()
    await running.clock.sleep(for_s)
    running.stop.set()


def listed(ctx: typer.Context) -> None:
    """Every bot with a state."""
    from floorbroker.strategy.bots import kept_bots

    settings = settings_of(ctx)
    rows = [
        {
            "name": name,
            "strategy": kept.strategy,
            "profile": kept.profile or "",
            "state": "stopped" if kept.stopped else "may run",
            "reason": kept.stopped,
            "open_orders": len(kept.orders),
            "last": time_text(kept.at) if kept.at else "",
        }
        for name, kept in kept_bots(settings.open_home().bots).items()
    ]
    show_list(settings, rows, BOTS, empty="no bot has run in this home")


def tail(
    ctx: typer.Context,
    *,
    lines: Annotated[int, typer.Option(min=0, help="How many of the last ones.")] = 10,
    follow: Annotated[bool, typer.Option("--follow", help="Go on as they are made, until Ctrl-C.")] = False,
    strategy: Annotated[str | None, typer.Option(help="Of one bot or strategy.")] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Prove the chain first; exit code 11 when it is broken.")
    ] = False,
) -> None:
    """The last decisions: what was wished, what the strategy looked at, why, and what became of it."""
    from floorbroker.strategy.bots import broken_line, decisions

    settings = settings_of(ctx)
    path = settings.open_home().decisions
    if verify and (broken := broken_line(path)) is not None:
        raise Trouble(
            code="unknown", detail=f"{path}:{broken}: this line is not what was written", exit_code=UNPROVEN,
            fix="compare it with a copy; the audit has the orders themselves",
        )  # fmt: skip
    if verify:
        say(settings, f"every line of {path} is what was written")
    wanted = (line for line in decisions(path) if strategy in (None, line.get("bot"), line.get("strategy")))
    last = deque(wanted, maxlen=lines)
    _tell(settings, last)
    if not last and not follow:
        say(settings, "no decisions yet")
    seen = sum(1 for _ in decisions(path))
    while follow:
        asyncio.run(SystemClock().sleep(POLL_S))
        fresh = [*decisions(path)][seen:]
        seen += len(fresh)
        _tell(settings, (one for one in fresh if strategy in (None, one.get("bot"), one.get("strategy"))))


def _tell(settings: Settings, lines: Iterable[dict[str, Any]]) -> None:
    for line in lines:
        show_text(json.dumps(line, ensure_ascii=False) if settings.json else _sentence(line))


def _sentence(line: dict[str, Any]) -> str:
    order = line["order"]
    price = f" at {order['limit_price']}" if "limit_price" in order else ""
    quantity = order.get("quantity") or order.get("notional") or ""
    context = ", ".join(f"{name} {value}" for name, value in line["market_context"].items() if value)
    why = f": {line['agent_reasoning']}" if line["agent_reasoning"] else ""
    what = f"{line['act']} {order['side']} {quantity} {order['symbol']}{price}"
    became = ": ".join(word for word in (line["ord_status"], line.get("refused")) if word)
    return f"{line['time']}  {line.get('bot') or line['strategy']}  {what}  [{became}]{why}  ({context})"
