"""The kill switch, by every way there is: files first, then the server, then the journal itself (RELIABILITY 6).

It needs no server, no configuration that parses, and no free disk: removing a permit blocks a profile by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from floorbroker.cli.failures import Trouble, plain, usage
from floorbroker.cli.settings import Settings, settings_of
from floorbroker.cli.show import Column, say, show_json, show_list, show_table

if TYPE_CHECKING:
    from floorbroker.cli.killing import Step

STEPS = (Column("STEP", "step"), Column("DONE", "done"), Column("DETAIL", "detail"))
STATES = (
    Column("ENVIRONMENT", "environment"),
    Column("SCOPE", "scope"),
    Column("LEVEL", "level", right=True),
    Column("REASON", "reason"),
    Column("BY", "by"),
    Column("AT", "at"),
)
ORDERS = (
    Column("STILL OPEN", "id"),
    Column("PROFILE", "profile"),
    Column("SYMBOL", "symbol"),
    Column("STATUS", "ord_status"),
    Column("ASKED", "asked", right=True),
    Column("TROUBLE", "trouble"),
)
POSITIONS = (
    Column("POSITION", "symbol"),
    Column("PROFILE", "profile"),
    Column("STATE", "state"),
    Column("ORDER", "order"),
    Column("DETAIL", "detail"),
)
Account = Annotated[str | None, typer.Option("--account", metavar="NUMBER", help="One broker account, by its number.")]
Strategy = Annotated[str | None, typer.Option("--strategy", metavar="NAME", help="Orders of one strategy.")]
Token = Annotated[str | None, typer.Option("--token", metavar="NAME", help="Orders wished for with one token.")]
kill = typer.Typer(help="Stop trading, and start it again.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verbs of the kill switch."""
    app.add_typer(kill, name="kill")


@kill.command("on")
def kill_on(
    ctx: typer.Context,
    *,
    level: Annotated[
        int,
        typer.Option(min=1, max=3, help="1 blocks new orders, 2 also cancels the open ones, 3 also closes positions."),
    ] = 2,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "by hand",
    account: Account = None,
    strategy: Strategy = None,
    token: Token = None,
) -> None:
    """Stop trading now: everything, or what one option names.  Works while the server is down or hangs."""
    from floorbroker.cli.killing import scope_of, trip

    settings = settings_of(ctx)
    scope = scope_of(settings, account=account, strategy=strategy, token=token)
    steps = trip(settings, scope, level=level, reason=_reason(reason))
    _told(settings, {"level": level, "scope": scope.word, "reason": reason}, steps)
    if not any(step.blocks and step.done for step in steps):
        raise Trouble(
            code="journal_fault",
            detail="nothing that blocks trading could be done",
            outcome="unknown",
            fix=f"stop the server process, or remove {scope.home.permits} by hand",
        )


@kill.command("off")
def kill_off(
    ctx: typer.Context,
    *,
    reason: Annotated[str | None, typer.Option(help="Why it is safe again; required.")] = None,
    account: Account = None,
    strategy: Strategy = None,
    token: Token = None,
) -> None:
    """Open the kill switch: a person's act, with a reason."""
    from floorbroker.cli.killing import reset, scope_of

    settings = settings_of(ctx)
    if reason is None and settings.may_ask:
        reason = typer.prompt("Why is it safe to trade again", err=True)
    if reason is None or not reason.strip():
        raise usage("a reset needs a reason: floorbroker kill off --reason TEXT")
    scope = scope_of(settings, account=account, strategy=strategy, token=token)
    steps = reset(settings, scope, reason=_reason(reason))
    _told(settings, {"level": 0, "scope": scope.word, "reason": reason}, steps)
    if failed := [step for step in steps if not step.done]:
        raise Trouble(code="conflict", detail=f"not opened everywhere: {failed[0].detail}", exit_code=10)
    say(settings, "a profile takes orders as soon as it agrees with its venue: floorbroker status")


@kill.command("status")
def kill_status(ctx: typer.Context) -> None:
    """Where the kill switch stands, of every environment."""
    from floorbroker.cli.killing import scope_of, standing

    settings = settings_of(ctx)
    found = standing(settings, scope_of(settings))
    if settings.json:
        show_json(found)
        return
    rows = [row for state in found["items"] for row in _rows(state)]
    show_list(settings, rows, STATES, empty="off: no desk has run in this home")
    if orders := [order for state in found["items"] for order in state.get("orders", ())]:
        show_table(settings, orders, ORDERS)
    if positions := [position for state in found["items"] for position in state.get("positions", ())]:
        show_table(settings, positions, POSITIONS)
    for sentinel in found["sentinels"]:
        say(settings, f"kill file: level {sentinel['level']} on {sentinel['scope']}: {sentinel['reason']}")
    if found["permits"]:
        say(settings, f"permits: {', '.join(found['permits'])}")
    else:
        say(settings, "no profile has a permit to trade")


def _rows(state: dict[str, Any]) -> list[dict[str, Any]]:
    """Everything first, then what has a level of its own; each with its own reason and nobody else's."""
    closed = {latch["scope"]: latch for latch in state["latches"]}
    withdrawn = {name: {"level": level, "reason": "no permit"} for name, level in state["by_profile"].items()}
    nobody = {"reason": "", "by": "", "at": None} if closed and "*" not in closed else {}
    top = {**state, **nobody, **closed.pop("*", {}), "scope": "all profiles"}
    return [
        top,
        *({**state, "by": "", "at": None, "scope": name, **told} for name, told in (withdrawn | closed).items()),
    ]


def _reason(text: str) -> str:
    """One line of plain signs, short enough for every record that keeps it: no reason, however written, stops a kill."""
    return plain(" ".join(text.split()))[:200] or "no reason given"


def _told(settings: Settings, head: dict[str, Any], steps: list[Step]) -> None:
    """What was done, in the order in which it was done."""
    rows = [{"step": step.name, "done": step.done, "detail": step.detail} for step in steps]
    if settings.json:
        show_json({**head, "steps": rows})
    else:
        show_table(settings, rows, STEPS)
