"""The `floorbroker` command: global flags, the list of verbs, and how errors are told."""

from __future__ import annotations

import errno
import select
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from floorbroker.cli import (
    accounts,
    audit,
    backtest,
    bots,
    brokers,
    configuration,
    dashboard,
    database,
    demonstrate,
    develop,
    doctor,
    kill,
    live,
    market,
    new_broker,
    notify,
    operate,
    options,
    orders,
    people,
    replay,
    research,
    risk,
    routing,
    serve,
    simulate,
    vault,
    webhooks,
)
from floorbroker.cli.argv import arranged, wants_json
from floorbroker.cli.failures import BUG, DISK, INTERRUPTED, USAGE, Trouble, as_json, as_text, trouble_of, usage
from floorbroker.cli.settings import Settings
from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.values import Environment

# Each module adds its own verbs; `--help` lists them in this order.
VERBS = (
    serve,
    demonstrate,
    simulate,
    orders,
    accounts,
    market,
    options,
    replay,
    backtest,
    bots,
    dashboard,
    research,
    kill,
    live,
    routing,
    risk,
    operate,
    audit,
    doctor,
    brokers,
    configuration,
    vault,
    people,
    webhooks,
    notify,
    database,
    develop,
    new_broker,
)
_LED_NOWHERE = frozenset(
    {
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EEXIST,
        errno.ENAMETOOLONG,
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
    }
)
HELP = """One order desk in front of every broker.

Global flags may stand before or after the verb.  Results go to standard output, everything else to standard error.
"""


class Root(TyperGroup):
    """Arranges the words before they are parsed, and turns every explained failure into its exit code."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, arranged(args))

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Always ends the process, with the exit code of what happened."""
        words = list(sys.argv[1:] if args is None else args)
        try:
            _readable(words)
            code = super().main(words, prog_name or "floorbroker", complete_var, standalone_mode=False, **extra)
        except typer.Abort:
            code = INTERRUPTED
        except SystemExit as error:
            code = 0 if isinstance(error.__context__, BrokenPipeError) and _nobody_reads() else error.code
        except typer.TyperException as error:
            code = _misused(error, words)
        except Trouble as trouble:
            code = _tell(trouble, words)
        except FloorbrokerError as error:
            code = _tell(trouble_of(error), words)
        except OSError as error:
            code = _tell(_disk(error, words), words)
        sys.exit(code if isinstance(code, int) else 0)


app = typer.Typer(
    name="floorbroker",
    cls=Root,
    help=HELP,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


@app.callback(invoke_without_command=True)
def root(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document; streams are JSON Lines.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Results only.")] = False,
    verbose: Annotated[int, typer.Option("--verbose", "-v", count=True, help="Tell more; twice: debug.")] = 0,
    home: Annotated[Path | None, typer.Option(help="The folder of the desk (FLOORBROKER_HOME).")] = None,
    config: Annotated[Path | None, typer.Option(help="Another configuration file.")] = None,
    profile: Annotated[str | None, typer.Option("--profile", "-p", help="The account to use.")] = None,
    env: Annotated[str | None, typer.Option(help="sim, paper or live.")] = None,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colour (also NO_COLOR).")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Never ask.")] = False,
    timeout: Annotated[float, typer.Option(min=0.1, max=3600, help="Seconds to wait for an answer.")] = 30.0,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Keep the global flags for the verb."""
    words = [environment.value for environment in Environment]
    if env is not None and env not in words:
        raise usage(f"--env: {env!r} is not one of {', '.join(words)}")
    handed = ctx.obj if isinstance(ctx.obj, Settings) else Settings()
    ctx.obj = replace(
        handed, json=as_json, quiet=quiet, verbose=verbose, home=home, config=config, profile=profile, env=env,
        color=not no_color, yes=yes, timeout_s=timeout,
    )  # fmt: skip
    if version:
        develop.show_version(ctx.obj)
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


for module in VERBS:
    module.register(app)


def main() -> None:
    """Run the command; ends the process with its exit code.

    One filter serves the whole process, and standard error passes it whoever prints there.
    """
    from floorbroker.app.hardening import keep_to_itself
    from floorbroker.app.redactor import SecretFilter
    from floorbroker.app.streams import CleanStream

    keep_to_itself()
    known = SecretFilter()
    sys.stderr = CleanStream(sys.stderr, known)
    sys.excepthook = _bug
    try:
        get_command(app)(obj=Settings(redactor=known))  # `app()` would put a hook of its own in the place of ours
    finally:
        sys.stderr.flush()


def _nobody_reads() -> bool:
    """Whether whoever read our results has gone, as `head` does once it has seen enough: that is no failure."""
    try:
        asked = select.poll()
        asked.register(sys.stdout, select.POLLOUT)
        return any(events & (select.POLLERR | select.POLLHUP) for _, events in asked.poll(0))
    except (OSError, ValueError):  # it is no file
        return False


def _readable(words: list[str]) -> None:
    """Words that are no text, which the system hands over as halves of characters, mean nothing to any verb."""
    for number, word in enumerate(words if "kill" not in words else (), start=1):  # a kill is never a matter of form
        if not word.isascii() and any("\ud800" <= character <= "\udfff" for character in word):
            raise usage(f"word {number} of the command is not UTF-8: {word[:64]!a}")


def _tell(trouble: Trouble, words: list[str]) -> int:
    sys.stderr.write(f"{as_json(trouble) if wants_json(words) else as_text(trouble)}\n")
    return trouble.exit_with()


def _misused(error: typer.TyperException, words: list[str]) -> int:
    told = error.format_message()
    if told.startswith("Usage:") and not wants_json(words):  # a noun without its verb: the help is the answer
        sys.stderr.write(f"{told}\n")
        return USAGE
    detail = " ".join(told.split()).replace(": Value error, ", ": ")
    return _tell(Trouble("invalid_request", detail, exit_code=USAGE, state="nothing was done"), words)


def _disk(error: OSError, words: list[str]) -> Trouble:
    """A path that was typed and leads nowhere is a matter of what was typed; every other fault is the disk's."""
    typed = {word.partition("=")[2] if word.startswith("--") else word for word in words}
    if error.errno in _LED_NOWHERE and str(error.filename) in typed:
        return usage(f"{error.filename}: {error.strerror}")
    detail = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    return Trouble(code="journal_fault", detail=detail, exit_code=DISK, fix="see: floorbroker doctor")


def _bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        raise SystemExit(INTERRUPTED)
    report_bug(kind, error, trace, sys.argv[1:])


def report_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None, words: list[str]) -> None:
    """A failure nobody foresaw: an id for the report, and the trace when more was asked for."""
    import secrets
    import traceback

    if any(word in words for word in ("-v", "-vv", "--verbose")):
        traceback.print_exception(kind, error, trace)
    id_ = secrets.token_hex(8)
    where = traceback.extract_tb(trace)[-1] if trace else None
    detail = f"a bug in Floorbroker: {kind.__name__}" + (f" in {where.name}, line {where.lineno}" if where else "")
    trouble = Trouble(
        code="unknown", detail=detail, outcome="unknown", exit_code=BUG, members={"request_id": id_},
        state="not known: look it up with floorbroker order list before repeating an order",
    )  # fmt: skip
    _tell(trouble, words)
