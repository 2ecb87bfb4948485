"""Standard error, with every line cleaned on its way."""

from __future__ import annotations

import io
import traceback

from floorbroker.app.redactor import SecretFilter
from floorbroker.app.streams import CleanStream

KEY = "PKQ7ZT2LV9XW4RN8AHCD"


def test_a_clean_stream_holds_a_line_until_it_is_whole() -> None:
    behind, known = io.StringIO(), SecretFilter()
    known.learn(KEY)
    stream = CleanStream(behind, known)
    stream.write(KEY[:9])
    stream.write(f"{KEY[9:]} said\nand ")
    assert behind.getvalue() == "*** said\n"
    stream.flush()
    assert behind.getvalue() == "*** said\nand "
    assert not stream.isatty()


def test_a_trace_printed_to_a_clean_stream_tells_nothing() -> None:
    behind, known = io.StringIO(), SecretFilter()
    known.learn(KEY)
    inner = ValueError(KEY.encode())
    outer = ExceptionGroup(KEY, [inner, TypeError({"deep": [KEY]})])
    outer.add_note(f"noted {KEY}")
    outer.__cause__ = KeyError(KEY)
    traceback.print_exception(outer, file=CleanStream(behind, known))
    assert "ExceptionGroup" in behind.getvalue()
    assert KEY not in behind.getvalue()
