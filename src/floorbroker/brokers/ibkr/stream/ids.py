"""The integer ids of orders: above every one that this client id was ever given, kept on disk before one is used.

The venue tells the next valid id with each connection, and it takes an id that works already for a change of that order: an id
used twice would turn one order into another.  So ids are set aside on disk in blocks, synced, and a start goes on above the last
block, whatever the venue says.  Ids that are never used are no loss.  Where the disk fails no id is given: an order without one
does not leave.  Cancels need none.
Document: interactivebrokers.com/campus/ibkr-api-page/twsapi-doc (next valid identifier).
"""

from __future__ import annotations

import os
from pathlib import Path

from floorbroker.domain.errors import ConfigInvalid, NotReady

BLOCK = 100
ID_MAX = 2_000_000_000 - 1  # what lies above numbers our questions: codes name both by the same kind of number
_DIGITS = 10


class OrderIds:
    """The ids of one client id at one program.  `path` holds the highest one that may have been used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._next: int | None = None
        self._reserved = 0

    def heard(self, next_valid: int) -> None:
        """The venue's word of a new connection; it only ever moves ids up."""
        self._next = max(next_valid, self._next or 1)

    def take(self, count: int = 1) -> int:
        """The first of `count` ids in a row, none of which was given before.

        Raises `NotReady` (NOT_SENT) before the venue has told where to begin, when the file cannot be read or written, and when
        the numbers are used up.
        """
        if count < 1:
            raise ValueError("at least one id is taken")
        if self._next is None:
            raise NotReady("the venue has not told the next order id of this connection yet")
        first = max(self._next, 1) if self._reserved else max(self._next, self._kept() + 1, 1)
        last = first + count - 1
        if last > ID_MAX:
            raise NotReady("the order ids of this client id are used up; take another client id")
        if last > self._reserved:
            ceiling = min(last + BLOCK, ID_MAX)
            self._keep(ceiling)
            self._reserved = ceiling
        self._next = last + 1
        return first

    def _kept(self) -> int:
        """The highest id of earlier starts; 0 where there was none."""
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise NotReady(f"the order ids cannot be read ({type(error).__name__})") from error
        if len(text) != _DIGITS or not text.isdigit():
            raise NotReady(f"the file of order ids is damaged: {self._path.name}")
        return int(text)

    def _keep(self, ceiling: int) -> None:
        """Written beside, synced, and put in its place: a crash leaves the old number or the new one."""
        beside = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                os.write(file, b"%0*d" % (_DIGITS, ceiling))
                os.fsync(file)
            finally:
                os.close(file)
            beside.replace(self._path)
            _sync_folder(self._path.parent)
        except OSError as error:
            raise NotReady(f"the order ids cannot be kept ({type(error).__name__})") from error


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # a folder cannot be opened there, and a replace is durable
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def ids_file(folder: Path, *, host: str, port: int, client_id: int) -> Path:
    """One file for each client id at each program.  Raises `ConfigInvalid` for a folder without its whole path."""
    if not folder.is_absolute():
        raise ConfigInvalid(f"order ids need a folder with its whole path, not {str(folder)[:100]!r}")
    named = "".join(letter if letter.isalnum() or letter in ".-" else "_" for letter in host)
    return folder / f"ibkr-ids-{named}-{port}-{client_id}"
