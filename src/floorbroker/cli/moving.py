"""`broker import-env`: profiles out of old `.env` files, with a word on every line and no value of any."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from floorbroker.cli.failures import SOME, Trouble, usage
from floorbroker.cli.passphrases import PASSPHRASE, Given
from floorbroker.cli.settings import Settings, settings_of
from floorbroker.cli.show import Column, say, show_json, show_table

if TYPE_CHECKING:
    from floorbroker.app.importing import Draft, Reading
    from floorbroker.cli.brokering import Changing

LINES = (
    Column("LINE", "where"),
    Column("NAME", "name"),
    Column("USED", "used"),
    Column("", "detail"),
)
FOUND = (Column("PROFILE", "name"), Column("BROKER", "broker"), Column("", "state"), Column("", "detail"))
MADE, REFUSED, WOULD = "made", "refused", "would be made"
_FILE_MAX = 1024 * 1024


def register(broker: typer.Typer) -> None:
    """Add the verb to those of profiles."""
    broker.command("import-env")(import_env)


def import_env(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Old .env files, read together.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be made; change nothing.")] = False,
    name: Annotated[str | None, typer.Option(help="The name of the profile, where the files describe one.")] = None,
    keyring: Annotated[bool, typer.Option("--keyring", help="Keep secrets in the OS keyring, not the vault.")] = False,
    passphrase_fd: Annotated[
        int | None, typer.Option("--passphrase-fd", min=0, help="Read the vault's passphrase from it.")
    ] = None,
    passphrase_file: Annotated[
        Path | None, typer.Option("--passphrase-file", help="Read the vault's passphrase from it.")
    ] = None,
) -> None:
    """Make profiles out of old .env files of any venue.  What says neither paper nor live is paper, unless --env says more."""
    settings = settings_of(ctx)
    reading = _read(settings, files)
    drafts = [draft for draft in reading.drafts if not draft.refused]
    if name is not None and len(drafts) != 1:
        raise usage(f"--name is for files that describe one profile; these describe {len(drafts)}")
    rows = [_told(draft, draft.name, REFUSED, draft.refused) for draft in reading.drafts if draft.refused]
    if dry_run:
        rows += [_would(settings, draft, name or draft.name) for draft in drafts]
    elif drafts:
        rows += _made(settings, drafts, name, Given(passphrase_fd, passphrase_file, PASSPHRASE), keyring=keyring)
    _show(settings, reading, rows, dry_run=dry_run)
    failed = sum(row["state"] == REFUSED for row in rows)
    if not rows or failed == len(rows):
        raise Trouble(
            code="invalid_request", detail="no profile was made: no line describes an account that this desk can use",
            state="nothing was changed", fix="see the lines above, or: floorbroker broker add",
        )  # fmt: skip
    if failed:
        raise typer.Exit(SOME)


def _read(settings: Settings, files: list[Path]) -> Reading:
    from floorbroker.app.compose import BROKERS
    from floorbroker.app.importing import read_files
    from floorbroker.domain.values import Environment

    texts = [(str(file), _text(file)) for file in files]
    return read_files(texts, BROKERS, default=None if settings.env is None else Environment(settings.env))


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            raw = opened.read(_FILE_MAX + 1)
    except OSError as error:
        raise usage(f"{file}: it cannot be read: {error.strerror}") from None
    if len(raw) > _FILE_MAX:
        raise usage(f"{file}: it is larger than {_FILE_MAX} bytes")
    return raw.decode("utf-8", errors="replace")


def _would(settings: Settings, draft: Draft, name: str) -> dict[str, Any]:
    """What making it would say, as far as that can be told without touching anything."""
    from floorbroker.app.config import load
    from floorbroker.app.profile_forms import NewProfile, checked, section_of
    from floorbroker.domain.errors import FloorbrokerError

    new = NewProfile(
        name=name, broker=draft.broker, environment=draft.environment, host=draft.host, url=draft.url,
        options=draft.options, enabled=draft.enabled, fields=draft.sealed,
    )  # fmt: skip
    try:
        checked(new, section_of(new))
    except FloorbrokerError as error:
        return _told(draft, name, REFUSED, error.detail)
    if name in load(settings.open_home(), path=settings.config).profiles:
        return _told(draft, name, REFUSED, f"there is a profile {name!r} already")
    return _told(draft, name, WOULD, "; ".join(draft.notes))


def _made(
    settings: Settings, drafts: list[Draft], name: str | None, passphrase: Given, *, keyring: bool
) -> list[dict[str, Any]]:
    from floorbroker.cli.brokering import changing

    async def work(door: Changing) -> list[dict[str, Any]]:
        return [await _make(door, draft, name or draft.name, keyring=keyring) for draft in drafts]

    sealed = any(draft.sealed for draft in drafts) and not keyring
    return changing(settings, passphrase, work, sealed=sealed)


async def _make(door: Changing, draft: Draft, name: str, *, keyring: bool) -> dict[str, Any]:
    """One profile; one that is refused does not keep the others from being made."""
    from floorbroker.client import Refused

    body = {
        "name": name, "broker": draft.broker, "url": draft.url, "host": draft.host, "options": dict(draft.options),
        "enabled": draft.enabled, "credentials": "keyring" if keyring else "vault",
        "fields": {field: secret.reveal() for field, secret in draft.sealed.items()},
    }  # fmt: skip
    try:
        found = await door.call("POST", draft.environment.value, "", body=body)
    except Refused as error:
        if error.problem.code in ("vault_locked", "journal_fault"):
            raise
        return _told(draft, name, REFUSED, error.problem.detail)
    return _told(draft, name, MADE, "; ".join((*draft.notes, *found["notes"])))


def _told(draft: Draft, name: str, state: str, detail: str) -> dict[str, Any]:
    row = {"name": name, "broker": draft.broker, "environment": draft.environment.value}
    return {**row, "state": state, "detail": detail}


def _show(settings: Settings, reading: Reading, rows: list[dict[str, Any]], *, dry_run: bool) -> None:
    lines = [
        {"file": x.file, "line": x.number, "name": x.name, "used": x.used, "detail": x.detail} for x in reading.lines
    ]
    if settings.json:
        show_json({"dry_run": dry_run, "profiles": rows, "lines": lines})
        return
    if lines:
        show_table(settings, [{**line, "where": f"{line['file']}:{line['line']}"} for line in lines], LINES)
    if rows:
        show_table(settings, rows, FOUND)
    if any(row["state"] == MADE for row in rows):
        say(settings, "prove each with: floorbroker broker test PROFILE; then delete the old files")
