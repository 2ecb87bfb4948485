"""What a process does so that its secrets stay in it: no core files, no readers among its user's other programs, an empty
environment.

Linux does all of it, other systems what they can; `standing` tells which holds, and `doctor` shows it.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass

_PR_GET_DUMPABLE, _PR_SET_DUMPABLE = 3, 4
_PRIVATE = 0o077
SECRET_VARIABLES = (
    "BROKER_USERNAME",
    "BROKER_PASSWORD",
    "BROKER_ACCOUNT_NUMBER",
    "BROKER_API_KEY",
    "BROKER_SECRET_KEY",
    "BROKER_URL",  # people write a login into it
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds for this process; None where the system has no such thing."""

    core_files: bool | None
    readable_by_others: bool | None


def harden() -> Standing:
    """What `keep_to_itself` does, and files are made for their owner alone."""
    os.umask(_PRIVATE)
    return keep_to_itself()


def keep_to_itself() -> Standing:
    """No core files are written, and no other program of the user reads this one's memory or environment.

    Debuggers cannot attach afterwards.  Children inherit the limit on core files; a new program in them is readable again.
    """
    _no_core_files()
    _not_dumpable()
    return standing()


def standing() -> Standing:
    """What holds now, asked of the system."""
    return Standing(core_files=_writes_core_files(), readable_by_others=_is_dumpable())


def _no_core_files() -> None:
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _writes_core_files() -> bool | None:
    if sys.platform == "win32":
        return None
    import resource

    return resource.getrlimit(resource.RLIMIT_CORE)[0] != 0


def _not_dumpable() -> None:
    """No core file even where a pipe takes them, and `/proc/PID/mem` and `environ` are closed to the user's other programs."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _is_dumpable() -> bool | None:
    if sys.platform != "linux":
        return None
    return ctypes.CDLL(None).prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) != 0


def forget_environment(
    environ: MutableMapping[str, str] = os.environ, names: Iterable[str] = SECRET_VARIABLES
) -> tuple[str, ...]:
    """Take secrets out of the environment once they were read; the names that were there.

    Children do not inherit them then.  On Linux the block that the process was started with, which `/proc/PID/environ` shows, is
    overwritten too.
    """
    gone: list[str] = []
    for name in names:
        if environ.get(name):
            if environ is os.environ:
                _overwrite(name)
            gone.append(name)
        environ.pop(name, None)
    return tuple(gone)


def _overwrite(name: str) -> None:
    if sys.platform != "linux":
        return
    getenv = ctypes.CDLL(None).getenv
    getenv.restype, getenv.argtypes = ctypes.c_void_p, [ctypes.c_char_p]
    if address := getenv(os.fsencode(name)):
        ctypes.memset(address, ord("*"), len(ctypes.string_at(address)))
