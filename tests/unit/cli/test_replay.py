"""`replay` on captures: recorded ones of Binance and Bybit, a made one of Kraken, and what becomes of a mutated one."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

from floorbroker.app.replaying import player_of
from floorbroker.domain.errors import NotSupported
from tests.support import book_streams
from tests.unit.cli.running import document, run

DATA = Path(os.environ.get("FLOORBROKER_DATA", "/nowhere")) / "crypto"
recorded = pytest.mark.skipif(not DATA.is_dir(), reason="FLOORBROKER_DATA names no folder with crypto captures")
BINANCE = ["replay", "binance", str(DATA / "binance/BINANCE.http.0.0"), str(DATA / "binance/BINANCE.ws.1.0")]
BYBIT = ["replay", "bybit", str(DATA / "bybit/xrpusdt-ob500.data.zip")]


@recorded
def test_a_recorded_capture_of_binance_is_proven_to_the_last_update(tmp_path: Path) -> None:
    found = document(run(tmp_path, *BINANCE, "--json"))
    assert (found["messages"], found["books"], found["proofs_failed"], found["refused"]) == (265, 4, 0, 0)
    assert found["updates"] == found["proofs_passed"] == 172
    assert found["best"]["NKN/USDT"] == {"bid": "0.3527", "ask": "0.3531"}


@recorded
def test_a_recorded_capture_of_bybit_is_proven_to_the_last_update(tmp_path: Path) -> None:
    found = document(run(tmp_path, *BYBIT, "--json"))
    assert (found["messages"], found["updates"], found["proofs_passed"]) == (50, 49, 49)
    assert list(found["best"].values()) == [{"bid": "1.9537", "ask": "1.9538"}]


def made(venue: str, path: Path, *, without: int | None = None) -> Path:
    stream = book_streams.bybit if venue == "bybit" else book_streams.kraken
    lines = [frame.decode() for number, frame in enumerate(stream(Random(3), 60)) if number != without]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("venue", ["bybit", "kraken"])
def test_a_capture_without_one_frame_ends_with_code_11(venue: str, tmp_path: Path) -> None:
    try:
        player_of(venue)
    except NotSupported:
        pytest.skip(f"captures of {venue} cannot be replayed by this version")
    whole = run(tmp_path, "replay", venue, str(made(venue, tmp_path / "whole")), "--json")
    assert (whole.exit_code, document(whole)["proofs_failed"]) == (0, 0)
    short = run(tmp_path, "replay", venue, str(made(venue, tmp_path / "short", without=7)))
    assert short.exit_code == 11
    assert "stale" in short.stdout
    assert "proofs failed" in short.stderr


def test_what_cannot_be_replayed_is_told_without_a_traceback(tmp_path: Path) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04nothing")
    for words, told in (
        (["replay", "acme", str(broken)], "acme"),
        (["replay", "alpaca", str(tmp_path / "nowhere")], "no such file"),
        (["replay", "alpaca", str(broken)], "not a capture"),
    ):
        result = run(tmp_path, *words)
        assert result.exit_code == 2
        assert told in result.stderr
