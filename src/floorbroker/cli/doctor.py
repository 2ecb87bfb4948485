"""`doctor`: what could stand in the way, each red line with its repair."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from floorbroker.cli.failures import UNPROVEN
from floorbroker.cli.settings import Settings, settings_of
from floorbroker.cli.show import Column, say, show_json, show_table

if TYPE_CHECKING:
    from floorbroker.cli.examining import Finding

FINDINGS = (Column("CHECK", "check"), Column("", "state"), Column("DETAIL", "detail"))


def register(app: typer.Typer) -> None:
    """Add the verb of examination."""
    app.command("doctor")(doctor)


def doctor(ctx: typer.Context) -> None:
    """Look at Python, SQLite, clock, disk, permissions, port, journals and every profile; exit code 11 when one is red."""
    from floorbroker.cli.examining import examine

    settings = settings_of(ctx)
    findings = examine(settings)
    _told(settings, findings)
    if any(finding.state == "red" for finding in findings):
        raise typer.Exit(UNPROVEN)


def _told(settings: Settings, findings: list[Finding]) -> None:
    clean = settings.redactor.clean
    rows = [{"check": f.check, "state": f.state, "detail": clean(f.detail), "repair": f.repair} for f in findings]
    if settings.json:
        show_json({"ok": all(f.state != "red" for f in findings), "checks": rows})
        return
    show_table(settings, rows, FINDINGS)
    for finding in findings:
        if finding.repair:
            say(settings, f"{finding.state} {finding.check}: {finding.repair}")
