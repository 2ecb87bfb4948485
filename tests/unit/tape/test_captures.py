"""Raw captures, line by line and file by file."""

from __future__ import annotations

import gzip
import json
import os
import zipfile
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from floorbroker.tape import FrameKind, RawFrame, frame_of, frames, merged_frames

DATA = os.environ.get("FLOORBROKER_DATA")
needs_data = pytest.mark.skipif(not DATA, reason="FLOORBROKER_DATA names no folder of recorded data")
AT = datetime(2021, 10, 12, 0, 28, 32, 320639, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "frame"),
    [
        (
            'https://a.example/depth?s=X -> 1633998512.320639: {"bids":[["1: 2","3"]]}',
            RawFrame(at=AT, kind=FrameKind.REPLY, url="https://a.example/depth?s=X", data='{"bids":[["1: 2","3"]]}'),
        ),
        ('1633998512.320639: {"e":1}', RawFrame(at=AT, kind=FrameKind.MESSAGE, url=None, data='{"e":1}')),
        (
            "wss://a.example/s <-> 1633998512.320639",
            RawFrame(at=AT, kind=FrameKind.CONNECTED, url="wss://a.example/s", data=""),
        ),
        (
            "wss://a.example/s <- 1633998512.320639: hi",
            RawFrame(at=AT, kind=FrameKind.SENT, url="wss://a.example/s", data="hi"),
        ),
        ("bare words", RawFrame(at=None, kind=FrameKind.MESSAGE, url=None, data="bare words")),
    ],
)
def test_a_line_is_read_for_what_it_is(line: str, frame: RawFrame) -> None:
    assert frame_of(line) == frame


def test_a_bare_message_is_dated_by_its_own_stamp() -> None:
    assert frame_of('{"topic":"x","ts":1733011200691,"data":{}}').at == datetime(
        2024, 12, 1, 0, 0, 0, 691000, tzinfo=UTC
    )


def test_plain_gzip_and_zip_files_read_alike(tmp_path: Path) -> None:
    text = "1: a\r\n\n2: b\n"
    (tmp_path / "plain").write_text(text)
    (tmp_path / "packed").write_bytes(gzip.compress(text.encode()))
    with zipfile.ZipFile(tmp_path / "zipped", "w") as archive:
        archive.writestr("x", text)
    read = [[frame.data for frame in frames(tmp_path / name)] for name in ("plain", "packed", "zipped")]
    assert read == [["a", "b"]] * 3


def test_captures_merge_by_time_and_undated_frames_stay_behind_their_neighbour(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("1: a\nundated\n5: d\n")
    (tmp_path / "two").write_text("3: b\n4: c\n")
    merged = [frame.data for frame in merged_frames([tmp_path / "one", tmp_path / "two"])]
    assert merged == ["a", "undated", "b", "c", "d"]


@needs_data
def test_recorded_captures_read_whole() -> None:
    folder = Path(DATA or "", "crypto")
    replies = list(frames(folder / "binance/BINANCE.http.0.0"))
    assert {frame.kind for frame in replies} == {FrameKind.REPLY}
    assert all("lastUpdateId" in json.loads(frame.data) for frame in replies)
    stream = list(frames(folder / "binance/BINANCE.ws.1.0"))
    assert stream[0].kind is FrameKind.CONNECTED
    assert all("stream" in json.loads(frame.data) for frame in stream if frame.kind is FrameKind.MESSAGE)
    book = list(frames(folder / "bybit/xrpusdt-ob500.data.zip"))
    assert json.loads(book[0].data)["type"] == "snapshot"
    times = [frame.at for frame in book]
    assert None not in times
    assert all(a <= b for a, b in pairwise(time for time in times if time))
