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
    from floorbroker.cli.killing import Scope, Step

STEPS = (Column("STEP", "step"), Column("DONE", "done"), Column("DETAIL", "detail"))
STATES = (
    Column("ENVIRONMENT", "environment"),
    Column("SCOPE", "scope"),
    Column("LEVEL", "level", right=True),
    Column("REASON", "reason"),
    Column("BY", "by"),
    Column("AT", "at"),
)
kill = typer.Typer(help="Stop trading, and start it again.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verbs of the kill switch."""
    app.add_typer(kill, name="kill")


@kill.command("on")
def kill_on(
    ctx: typer.Context,
    level: Annotated[int, typer.Option(min=1, max=2, help="1 blocks new orders, 2 also cancels the open ones.")] = 2,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "by hand",
) -> None:
    """Stop trading now: everything, or one --profile, or one --env.  Works while the server is down or hangs."""
    from floorbroker.cli.killing import trip

    settings = settings_of(ctx)
    scope = _scope(settings)
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
    ctx: typer.Context, reason: Annotated[str | None, typer.Option(help="Why it is safe again; required.")] = None
) -> None:
    """Open the kill switch: a person's act, with a reason."""
    from floorbroker.cli.killing import reset

    settings = settings_of(ctx)
    if reason is None and settings.may_ask:
        reason = typer.prompt("Why is it safe to trade again", err=True)
    if reason is None or not reason.strip():
        raise usage("a reset needs a reason: floorbroker kill off --reason TEXT")
    scope = _scope(settings)
    steps = reset(settings, scope, reason=_reason(reason))
    _told(settings, {"level": 0, "scope": scope.word, "reason": reason}, steps)
    if failed := [step for step in steps if not step.done]:
        raise Trouble(code="conflict", detail=f"not opened everywhere: {failed[0].detail}", exit_code=10)


@kill.command("status")
def kill_status(ctx: typer.Context) -> None:
    """Where the kill switch stands, of every environment."""
    from floorbroker.cli.killing import standing

    settings = settings_of(ctx)
    found = standing(settings, _scope(settings))
    if settings.json:
        show_json(found)
        return
    rows = [row for state in found["items"] for row in _rows(state)]
    show_list(settings, rows, STATES, empty="off: no desk has run in this home")
    for sentinel in found["sentinels"]:
        say(settings, f"kill file: level {sentinel['level']} on {sentinel['scope']}: {sentinel['reason']}")
    if found["permits"]:
        say(settings, f"permits: {', '.join(found['permits'])}")
    else:
        say(settings, "no profile has a permit to trade")


def _rows(state: dict[str, Any]) -> list[dict[str, Any]]:
    top = {**state, "scope": "all profiles"}
    return [top, *({**state, "scope": name, "level": level} for name, level in state["by_profile"].items())]


def _scope(settings: Settings) -> Scope:
    from floorbroker.cli.killing import scope_of

    return scope_of(settings)


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
