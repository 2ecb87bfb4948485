"""Log lines, and what others would print: nothing passes without the filter, and nothing that is told breaks a line."""

from __future__ import annotations

import gc
import io
import json
import logging
import sys
import threading
import warnings
from dataclasses import dataclass, field
from typing import Any

import pytest

from floorbroker.app.logs import LibraryLog, open_log, told_in
from floorbroker.app.redactor import SecretFilter
from floorbroker.domain.ports import Log
from floorbroker.domain.secret import Secret

KEY = "PKQ7ZT2LV9XW4RN8AHCD"
NUMBER = 48213377


@dataclass
class Written:
    """A log and what it wrote."""

    known: SecretFilter = field(default_factory=SecretFilter)
    file: io.StringIO = field(default_factory=io.StringIO)

    def log(self, **how: Any) -> Log:
        self.known.learn(KEY)
        self.known.learn(str(NUMBER))
        return open_log(self.known, file=self.file, **how)

    @property
    def text(self) -> str:
        return self.file.getvalue()

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


class Unreadable:
    def __str__(self) -> str:
        raise ValueError(KEY)


@dataclass
class Holder:
    token: str


@pytest.fixture
def written() -> Written:
    return Written()


CASES: list[object] = [
    KEY,
    {"headers": {"Authorization": f"Bearer {KEY}"}},
    {KEY: 1},
    [1, (2, f"x{KEY}x")],
    {KEY},
    KEY.encode(),
    ValueError(f"no {KEY}"),
    Holder(KEY),
    Unreadable(),
    NUMBER,
    [float(NUMBER)],
    Secret(KEY),
]


@pytest.mark.parametrize("pretty", [False, True], ids=["json", "terminal"])
@pytest.mark.parametrize("value", CASES, ids=lambda v: type(v).__name__)
def test_no_member_of_a_line_tells_a_secret_whatever_its_type(written: Written, value: object, pretty: bool) -> None:
    written.log(pretty=pretty).error("told", value=value, detail=f"about {KEY}")
    assert "told" in written.text
    assert KEY not in written.text
    assert str(NUMBER) not in written.text
    if not pretty:
        written.lines()


def test_numbers_and_structure_stay_what_they_are(written: Written) -> None:
    written.log().info("told", count=7, share=0.25, ok=True, none=None, names=["a", "b"], by={"x": 1})
    (line,) = written.lines()
    assert {k: line[k] for k in ("count", "share", "ok", "none", "names", "by")} == {
        "count": 7, "share": 0.25, "ok": True, "none": None, "names": ["a", "b"], "by": {"x": 1},
    }  # fmt: skip


def test_a_value_that_holds_itself_is_told_all_the_same(written: Written) -> None:
    ring: list[object] = [KEY]
    ring.append(ring)
    written.log().info("told", ring=ring)
    assert KEY not in written.text
    assert written.lines()[0]["event"] == "told"


def _raise(error: BaseException) -> None:
    raise error


def test_what_libraries_log_is_a_line_of_ours_with_its_trace(written: Written) -> None:
    with told_in(written.log()):
        try:
            _raise(RuntimeError(f"with {KEY}"))
        except RuntimeError:
            logging.getLogger("some.library").exception("Exception in %s", f"application {KEY}")
    (line,) = written.lines()
    assert line["event"] == "library"
    assert line["logger"] == "some.library"
    assert "RuntimeError: with ***" in line["trace"]
    assert KEY not in written.text


def test_a_library_line_that_cannot_be_formatted_does_not_print_its_arguments(
    written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = LibraryLog(written.log())
    for form, told in (("%d", KEY), ("%s", Unreadable())):
        handler.handle(logging.LogRecord("elsewhere", logging.ERROR, __file__, 1, form, (told,), None))
    assert [line["event"] for line in written.lines()] == ["library", "library"]
    assert KEY not in written.text + "".join(capsys.readouterr())


def test_errors_of_threads_and_finalizers_are_lines_of_ours(
    written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    class Falling:
        def __del__(self) -> None:
            raise OSError(KEY)

    with told_in(written.log()):
        thread = threading.Thread(target=lambda: _raise(KeyError(KEY)), name="worker")
        thread.start()
        thread.join()
        Falling()
        gc.collect()
    assert {line["event"] for line in written.lines()} == {"thread.failed", "error.unraisable"}
    assert KEY not in written.text + "".join(capsys.readouterr())


def test_warnings_are_lines_of_ours(written: Written) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        with told_in(written.log()):
            warnings.warn(f"old {KEY}", stacklevel=1)
    assert "***" in written.lines()[0]["detail"]
    assert KEY not in written.text


def test_afterwards_the_hooks_are_those_of_before(written: Written) -> None:
    before = threading.excepthook, sys.unraisablehook, warnings.showwarning
    with told_in(written.log()):
        assert threading.excepthook is not before[0]
    assert (threading.excepthook, sys.unraisablehook, warnings.showwarning) == before
    assert not [handler for handler in logging.getLogger().handlers if isinstance(handler, LibraryLog)]
