"""`config`: what is in force and where it comes from, one setting read or written, and whether a desk would start with it."""

from __future__ import annotations

import asyncio
import difflib
import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, cast

import typer

from floorbroker.cli.failures import Trouble, usage
from floorbroker.cli.settings import Settings, settings_of
from floorbroker.cli.show import Column, cell, say, show_json, show_table, show_text

KEYS = (Column("KEY", "key"), Column("VALUE", "value"), Column("FROM", "origin"))
STARS = "***"
SECRET = ("secret", "password", "token", "api_key")
COUNTS = frozenset({"streams_token"})  # names that sound like a secret, and are a number
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
        shown = [{**row, "value": as_set(row["value"])} for row in rows]
        show_table(settings, shown, KEYS if origin else KEYS[:2])


@config.command("get")
def get(ctx: typer.Context, key: Annotated[str, typer.Argument(metavar="KEY", help="Like server.port.")]) -> None:
    """One setting in force, or every one below a section; secrets are masked."""
    from floorbroker.app.config import load

    settings = settings_of(ctx)
    found = dict(flat(load(settings.open_home(), path=settings.config).model_dump(mode="json")))
    rows = {name: masked(name, value) for name, value in found.items() if name == key or name.startswith(f"{key}.")}
    if not rows:
        near = difflib.get_close_matches(key, found, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise Trouble(code="not_found", detail=f"no setting {key!r}{hint}", fix="see: floorbroker config show")
    if settings.json:
        show_json(rows[key] if list(rows) == [key] else rows)
    elif list(rows) == [key]:
        show_text(cell(as_set(rows[key])))
    else:
        show_table(settings, [{"key": name, "value": as_set(value)} for name, value in rows.items()], KEYS[:2])


@config.command("set")
def set_(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="Like trading.send_timeout_s.")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="As TOML, else as text: 5, true, 0.5, iex.")],
) -> None:
    """Write one setting into floorbroker.toml, comments kept; a desk that runs takes it up at its next start."""
    from floorbroker.app.config import config_of
    from floorbroker.app.written import read_text, replace_text, with_value

    settings = settings_of(ctx)
    file = settings.config or settings.open_home().config
    path = key.split(".")
    if is_secret(key) or (path[0] == "profiles" and path[-1].startswith("broker_")):
        raise usage(f"{key}: secrets do not stand in the configuration", fix="floorbroker broker add, or broker rotate")
    if path[0] == "profiles" and path[-1] in ("broker", "environment"):
        raise usage(f"{key}: another account is another profile", fix="floorbroker broker add")
    before = read_text(file)
    after = with_value(before, path, _as_toml(value))
    config_of(after, file)
    replace_text(file, before, after)
    if settings.json:
        show_json({"key": key, "file": str(file), "changed": before != after})
    say(settings, f"{key} is set in {file}; a desk that runs takes it up when it starts again")


def _as_toml(text: str) -> object:
    try:
        return tomllib.loads(f"v = {text}")["v"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return text


@config.command("validate")
def validate(ctx: typer.Context) -> None:
    """Whether a desk would start with this configuration; exit code 3 when not."""
    from floorbroker.app.config import load
    from floorbroker.app.credentials import read_bot
    from floorbroker.app.floor import NO_ROUTE, seats_of, vault_of
    from floorbroker.app.routes import has_routes, policy_of
    from floorbroker.app.tracing import assert_traceable
    from floorbroker.app.trial import assert_wired

    settings = settings_of(ctx)
    home, outside = settings.open_home(), settings.outside()
    found = load(home, path=settings.config)
    assert_traceable(found.telemetry.endpoint)
    seats = seats_of(home, found, read_bot(home.env_bot), vault=vault_of(home, found, outside))
    asyncio.run(assert_wired(home, seats, outside))
    policy_of(found, [seat.profile.name for seat in seats])
    idle = found.failover.enabled and not has_routes(found)
    _told(settings, [seat.profile.name for seat in seats], [NO_ROUTE] if idle else [])


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
    return STARS if value and is_secret(key) else value


def as_set(value: object) -> object:
    """A list as `config set` takes it."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value


def is_secret(key: str) -> bool:
    """Whether a setting's own name says so; those of a token's or a profile's table are judged one by one."""
    name = key.rpartition(".")[2].lower()
    return name not in COUNTS and any(word in name for word in SECRET)
