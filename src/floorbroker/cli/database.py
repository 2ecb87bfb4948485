"""What is durable, as files: brought to this build's schema, copied while the desk trades, put back, and proven."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from floorbroker.cli.failures import UNPROVEN, Trouble
from floorbroker.cli.settings import settings_of
from floorbroker.cli.show import Column, say, show_json, show_list, show_one, show_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from floorbroker.app.backup import Backup
    from floorbroker.app.backup_proof import Line

SCHEMAS = (Column("FILE", "file"), Column("SCHEMA", "schema"), Column("NEWEST", "newest"), Column("STATE", "state"))
LINES = (Column("LOOKED AT", "what"), Column("FOUND", "found"), Column("WRONG", "wrong"))
Folder = Annotated[Path, typer.Argument(help="The folder of one backup.", metavar="BACKUP")]
ANOTHER = "use another backup"
database = typer.Typer(help="Journals and tables as files: migrate, back up, restore.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verbs of what is durable."""
    app.add_typer(database, name="db")


@database.command("migrate")
def migrate(
    ctx: typer.Context, check: Annotated[bool, typer.Option("--check", help="Say what would be done.")] = False
) -> None:
    """Bring every database of the home to the schema of this build; a start does that too.  No desk may run."""
    from floorbroker.app.schemas import migrated, schemas

    settings = settings_of(ctx)
    home = settings.open_home()
    found = schemas(home) if check else migrated(home)
    rows = [{"file": s.path.name, "schema": s.schema, "newest": s.newest, "state": s.state} for s in found]
    show_list(settings, rows, SCHEMAS, empty="there is no database in this home yet")
    if check and any(schema.is_behind for schema in found):
        raise typer.Exit(UNPROVEN)


@database.command("backup")
def backup(
    ctx: typer.Context,
    into: Annotated[Path, typer.Argument(help="The folder that gets a folder for this backup.", metavar="FOLDER")],
    keep: Annotated[int, typer.Option(min=0, help="Remove all but so many of the newest there; 0 keeps all.")] = 0,
) -> None:
    """Copy the home into a new folder, at any moment, while the desk trades."""
    from floorbroker import __version__
    from floorbroker.app.backup import make, prune
    from floorbroker.domain.clock import SystemClock

    settings = settings_of(ctx)
    made = make(settings.open_home(), into.expanduser().absolute(), clock=SystemClock(), build=__version__)
    gone = prune(made.folder.parent, keep)
    show_one(settings, {**_told(made), "removed": [path.name for path in gone]})
    say(settings, f"prove what it is worth: floorbroker db verify {made.folder}")


@database.command("verify")
def verify(ctx: typer.Context, folder: Folder) -> None:
    """Prove a backup: its files, every page, every record, the audit.  Exit code 11 when something is wrong."""
    from floorbroker.app.backup import BackupDamaged, read
    from floorbroker.app.backup_proof import examine

    settings = settings_of(ctx)
    try:
        found = read(folder.expanduser().absolute())
        lines = _shown(examine(found))
    except BackupDamaged as error:
        raise Trouble(code=error.code, detail=error.detail, exit_code=UNPROVEN, fix=ANOTHER) from None
    is_sound = not any(line["wrong"] for line in lines)
    if settings.json:
        show_json({"ok": is_sound, **_told(found), "lines": lines})
    else:
        show_table(settings, lines, LINES)
    if not is_sound:
        raise typer.Exit(UNPROVEN)


@database.command("restore")
def restore(
    ctx: typer.Context,
    folder: Folder,
    accept_older: Annotated[
        bool, typer.Option("--accept-older", help="Put it over journals that are newer, or of another installation.")
    ] = False,
    accept_unproven: Annotated[
        bool, typer.Option("--accept-unproven", help="Put it back although its audit is not sound.")
    ] = False,
) -> None:
    """Prove a backup as verify does, then put it in the place of the home, which is kept aside.  No desk may run.

    Nothing trades before you open the kill.
    """
    from floorbroker.app.backup import BackupDamaged, read
    from floorbroker.app.restore import put_back
    from floorbroker.domain.clock import SystemClock
    from floorbroker.gateway.desk import Caller

    settings = settings_of(ctx)
    home, caller = settings.open_home(), Caller(principal="operator", via="cli")
    try:
        found = read(folder.expanduser().absolute())
        work = put_back(
            home,
            found,
            clock=SystemClock(),
            caller=caller,
            accept_older=accept_older,
            accept_unproven=accept_unproven,
        )
        done = asyncio.run(work)
    except BackupDamaged as error:
        raise Trouble(code=error.code, detail=error.detail, fix=ANOTHER, state="the home is as it was") from None
    aside = "" if done.aside is None else str(done.aside)
    lines = _shown(done.lines)
    if settings.json:
        show_json({**_told(found), "epochs": done.epochs, "aside": aside, "lines": lines})
    else:
        show_table(settings, lines, LINES)
        show_one(settings, {**_told(found), "epochs": done.epochs, "aside": aside})
    if any(line["what"].startswith("audit") for line in lines):
        say(settings, "so far it agrees with itself; the first key of the audit proves more: floorbroker audit verify")
    if done.people is None:
        say(
            settings, "who was shut out after the copy may come in again: floorbroker token list, floorbroker user list"
        )
    say(
        settings,
        "a kill of level 1 is on: start the desk, look at: floorbroker reconcile; then: floorbroker kill off --reason TEXT",
    )


def _shown(lines: Iterable[Line]) -> list[dict[str, str]]:
    return [{"what": line.what, "found": line.found, "wrong": line.wrong} for line in lines]


def _told(backup: Backup) -> dict[str, Any]:
    manifest = backup.manifest
    return {
        "folder": str(backup.folder),
        "made_at": manifest.made_at,
        "journals": {part.environment: part.last_seq for part in manifest.journals},
        "files": len(manifest.files),
        "bytes": sum(part.bytes for part in manifest.files),
    }
