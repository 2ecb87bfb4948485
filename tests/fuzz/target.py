"""What a target is: a name, a function of bytes, and the errors that may come out of the code it drives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
PAYLOADS = Path(__file__).resolve().parents[1] / "payloads"


def payload(path: str) -> bytes:
    """A composed message of a venue, on one line."""
    return b" ".join((PAYLOADS / path).read_bytes().split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """`one_input` reads one hostile input and returns what was made of it; it raises nothing but `declared`.

    What else it raises is a finding: an error nobody documents, or an `AssertionError` of the target itself, where what came
    out contradicts what the code promises.  `repair` makes an input of lengths and sums that must fit fit again.
    """

    name: str
    one_input: Callable[[bytes], object]
    declared: tuple[type[Exception], ...]
    max_len: int = 8 * 1024
    repair: Callable[[bytes], bytes] = bytes

    def run(self, data: bytes) -> object:
        """What one input makes; a declared error counts as an answer."""
        try:
            return self.one_input(data)
        except self.declared as error:
            return error

    def seeds(self) -> list[bytes]:
        """The committed inputs, in the order of their names."""
        return [path.read_bytes() for path in sorted((CORPUS / self.name).iterdir())]
