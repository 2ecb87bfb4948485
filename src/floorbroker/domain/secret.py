"""A secret that does not print, pickle, compare loosely or turn into JSON."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import NoReturn


class Secret:
    """Text that only `reveal()` gives out; everything else shows stars."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself: for the signer, the moment it signs, and nobody else."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied")


class LeasedSecret(Secret):
    """A secret that is borrowed each time it is used: `reveal()` asks the lender, who may say no (`VaultLocked`).

    It holds no text, so keeping one keeps nothing.  It always counts as given, and equals itself alone.
    """

    __slots__ = ("_lend",)

    def __init__(self, lend: Callable[[], Secret]) -> None:
        super().__init__("")
        self._lend = lend

    def reveal(self) -> str:
        return self._lend().reveal()

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)
