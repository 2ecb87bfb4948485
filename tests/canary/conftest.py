"""What was captured here may be broken text, on purpose: as it is, no worker of the test runner could send it on."""

from __future__ import annotations

from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    report.sections = [(name, _whole(text)) for name, text in report.sections]
    if report.longrepr is not None and not isinstance(report.longrepr, tuple):
        report.longrepr = _whole(str(report.longrepr))
    return report


def _whole(text: str) -> str:
    """The text with its halves of characters spelled out."""
    return text.encode("utf-8", "backslashreplace").decode()
