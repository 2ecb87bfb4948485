"""`floorbroker.toml` as people wrote it: one thing changes, and every comment, blank line and order stays.

Text in, text out.  What comes out is read back and compared: a file whose shape the editor does not master is left alone, and the
error says what to write by hand.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import tomlkit
from tomlkit.exceptions import TOMLKitError

from floorbroker.app.home import write_private
from floorbroker.domain.errors import ConfigInvalid, Conflict, JournalFault

Values = dict[str, Any]


Change = Callable[[Any, Callable[[], Any]], None]  # what is changed, and how a section is made there


def with_value(text: str, path: Sequence[str], value: object) -> str:
    """The text with one value set, its section made when absent.  Raises `ConfigInvalid`."""

    def change(values: Any, make: Callable[[], Any]) -> None:
        for part in path[:-1]:
            if part not in values:
                values[part] = make()
            values = values[part]
        values[path[-1]] = value

    return _changed(text, change, f"set {'.'.join(path)} by hand")


def without_value(text: str, path: Sequence[str]) -> str:
    """The text without one value or section; what is not there is not missed."""

    def change(values: Any, make: Callable[[], Any]) -> None:
        del make
        for part in path[:-1]:
            if part not in values:
                return
            values = values[part]
        if path[-1] in values:
            del values[path[-1]]

    return _changed(text, change, f"remove {'.'.join(path)} by hand")


def with_profile(text: str, name: str, members: Mapping[str, object]) -> str:
    """The text with a profile's section behind everything else, or its members in the place they have."""
    for member, value in members.items():
        shaped = _inline(cast("Mapping[str, object]", value)) if isinstance(value, Mapping) else value
        text = with_value(text, ("profiles", name, member), shaped)
    return text


def _inline(value: Mapping[str, object]) -> object:
    table = tomlkit.inline_table()
    for name, text in value.items():
        table[name] = text
    return table


def _changed(text: str, change: Change, by_hand: str) -> str:
    """Change the document, and the plain values beside it; both must say the same in the end."""
    try:
        plain, document = tomllib.loads(text), tomlkit.parse(text)
        change(document, tomlkit.table)
        change(plain, dict[str, Any])
        made = tomlkit.dumps(document)
        if _filled(tomllib.loads(made)) == _filled(plain):
            return made
    except (TOMLKitError, tomllib.TOMLDecodeError, ValueError, TypeError, KeyError) as error:
        raise ConfigInvalid(f"floorbroker.toml cannot be edited ({type(error).__name__}): {by_hand}") from None
    raise ConfigInvalid(f"floorbroker.toml is written in a way that cannot be edited here: {by_hand}")


def _filled(values: Values) -> Values:
    """Without empty sections, which say nothing and are not always written."""
    inner = {
        name: _filled(cast("Values", value)) if isinstance(value, dict) else value for name, value in values.items()
    }
    return {name: value for name, value in inner.items() if value != {}}


def read_text(path: Path) -> str:
    """The file's text; empty when there is none.  Raises `ConfigInvalid`."""
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigInvalid(f"{path}: it cannot be read ({type(error).__name__})") from None


def replace_text(path: Path, before: str, after: str) -> None:
    """Put the new text in the place of the old, whole or not at all, readable by its owner alone.

    Raises `Conflict` when somebody else changed the file since it was read, `JournalFault` when the disk refuses.
    """
    if read_text(path) != before:
        raise Conflict(f"{path} was changed by somebody else at this moment: look at it, then try again")
    try:
        write_private(path, after)
    except OSError as error:
        raise JournalFault(f"{path} cannot be written: {error.strerror}") from None
