"""The names at the top are there, and importing the package costs nothing."""

from __future__ import annotations

import subprocess
import sys

import floorbroker

HEAVY = {
    "aiohttp", "alembic", "cryptography", "fastapi", "httptools", "httpx2", "jinja2", "msgspec", "picows", "pydantic",
    "rfc8785", "rich", "sqlalchemy", "sqlite3", "ssl", "starlette", "structlog", "typer", "uvicorn", "websockets",
}  # fmt: skip


def test_every_name_at_the_top_can_be_had() -> None:
    assert all(getattr(floorbroker, name) is not None for name in floorbroker.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(floorbroker, "NoSuchName")


def loaded_by(statement: str) -> set[str]:
    """Modules that a statement loads in a fresh process."""
    code = f"import sys; before = set(sys.modules); {statement}; print(*(set(sys.modules) - before))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(found.stdout.split())


def test_importing_the_package_loads_nothing_else() -> None:
    assert loaded_by("import floorbroker") <= {"floorbroker", "__future__"}


def test_each_name_brings_only_what_it_needs() -> None:
    """Values, records and errors come without any library, and a schema without what serves or sends."""
    homes = {name: getattr(getattr(floorbroker, name), "__module__", "") for name in floorbroker.__all__}
    values = [name for name, home in homes.items() if home.startswith("floorbroker.domain")]
    assert {"Side", "Order", "NewOrder", "ExecutionReport", "BrokerError"} <= set(values)
    loaded = loaded_by(f"from floorbroker import {', '.join(values)}")
    assert not loaded & HEAVY
    assert not loaded_by("from floorbroker import OrderSchema") & (HEAVY - {"pydantic", "msgspec"})
