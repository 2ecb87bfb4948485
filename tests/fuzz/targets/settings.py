"""Files that people write: `floorbroker.toml`, and `.env_bot`.  The first line says which one follows."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from floorbroker.app.config import load
from floorbroker.app.credentials import profile_of, read_bot
from floorbroker.app.home import Home
from floorbroker.brokers.alpaca.info import INFO
from floorbroker.domain.errors import ConfigInvalid
from tests.fuzz.target import Target

DECLARED = (ConfigInvalid,)
DETAIL_MAX = 4_000


class _Folder:
    """One folder for the files of all inputs; it goes when the process does."""

    def __init__(self) -> None:
        self._kept: tempfile.TemporaryDirectory[str] | None = None

    def write(self, data: bytes) -> Path:
        self._kept = self._kept or tempfile.TemporaryDirectory(prefix="floorbroker-fuzz-")
        path = Path(self._kept.name, "file")
        path.write_bytes(data)
        return path


FOLDER = _Folder()


def one_input(data: bytes) -> object:
    """What the file says, or the one sentence that names what is wrong in it."""
    kind, _, text = data.partition(b"\n")
    path = FOLDER.write(text)
    read: Callable[[Path], object] = _bot if kind == b"env" else _config
    try:
        return read(path)
    except ConfigInvalid as refusal:
        _check(refusal)
        raise


def _check(refusal: ConfigInvalid) -> None:
    """A refusal is one sentence, not the file."""
    assert len(refusal.detail) <= DETAIL_MAX, "a refusal that repeats the file"


def _config(path: Path) -> object:
    config = load(Home(path.parent), path=path, environ={})
    return [(profile, config.limits(profile)) for profile in config.enabled()]


def _bot(path: Path) -> object:
    bot = read_bot(path, environ={})
    return bot.fields(), profile_of(bot, {INFO.code: INFO})


TARGET = Target(name="settings", one_input=one_input, declared=DECLARED)
