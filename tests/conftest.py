"""What every test stands on: a clean environment, no way out of this machine, and the optional folders of data."""

from __future__ import annotations

import gc
import ipaddress
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

RESERVED = (".invalid", ".test", ".example", ".localhost")
REACHING = frozenset({"socket.connect", "socket.sendto", "socket.getaddrinfo"})
KEPT = {
    "FLOORBROKER_DATA", "FLOORBROKER_CONTRACTS", "FLOORBROKER_FUZZ_REQUESTS",
    "FLOORBROKER_CANARY_CASES", "FLOORBROKER_CANARY_SEED", "FLOORBROKER_MUTATIONS",
}  # fmt: skip


class EgressDeniedError(BaseException):
    """A test reached for another machine; no `Exception`, so that nothing under test takes it for a lost link."""


class _Egress:
    """Whether sockets may leave this machine; an audit hook cannot be removed, so it asks here."""

    allowed = False


def _is_local(host: object) -> bool:
    if not isinstance(host, str | bytes) or not host:
        return True
    name = (host.decode("ascii", "replace") if isinstance(host, bytes) else host).rstrip(".").split("%")[0]
    if name == "localhost" or name.endswith(RESERVED):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _guard(event: str, args: tuple[Any, ...]) -> None:
    if event not in REACHING or _Egress.allowed:
        return
    where = args[0] if event == "socket.getaddrinfo" else args[1]
    host = where[0] if isinstance(where, tuple) and where else where
    if event != "socket.getaddrinfo" and not isinstance(where, tuple):
        return  # a Unix socket or a netlink address
    if not _is_local(host):
        raise EgressDeniedError(f"a test reached for {host!r}; only loopback is open to tests")


def pytest_configure() -> None:
    """Before anything is imported by a test: forget the developer's own desk, and shut the way out."""
    for name in [n for n in os.environ if n.startswith(("FLOORBROKER_", "BROKER_")) and n not in KEPT]:
        del os.environ[name]
    os.environ["FLOORBROKER_HOME"] = tempfile.mkdtemp(prefix="floorbroker-tests-")
    sys.addaudithook(_guard)
    signal.signal(signal.SIGINT, _interrupted)


def pytest_collection_finish() -> None:
    """What collecting left in memory stays to the end: the garbage collector need not walk through it again and again."""
    gc.freeze()


def _interrupted(*_: object) -> None:
    """Python's own handler under another name.

    In its place `asyncio.Runner` puts one that holds its task, and looking that one up prints the task with all it returned: a
    whole desk, for each fixture of a test.
    """
    raise KeyboardInterrupt


settings.register_profile("local", deadline=None, max_examples=50)
settings.register_profile(
    "ci",
    deadline=None,  # a shared machine pauses; the default time-out of a test is the bound
    max_examples=50,
    derandomize=True,  # a red build must be red again
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(autouse=True)
def _egress(request: pytest.FixtureRequest) -> Iterator[None]:
    """Opens the way out for tests marked `live`, and for them alone."""
    _Egress.allowed = request.node.get_closest_marker("live") is not None
    yield
    _Egress.allowed = False


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests against a real sandbox run only when somebody asks for them by name."""
    if "live" in (config.option.markexpr or ""):
        return
    skip = pytest.mark.skip(reason="talks to a venue's sandbox; ask for it with -m live")
    for item in items:
        if item.get_closest_marker("live"):
            item.add_marker(skip)


def _folder(variable: str) -> Path:
    value = os.environ.get(variable)
    if value is None:
        pytest.skip(f"{variable} is not set")
    path = Path(value)
    if not path.is_dir():
        pytest.skip(f"{variable} names no folder")
    return path


@pytest.fixture(scope="session")
def recorded_data() -> Path:
    """The folder of recorded market data, which lives outside the project."""
    return _folder("FLOORBROKER_DATA")


@pytest.fixture(scope="session")
def contracts_dir() -> Path:
    """The folder of the venues' published specifications, which lives outside the project."""
    return _folder("FLOORBROKER_CONTRACTS")
