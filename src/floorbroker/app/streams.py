"""The last net: standard error, with every line cleaned on its way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:  # a command that only prints its help must not load the domain for it
    from floorbroker.domain.ports import Redactor


class CleanStream:
    """A text stream whose lines pass the redactor: for whatever prints to standard error by a way we do not know.

    Unfinished lines are held until they end or somebody flushes.  `plain` is the stream behind it, for what is clean already.
    """

    def __init__(self, plain: TextIO, redactor: Redactor) -> None:
        self.plain = plain
        self._redactor = redactor
        self._held = ""

    def write(self, text: str) -> int:
        lines, end, rest = (self._held + text).rpartition("\n")
        self._held = rest
        if end:
            self.plain.write(self._redactor.clean(lines + end))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        self.write("".join(lines))

    def flush(self) -> None:
        held, self._held = self._held, ""
        if held:
            self.plain.write(self._redactor.clean(held))
        self.plain.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plain, name)


def behind(stream: TextIO) -> TextIO:
    """The stream itself, for what is clean already."""
    return stream.plain if isinstance(stream, CleanStream) else stream
