"""One target under atheris, in a process of its own: `python -m tests.fuzz.deep NAME [libFuzzer flags] [corpus folders]`.

Only our own packages are instrumented.  Most inputs come from `mutate.py`, which keeps messages readable; the rest from
libFuzzer's own mutations, which know nothing of messages and find what that one would not.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from random import Random

import atheris  # pyright: ignore[reportMissingModuleSource] - it stands in an environment of its own

with atheris.instrument_imports(  # pyright: ignore[reportAttributeAccessIssue]
    include=["floorbroker", "floorbroker_sim"]
):
    from tests.fuzz.targets import TARGETS

from tests.fuzz.mutate import mutated
from tests.fuzz.target import Target
from tests.fuzz.watch import Watch

OURS = 0.8


def mutator(target: Target) -> Callable[[bytes, int, int], bytes]:
    """What libFuzzer calls for another input near `data`."""
    donors = target.seeds()

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        random = Random(seed)
        if random.random() > OURS:
            return atheris.Mutate(data, max_size)
        near = mutated(data, donors=donors, random=random, max_len=max_size)
        return target.repair(near)[:max_size] if random.random() < 0.5 else near

    return mutate


def main(arguments: list[str]) -> None:
    """Fuzz until libFuzzer ends the process."""
    target, watch = TARGETS[arguments[1]], Watch()

    def one_input(data: bytes) -> None:
        watch.run(lambda: target.run(data))

    flags = [f"tests.fuzz.deep {target.name}", f"-max_len={target.max_len}", *arguments[2:]]
    atheris.Setup(flags, one_input, custom_mutator=mutator(target))
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
