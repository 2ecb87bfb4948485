"""The chain of a process that dies, or loses power, at every call to the file system."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import pytest

from floorbroker.domain.errors import JournalFault
from floorbroker.store.audit.chain import Chain
from floorbroker.store.audit.files import Files
from tests.unit.store.audit.chains import MINUTE, Desk, Kept, rows, sequence

RECORDS = 26


class Dead(BaseException):
    """The process is gone."""


class Loss(Enum):
    """What the last moments leave: the call was not made, a write was half made; nothing that was not flushed; zeros for it."""

    BEFORE = "before"
    TORN = "torn"
    POWER = "power"
    ZEROS = "zeros"


class Unflushed(Files):
    """Without the waits: what a flush means is played, not awaited."""

    def sync(self, descriptor: int) -> None:
        del descriptor

    def sync_folder(self, folder: Path) -> None:
        del folder


@dataclass
class Dying(Unflushed):
    """A file system that ends at call `last`.  It remembers what was flushed, and by which name the disk knows it."""

    last: int
    loss: Loss
    calls: int = 0
    names: dict[int, Path] = field(default_factory=dict[int, Path])
    flushed: dict[Path, bytes] = field(default_factory=dict[Path, bytes])
    pending: dict[Path, bytes | None] = field(default_factory=dict[Path, bytes | None])

    def _call(self, torn: Callable[[], None] = lambda: None) -> None:
        self.calls += 1
        if self.calls == self.last:
            if self.loss is Loss.TORN:
                torn()
            raise Dead

    def open(self, path: Path) -> int:
        is_new = not path.exists()
        self._call()
        descriptor = super().open(path)
        self.names[descriptor] = path
        self.flushed.setdefault(path, b"" if is_new else path.read_bytes())
        return descriptor

    def write(self, descriptor: int, at: int, data: bytes) -> None:
        self._call(lambda: super(Dying, self).write(descriptor, at, data[: len(data) // 2]))
        super().write(descriptor, at, data)

    def cut(self, descriptor: int, size: int) -> None:
        self._call()
        super().cut(descriptor, size)

    def sync(self, descriptor: int) -> None:
        self._call()
        self.flushed[self.names[descriptor]] = self.names[descriptor].read_bytes()

    def close(self, descriptor: int) -> None:
        super().close(descriptor)  # a dead process closes its files as well
        if self.calls < self.last:
            self._call()

    def rename(self, old: Path, new: Path) -> None:
        self._call()
        self.pending.setdefault(new, self.flushed.get(new))
        super().rename(old, new)
        self.flushed[new] = self.flushed.pop(old)

    def remove(self, path: Path) -> None:
        self._call()
        super().remove(path)

    def sync_folder(self, folder: Path) -> None:
        self._call()
        self.pending.clear()

    def power_off(self, *, zeros: bool, renames: bool) -> None:
        """The disk as it is found: what was never flushed is gone or zeros; a rename whose folder was not flushed may be
        undone.
        """
        for path, data in self.flushed.items():
            if path.exists():
                lost = len(path.read_bytes()) - len(data)
                path.write_bytes(data + bytes(max(0, lost)) if zeros else data)
        for path, data in self.pending.items() if renames else ():
            if data is None:
                path.unlink(missing_ok=True)
            else:
                path.write_bytes(data)


def life(desk: Desk) -> None:
    """A beginning, batches, checkpoints and several segments."""
    for batch in (1, 4, 6, 5, 10):
        desk.write(batch, batch=3)


def calls_of_a_life(folder: Path) -> int:
    files = Dying(last=1 << 30, loss=Loss.BEFORE)
    life(Desk(folder, files=files))
    return files.calls


@pytest.mark.parametrize("loss", list(Loss))
def test_whatever_call_a_process_dies_at_no_row_is_skipped_or_doubled(loss: Loss, tmp_path: Path) -> None:
    total, kept = calls_of_a_life(tmp_path / "whole"), Kept()
    assert total > 100
    for last in range(1, total + 1):
        folder = tmp_path / str(last)
        files = Dying(last=last, loss=loss)
        with pytest.raises(Dead):
            life(Desk(folder, kept, files=files))
        if loss in (Loss.POWER, Loss.ZEROS):
            files.power_off(zeros=loss is Loss.ZEROS, renames=loss is Loss.POWER)
        after = Desk(folder, kept, files=Unflushed())
        assert not after.places.key.exists() or after.verify().ok, f"call {last}: what a crash leaves is no tampering"
        after.write(RECORDS - after.chain().size)
        assert sequence(after.lines()) == list(range(1, RECORDS + 1)), f"call {last}"
        verdict = after.verify()
        assert (verdict.ok, verdict.remarks) == (True, []), f"call {last}: {verdict}"
        shutil.rmtree(folder)


@dataclass
class Full(Unflushed):
    """A disk that is full for a while: every write and flush from call `first` on fails, until there is room."""

    first: int
    calls: int = 0
    is_full: bool = True

    def write(self, descriptor: int, at: int, data: bytes) -> None:
        self._room(lambda: super(Full, self).write(descriptor, at, data[: len(data) // 3]))
        super().write(descriptor, at, data)

    def sync(self, descriptor: int) -> None:
        self._room(lambda: None)

    def _room(self, half: Callable[[], None]) -> None:
        self.calls += 1
        if self.is_full and self.calls >= self.first:
            half()
            raise OSError(28, "No space left on device")


@pytest.mark.parametrize("first", range(9, 60))
def test_a_chain_goes_on_by_itself_when_there_is_room_again(first: int, tmp_path: Path) -> None:
    files = Full(first=first)
    desk = Desk(tmp_path / "audit", files=files)
    chain = desk.chain()
    with pytest.raises(JournalFault, match="No space left"):
        one_by_one(desk, chain)
    files.is_full = False
    one_by_one(desk, chain)
    assert sequence(desk.lines()) == list(range(1, RECORDS + 1))
    assert desk.verify().ok


@pytest.mark.parametrize("first", range(9, 60))
def test_a_desk_that_dies_on_a_disk_that_stays_full_leaves_a_whole_chain(first: int, tmp_path: Path) -> None:
    """Tried again and again: lines that the key on the disk knows are never cut off, whatever call said no behind it."""
    kept = Kept()
    desk = Desk(tmp_path / "audit", kept, files=Full(first=first))
    chain = desk.chain()
    for _ in range(3):
        with pytest.raises(JournalFault):
            one_by_one(desk, chain)
    after = Desk(tmp_path / "audit", kept, files=Unflushed())
    assert after.verify().ok
    after.write(RECORDS - after.chain().size)
    assert sequence(after.lines()) == list(range(1, RECORDS + 1))
    assert after.verify().ok


def one_by_one(desk: Desk, chain: Chain) -> None:
    while chain.size < RECORDS:
        desk.at += MINUTE
        chain.extend(rows(1, after=chain.size), at=desk.at)
