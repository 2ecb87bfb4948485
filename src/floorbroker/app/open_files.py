"""How many files and sockets this process may have open: systems begin with few, and let a process ask for more by itself."""

from __future__ import annotations

import sys

OWN = 512  # journals, audits, venues, and what the interpreter opens


def soft_limit(soft: int, hard: int, wanted: int, *, unlimited: int = -1) -> int:
    """The limit to ask for: what is wanted, as far as the hard limit lets us; never less than there was."""
    if soft == unlimited or soft >= wanted:
        return soft
    return wanted if hard == unlimited else max(soft, min(wanted, hard))


def room_for(connections: int) -> int:
    """Let so many connections be open besides our own files.  How many can be by then; less where the system refuses more."""
    if sys.platform == "win32":
        return connections  # sockets are no files there
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = soft_limit(soft, hard, connections + OWN, unlimited=resource.RLIM_INFINITY)
    if wanted != soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return connections if wanted == resource.RLIM_INFINITY else max(0, min(connections, wanted - OWN))
