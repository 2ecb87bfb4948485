"""The dashboard as Streamlit runs it, without a browser; and the command that starts it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from floorbroker.cli.dashboard import command_for
from floorbroker.web import dashboard
from tests.unit.api.test_strategies import LINE


def ran(path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    testing = pytest.importorskip("streamlit.testing.v1", reason="the extra `dashboard` is not installed")
    monkeypatch.setenv(dashboard.FILE, str(path))
    app = testing.AppTest.from_file(dashboard.__file__, default_timeout=60)
    app.run()
    assert not app.exception
    return app


@pytest.mark.filterwarnings("ignore")
def test_it_shows_the_newest_decisions_and_proves_the_chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "decisions.jsonl"
    path.write_text("".join(f"{json.dumps({**LINE, 'key': str(n)})}\n" for n in range(3)))
    app = ran(path, monkeypatch)
    table = app.dataframe[0].value  # type: ignore[attr-defined]
    assert (len(table), table.iloc[0]["symbol"], table.iloc[0]["became"]) == (3, "AAPL", "rejected")
    app.sidebar.button[0].click().run()  # type: ignore[attr-defined]
    assert "Line 1 is not what was written" in app.sidebar.error[0].value  # type: ignore[attr-defined]


@pytest.mark.filterwarnings("ignore")
def test_no_decision_yet_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = ran(tmp_path / "none", monkeypatch)
    assert "No decision yet" in app.info[0].value  # type: ignore[attr-defined]


def test_streamlit_is_told_to_keep_to_itself() -> None:
    words = command_for("127.0.0.1", 8751)
    assert words[-6:] == [
        "--server.address=127.0.0.1",
        "--server.port=8751",
        "--server.headless=true",
        "--server.fileWatcherType=none",
        "--browser.gatherUsageStats=false",
        "--client.toolbarMode=minimal",
    ]
    assert Path(words[4]).name == "dashboard.py"
