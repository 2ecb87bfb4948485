"""Results on stdout, everything else on stderr: tables for people, one JSON document for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from floorbroker.cli.failures import plain, usage
from floorbroker.cli.settings import Settings
from floorbroker.domain.values import ten_digits, text_of

WIDE = 10_000  # no line is wrapped for a program that reads a table
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, and the member of the document that fills it.  Numbers stand on the right; a `quotient`, like an
    average, is shown with ten digits, and has all of them in the document.
    """

    head: str
    member: str
    right: bool = False
    quotient: bool = False

    def word(self, row: Row) -> str:
        """What stands in this column."""
        value = row.get(self.member)
        return text_of(ten_digits(Decimal(value))) if self.quotient and value else cell(value)


def say(settings: Settings, text: str) -> None:
    """A line for people, on stderr; `--quiet` silences it."""
    if not settings.quiet:
        sys.stderr.write(f"{plain(text)}\n")


def show_text(text: str) -> None:
    """A result as it is."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def show_json(document: object) -> None:
    """A result as one line of JSON."""
    show_text(json.dumps(document, ensure_ascii=False))


def show_list(
    settings: Settings,
    rows: Sequence[Row],
    columns: Sequence[Column],
    *,
    empty: str,
    cursor: str | None = None,
    beside: Row | None = None,
) -> None:
    """Many rows: a table, or the page as the REST door gives it, with what stands `beside` the rows."""
    if settings.json:
        show_json({"items": list(rows), "next_cursor": cursor, **(beside or {})})
    elif rows:
        show_table(settings, rows, columns)
        if cursor:
            say(settings, "there are more: raise --limit-rows, or narrow the filter")
    else:
        say(settings, empty)


def show_one(settings: Settings, row: Row, members: Sequence[str] | None = None) -> None:
    """One record: its members under each other, or the document."""
    if settings.json:
        show_json(row)
        return
    names = [name for name in members or row if row.get(name) not in (None, "", [], {})]
    show_table(settings, [{"name": n, "value": row[n]} for n in names], PAIR, headed=False)


PAIR = (Column("", "name"), Column("", "value"))


def chosen(columns: Sequence[Column], names: str | None, row: Row | None) -> list[Column]:
    """The columns that `--columns` names; any member of the document may be one."""
    if not names:
        return list(columns)
    known = {column.member: column for column in columns}
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted:
        if row is not None and name not in row:
            raise usage(f"--columns: no member {name!r}; there are: {', '.join(row)}")
    return [known.get(name, Column(name, name)) for name in wanted]


def show_table(settings: Settings, rows: Sequence[Row], columns: Sequence[Column], *, headed: bool = True) -> None:
    """A table with a header line and right-aligned numbers."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else WIDE, no_color=not settings.in_color)
    table = Table(box=None, pad_edge=False, show_header=headed, header_style="bold")
    for column in columns:
        table.add_column(column.head, justify="right" if column.right else "left", no_wrap=headed, overflow="fold")
    for row in rows:
        table.add_row(*(Text(column.word(row)) for column in columns))
    with console.capture() as shown:  # written by us: rich would end the process where nobody reads it
        console.print(table)
    show_text(shown.get().removesuffix("\n"))


def cell(value: object) -> str:
    """One value as a word: unknown is a dash, never zero."""
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case str() | int():
            return plain(str(value))
        case list() if value and all(isinstance(one, str) for one in cast("list[object]", value)):
            return plain(", ".join(cast("list[str]", value)))
        case _:
            return plain(json.dumps(value, ensure_ascii=False))
