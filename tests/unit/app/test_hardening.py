"""What a process does so that its secrets stay in it, seen from other processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from floorbroker.app.hardening import SECRET_VARIABLES, forget_environment

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the system has no /proc and no prctl")
KEY = "PKQ7ZT2LV9XW4RN8AHCD"

_HARDENED = """
import json, os, resource, sys
from floorbroker.app.hardening import forget_environment, harden, standing
before = standing()
after = harden()
gone = forget_environment()
folder = sys.argv[1]
open(os.path.join(folder, "made"), "w").close()
print(json.dumps({
    "core": [before.core_files, after.core_files],
    "readable": [before.readable_by_others, after.readable_by_others],
    "hard": resource.getrlimit(resource.RLIMIT_CORE)[1],
    "mode": oct(os.stat(os.path.join(folder, "made")).st_mode & 0o777),
    "gone": gone,
    "left": [name for name in os.environ if name.startswith("BROKER_")],
    "block": open("/proc/self/environ", "rb").read().decode() if sys.platform == "linux" else "",
    "child": os.popen("env").read(),
}), flush=True)
sys.stdin.read()
"""


def _begin(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _HARDENED, str(folder)],
        env={**os.environ, "BROKER_SECRET_KEY": KEY, "BROKER_URL": f"https://me:{KEY}@x", "BROKER_CODE": "ALPACA"},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def _told(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with _begin(tmp_path_factory.mktemp("hardened")) as process:
        found = _told(process)
        process.communicate("")
    return found


@on_linux
def test_no_core_file_is_written_any_more_and_the_limit_cannot_be_raised(told: dict[str, Any]) -> None:
    assert told["core"][1] is False
    assert told["hard"] == 0


@on_linux
def test_the_process_is_closed_to_the_user_s_other_programs(told: dict[str, Any]) -> None:
    assert told["readable"] == [True, False]


def test_files_are_made_for_their_owner_alone(told: dict[str, Any]) -> None:
    assert told["mode"] == "0o600"


def test_secrets_leave_the_environment_and_the_rest_stays(told: dict[str, Any]) -> None:
    assert told["gone"] == ["BROKER_SECRET_KEY", "BROKER_URL"]
    assert told["left"] == ["BROKER_CODE"]


def test_children_do_not_inherit_secrets(told: dict[str, Any]) -> None:
    assert KEY not in told["child"]
    assert "BROKER_CODE=ALPACA" in told["child"]


@on_linux
def test_the_block_the_process_was_started_with_is_overwritten(told: dict[str, Any]) -> None:
    assert KEY not in told["block"]
    assert "BROKER_SECRET_KEY=****" in told["block"]


_OF_A_USER = """
import ctypes, os, resource, sys
from floorbroker.app.hardening import harden
os.setgroups([]); os.setgid(65534); os.setuid(65534)
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # as a program that this user started
if sys.argv[1] == "hardened":
    harden()
print("ready", flush=True)
sys.stdin.read()
"""
_READER = """
import os, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
open(sys.argv[1], "rb").read(1)
"""


def _read_by_the_same_user(kind: str, name: str) -> str:
    with subprocess.Popen(
        [sys.executable, "-c", _OF_A_USER, kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        path = f"/proc/{process.pid}/{name}"
        reader = subprocess.run([sys.executable, "-c", _READER, path], capture_output=True, text=True, check=False)
        process.communicate("")
    return reader.stderr


@on_linux
@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root may become another user")
@pytest.mark.parametrize("name", ["environ", "mem", "maps"])
def test_another_program_of_the_same_user_reads_neither_memory_nor_environment(name: str) -> None:
    assert "PermissionError" in _read_by_the_same_user("hardened", name)
    assert "PermissionError" not in _read_by_the_same_user("as it is", name)


def test_forgetting_touches_only_what_it_was_told_to() -> None:
    environ = {"BROKER_PASSWORD": KEY, "OTHER": KEY}
    assert forget_environment(environ, ["BROKER_PASSWORD", "BROKER_API_KEY"]) == ("BROKER_PASSWORD",)
    assert environ == {"OTHER": KEY}


def test_every_sealed_field_is_among_the_secret_variables() -> None:
    sealed = {"BROKER_USERNAME", "BROKER_PASSWORD", "BROKER_ACCOUNT_NUMBER", "BROKER_API_KEY", "BROKER_SECRET_KEY"}
    assert sealed <= set(SECRET_VARIABLES)
