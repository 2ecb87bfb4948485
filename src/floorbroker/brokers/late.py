"""Names of a package that load when they are first used: a desk has a few brokers, and pays for no others when it starts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module


def late(package: str, **rooms: tuple[str, ...]) -> Callable[[str], object]:
    """The `__getattr__` of a package: which names each of its rooms holds.  Raises `AttributeError` for any other."""
    homes = {name: room for room, names in rooms.items() for name in names}

    def load(name: str) -> object:
        room = homes.get(name)
        if room is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{room.replace('__', '.')}"), name)
        setattr(sys.modules[package], name, value)  # from now on it is simply there
        return value

    return load
