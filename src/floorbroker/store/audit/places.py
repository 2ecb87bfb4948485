"""The names of the audit's files, one set an environment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from floorbroker.domain.values import Environment

_SEGMENT = re.compile(r"(\d{6,9})\.jsonl")


@dataclass(frozen=True, slots=True)
class Places:
    """Where the chain of one environment stands."""

    folder: Path
    environment: Environment

    def segment(self, number: int) -> Path:
        return self.folder / f"{self.environment.value}-{number:06}.jsonl"

    def segments(self) -> list[tuple[int, Path]]:
        """Every segment that is here, by its number."""
        prefix = f"{self.environment.value}-"
        found = [
            (int(match[1]), path)
            for path in self.folder.glob(f"{prefix}*.jsonl")
            if (match := _SEGMENT.fullmatch(path.name.removeprefix(prefix)))
        ]
        return sorted(found)

    @property
    def key(self) -> Path:
        """Where the chain stands, and the key of its next record."""
        return self.folder / f"{self.environment.value}.key"

    @property
    def signing(self) -> Path:
        """The private key of the checkpoints."""
        return self.folder / f"{self.environment.value}.signing"

    @property
    def public(self) -> Path:
        """The public key of the checkpoints, for anybody."""
        return self.folder / f"{self.environment.value}.pub"

    @property
    def first(self) -> Path:
        """The first key of the chain, where no vault keeps it."""
        return self.folder / f"{self.environment.value}.first"

    def all(self) -> list[Path]:
        """Whatever there is of this chain."""
        named = [self.key, self.signing, self.public, self.first]
        return [*(path for _, path in self.segments()), *(path for path in named if path.exists())]
