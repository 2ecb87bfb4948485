"""Each rival in an environment of its own, made by uv from pinned requirements; ours as its users install it.

A rival whose environment cannot be made (no network, no interpreter of its kind) is reported in one line.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PINNED = ROOT / "benchmarks" / "peers"
ENVIRONMENTS = ROOT / ".tools" / "bench"
UV = ROOT / ".tools" / "bin" / "uv"
NEWER = {"nautilus_trader": "3.12"}  # the first Python that this rival supports
_MADE_S = 900


class Absent(Exception):
    """A rival that cannot be measured here; the text says why."""


def python_of(peer: str) -> Path:
    """The interpreter of a rival's environment, which is made when it is missing or pinned anew."""
    pins = PINNED / f"{peer}.txt"
    return _made(peer, pins.read_bytes(), lambda home: _install(home, pins, NEWER.get(peer)))


def our_python() -> Path:
    """The interpreter of an environment with this checkout, its `fast` extra and the native core, as a desk is installed; and
    with numpy, which whoever runs backtests has from the `research` extra.
    """
    pins = _numpy().encode() + b"".join(path.read_bytes() for path in (ROOT / "uv.lock", *_wheels()))
    return _made("floorbroker", pins, _install_ours)


def _made(name: str, pins: bytes, install: object) -> Path:
    home = ENVIRONMENTS / name
    python, stamp = home / "bin" / "python", home / "pinned.sha256"
    digest = hashlib.sha256(pins).hexdigest()
    if not (python.exists() and stamp.exists() and stamp.read_text() == digest):
        shutil.rmtree(home, ignore_errors=True)
        assert callable(install)
        install(home)
        stamp.write_text(digest)
    return python


def _install(home: Path, pins: Path, version: str | None) -> None:
    interpreter = str(_by_pyenv(version) or version or ROOT / ".tools" / "bin" / "python")
    try:
        _uv("venv", "--quiet", "--python", interpreter, str(home))
    except Absent as error:
        raise Absent(f"it needs Python {version}, and uv finds none here") if version else error from None
    _uv("pip", "install", "--quiet", "--no-deps", "--python", str(home / "bin" / "python"), "-r", str(pins))


def _by_pyenv(version: str | None) -> Path | None:
    """An interpreter that pyenv keeps without showing it on the path."""
    if version is None:
        return None
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    return next(iter(sorted(kept.glob(f"{version}.*/bin/python"), reverse=True)), None)


def _install_ours(home: Path) -> None:
    interpreter = str(ROOT / ".tools" / "bin" / "python")
    _uv("sync", "--frozen", "--quiet", "--no-default-groups", "--extra", "fast", "--python", interpreter, into=home)
    for package in (_numpy(), *map(str, _wheels())):
        _uv("pip", "install", "--quiet", "--no-deps", "--python", str(home / "bin" / "python"), package)


def _numpy() -> str:
    """The locked version for the interpreter of the checkout."""
    locked = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    found = [one["version"] for one in locked if one["name"] == "numpy"]
    return f"numpy=={min(found, key=lambda version: tuple(map(int, version.split('.'))))}"


def _wheels() -> list[Path]:
    """The native core of the order books, where `make native` built it."""
    return sorted((ROOT / "rust" / "book" / "target" / "wheels").glob("*.whl"))


def _uv(*arguments: str, into: Path | None = None) -> None:
    extra = {} if into is None else {"UV_PROJECT_ENVIRONMENT": str(into)}
    environ = os.environ | {"UV_PYTHON_DOWNLOADS": "never"} | extra
    command = [str(UV), *arguments]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=_MADE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Absent(f"uv {arguments[0]}: {type(error).__name__}") from error
    if done.returncode != 0:
        raise Absent(f"uv {arguments[0]}: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'failed'}")
