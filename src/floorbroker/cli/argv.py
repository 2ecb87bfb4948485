"""What people type, put in order before it is parsed.  Pure functions on lists of words."""

from __future__ import annotations

from collections.abc import Sequence

FLAGS = frozenset(
    {"--json", "--quiet", "-q", "--verbose", "-v", "-vv", "--no-color", "--yes", "-y"}
)  # global flags without a value
VALUED = frozenset({"--home", "--config", "--profile", "-p", "--env", "--timeout"})  # global flags with one
WAITS = ("filled", "accepted")
_FORMER = {
    "--from-fd": "--passphrase-fd",
    "--from-file": "--passphrase-file",
    "--new-from-fd": "--new-passphrase-fd",
    "--new-from-file": "--new-passphrase-file",
}  # what the verbs of the vault called their passphrase before, beside what every verb calls it


def arranged(words: Sequence[str]) -> list[str]:
    """Global flags first, so that they may stand before or after the verb; a bare `--wait` means `--wait=filled`.

    The verbs of the vault take the former names of their options as well.  Words behind `--` stay where they are.
    """
    head, rest = list[str](), list[str]()
    pending = list(words)
    while pending:
        word = pending.pop(0)
        if word == "--":
            rest += [word, *pending]
            break
        if word == "--wait":
            chosen = pending.pop(0) if pending and pending[0] in WAITS else WAITS[0]
            rest.append(f"--wait={chosen}")
        elif word in FLAGS or word.partition("=")[0] in VALUED - {word}:
            head.append(word)
        elif word in VALUED:
            head += [word, *pending[:1]]
            pending = pending[1:]
        else:
            rest.append(word)
    return [*head, *(_renamed(rest) if rest[:1] == ["vault"] else rest)]


def _renamed(words: list[str]) -> list[str]:
    end = words.index("--") if "--" in words else len(words)
    parts = [word.partition("=") for word in words[:end]]
    return ["".join((_FORMER.get(name, name), *value)) for name, *value in parts] + words[end:]


def wants_json(words: Sequence[str]) -> bool:
    """Whether errors are told as JSON; asked before anything is parsed."""
    before = words[: words.index("--")] if "--" in words else words
    return "--json" in before
