"""`config show` and `config validate`: what is in force, where it comes from, and whether a desk would start with it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, cast

import typer

from floorbroker.cli.settings import Settings, settings_of
from floorbroker.cli.show import Column, say, show_json, show_table

KEYS = (Column("KEY", "key"), Column("VALUE", "value"), Column("FROM", "origin"))
STARS = "***"
SECRET = ("secret", "password", "token", "api_key")
config = typer.Typer(help="What is configured.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verbs of configuration."""
    app.add_typer(config, name="config")


@config.command("show")
def show(
    ctx: typer.Context,
    origin: Annotated[bool, typer.Option("--origin", help="Also tell where each value comes from.")] = False,
) -> None:
    """Every setting in force; secrets are masked."""
    from floorbroker.app.config import load, read_layers

    settings = settings_of(ctx)
    home = settings.open_home()
    found = load(home, path=settings.config).model_dump(mode="json")
    layers = read_layers(home, path=settings.config)
    rows = [
        {"key": key, "value": masked(key, value), "origin": origin_of(key, layers.values, layers.said)}
        for key, value in flat(found)
    ]
    if settings.json:
        show_json({row["key"]: row if origin else row["value"] for row in rows})
    else:
        show_table(settings, rows, KEYS if origin else KEYS[:2])


@config.command("validate")
def validate(ctx: typer.Context) -> None:
    """Whether a desk would start with this configuration; exit code 3 when not."""
    from floorbroker.app.config import load
    from floorbroker.app.credentials import read_bot
    from floorbroker.app.floor import NO_ROUTE, seats_of

    settings = settings_of(ctx)
    home = settings.open_home()
    found = load(home, path=settings.config)
    seats = seats_of(home, found, read_bot(home.env_bot))
    _told(settings, [seat.profile.name for seat in seats], [NO_ROUTE] if found.failover.enabled else [])


def _told(settings: Settings, names: list[Any], warnings: list[str]) -> None:
    if settings.json:
        show_json({"ok": True, "profiles": names, "warnings": warnings})
        return
    for warning in warnings:
        say(settings, f"warning: {warning}")
    say(settings, f"valid; profiles: {', '.join(names) or 'none'}")


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested tables as dotted keys."""
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from flat(cast("dict[str, Any]", value), f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def origin_of(key: str, given: Mapping[str, Any], said: Mapping[str, str]) -> str:
    """Which layer gave a value: a variable by its name, the file, or the default."""
    if key in said:
        name = said[key]
        return f"environment {name}" if name in os.environ else f".env_bot {name}"
    return "file" if key in dict(flat(given)) else "default"


def masked(key: str, value: object) -> object:
    """A value that may be shown."""
    return STARS if value and any(word in key.lower() for word in SECRET) else value
