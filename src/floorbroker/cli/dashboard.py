"""`dashboard`: the decision log, live in a browser, beside the desk."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from floorbroker.cli.failures import CONFIG, Trouble
from floorbroker.cli.settings import settings_of
from floorbroker.cli.show import say

PORT = 8751


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("dashboard")(dashboard)


def dashboard(
    ctx: typer.Context,
    *,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port.")] = PORT,
) -> None:
    """Follow the decision log in a browser, with Streamlit; it reads the file and knows nothing of the desk."""
    settings = settings_of(ctx)
    if importlib.util.find_spec("streamlit") is None:
        raise Trouble(
            code="config_invalid", detail="the dashboard needs Streamlit, which is not installed",
            exit_code=CONFIG,
            fix="in the folder of the source: make extra NAME=dashboard; or look at /decisions of the desk's own page",
        )  # fmt: skip
    path = settings.open_home().decisions
    say(settings, f"the decisions of {path} at http://{host}:{port}/, until Ctrl-C")
    env = {**os.environ, "FLOORBROKER_DECISIONS": str(path)}
    done = subprocess.run(command_for(host, port), env=env, check=False)  # noqa: S603 - our own words and a checked port
    if done.returncode not in (0, -2, 130):
        raise typer.Exit(1)


def command_for(host: str, port: int) -> list[str]:
    """Streamlit, which tells nobody of us, opens no browser and watches no files."""
    page = Path(__file__).parents[1] / "web" / "dashboard.py"
    given = {
        "server.address": host, "server.port": str(port), "server.headless": "true", "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false", "client.toolbarMode": "minimal",
    }  # fmt: skip
    return [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(page),
        *(f"--{name}={value}" for name, value in given.items()),
    ]
