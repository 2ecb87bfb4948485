"""`.env_bot` and its variables: wrong lines are named, and no value of a secret is ever told."""

from __future__ import annotations

from pathlib import Path

import pytest

from floorbroker.app.credentials import profile_of, read_bot
from floorbroker.brokers.registry import BROKERS
from floorbroker.domain.errors import ConfigInvalid

SECRET = "hunter2-hunter2"


def read(folder: Path, written: bytes) -> object:
    (folder / ".env_bot").write_bytes(written)
    return profile_of(read_bot(folder / ".env_bot", {}), BROKERS)


@pytest.mark.parametrize(
    ("written", "named"),
    [
        (f"{SECRET}\n".encode(), ".env_bot:1"),
        (f"BROKER_API_KEI={SECRET}\n".encode(), ".env_bot:1"),
        (f"\n# fine\nBROKER_SECRET_KEY {SECRET}\n".encode(), ".env_bot:3"),
        (f"BROKER_SECRET_KEY={SECRET}\x01\n".encode(), "BROKER_SECRET_KEY"),
        (f"BROKER_SECRET_KEY={SECRET}".encode() + b"\xff\n", "not UTF-8"),
        (b"BROKER_CODE=NOPE\n", "BROKER_CODE"),
        (b"BROKER_CODE=ALPACA\nBROKER_URL=http://[::bad\n", "BROKER_URL"),
        (b"BROKER_CODE=ALPACA\nBROKER_URL=http://127.0.0.1:99999\n", "BROKER_URL"),
        (b"BROKER_CODE=ALPACA\nBROKER_URL=http://example.com\n", "BROKER_URL"),
        (b"BROKER_CODE=ALPACA\nBROKER_URL=http://me:hunter2-hunter2@127.0.0.1\n", "BROKER_URL"),
        (f"BROKER_CODE=ALPACA\nBROKER_API_KEY=AK{SECRET}\n".encode(), "a key of environment live"),
        (f"BROKER_CODE=ALPACA\nBROKER_SECRET_KEY={SECRET} {SECRET}\n".encode(), "BROKER_SECRET_KEY: it is letters"),
        (f"BROKER_SECRET_KEY={SECRET}\n".encode(), "without BROKER_CODE"),
        (b"API_RETRY_LIMIT=-1\n", "API_RETRY_LIMIT"),
        (b"API_RETRY_LIMIT=1e400\n", "API_RETRY_LIMIT"),
        (b"API_RETRY_LIMIT=NaN\n", "API_RETRY_LIMIT"),
        (b"API_RETRY_LIMIT=999999999\n", "API_RETRY_LIMIT"),
        ("API_RETRY_LIMIT=²\n".encode(), "API_RETRY_LIMIT"),
        (b"FRACTIONAL_ENABLED=maybe\n", "FRACTIONAL_ENABLED"),
        (b"BROKER_PLAINTEXT_OK=perhaps\n", "BROKER_PLAINTEXT_OK"),
    ],
)
def test_a_wrong_line_is_named_and_no_secret_is_told(tmp_path: Path, written: bytes, named: str) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        read(tmp_path, written)
    assert named in refused.value.detail
    assert SECRET not in refused.value.detail


def test_a_folder_in_the_place_of_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env_bot").mkdir()
    with pytest.raises(ConfigInvalid, match=r"\.env_bot"):
        read_bot(tmp_path / ".env_bot", {})


def test_good_lines_are_read_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / ".env_bot").write_text("BROKER_CODE=ALPACA\nAPI_RETRY_LIMIT=7\nFRACTIONAL_ENABLED=no\n")
    bot = read_bot(tmp_path / ".env_bot", {"API_RETRY_LIMIT": "8"})
    assert (bot.int_of("API_RETRY_LIMIT"), bot.bool_of("FRACTIONAL_ENABLED")) == (8, False)
