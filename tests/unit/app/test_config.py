"""The configuration file and its variables: what is wrong is named, and where it was said."""

from __future__ import annotations

from pathlib import Path

import pytest

from floorbroker.app.config import load
from floorbroker.app.home import Home
from floorbroker.domain.errors import ConfigInvalid


@pytest.mark.parametrize(
    ("written", "named"),
    [
        (b'[server]\nport = "x"', "server.port"),
        (b"[server]\nport = nan", "server.port"),
        (b"[server]\nport = -1", "server.port"),
        (b"[server]\nprot = 1", "did you mean port"),
        (b"[trading]\nsend_timeout_s = nan", "trading.send_timeout_s"),
        (b"[trading]\nsend_timeout_s = inf", "trading.send_timeout_s"),
        (b"[trading]\nread_retries = 1e400", "trading.read_retries"),
        (b"[profiles]\np = 5", "profiles.p"),
        (b"profiles = 5", "profiles"),
        (b"\xff\xfe", "utf-8"),
        (b"a = \x01", "line 1"),
        (b"a = " + b"[" * 5000, "nested too deep"),
    ],
)
def test_a_wrong_file_is_refused_by_the_name_of_what_is_wrong(tmp_path: Path, written: bytes, named: str) -> None:
    home = Home(tmp_path)
    home.config.write_bytes(written)
    with pytest.raises(ConfigInvalid) as refused:
        load(home, environ={})
    assert named in refused.value.detail
    assert str(home.config) in refused.value.detail


@pytest.mark.parametrize(
    ("name", "text", "named"),
    [
        ("SERVER__PORT", "abc", "server.port"),
        ("SERVER__PORT", "1e400", "server.port"),
        ("SERVER__PORT", "99999", "server.port"),
        ("TRADING__SEND_TIMEOUT_S", "\x01", "trading.send_timeout_s"),
        ("NOPE__X", "5", "nope"),
        ("__", "5", "unknown key"),
        ("SERVER__PORT__X", "5", "port is a value"),
        ("PROFILES__P", "5", "profiles.p"),
    ],
)
def test_a_wrong_variable_is_refused_by_its_own_name(tmp_path: Path, name: str, text: str, named: str) -> None:
    home = Home(tmp_path)
    home.config.write_text("[server]\nport = 5\n")
    with pytest.raises(ConfigInvalid) as refused:
        load(home, environ={f"FLOORBROKER_{name}": text})
    assert f"FLOORBROKER_{name}: " in refused.value.detail
    assert named in refused.value.detail


def test_a_variable_wins_over_the_file(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.config.write_text("[server]\nport = 5\n")
    assert load(home, environ={"FLOORBROKER_SERVER__PORT": "6"}).server.port == 6


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("192.0.2.1", "192.0.2.1/32"),
        ("::ffff:192.0.2.1", "192.0.2.1/32"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("::/0", "::/0"),
        ("2001:db8::/32", "2001:db8::/32"),
    ],
)
def test_a_proxy_of_ipv4_is_one_however_it_is_written(tmp_path: Path, written: str, meant: str) -> None:
    home = Home(tmp_path)
    home.config.write_text(f'[server]\nproxies = ["{written}"]\n')
    assert load(home, environ={}).server.proxies == [meant]


def test_switches_of_the_bot_file_are_settings_between_file_and_variables(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.config.write_text("[trading]\nread_retries = 1\n[failover]\nlog_tag = 'file'\n")
    home.env_bot.write_text("API_RETRY_LIMIT=7\nFRACTIONAL_ENABLED=no\nFAILOVER_ENABLED=yes\nFAILOVER_LOG_TAG=MOVED\n")
    config = load(home, environ={"FLOORBROKER_FAILOVER__LOG_TAG": "nearer"})
    assert (config.trading.read_retries, config.trading.fractional) == (7, False)
    assert (config.failover.enabled, config.failover.log_tag) == (True, "nearer")
    assert load(home, environ={"API_RETRY_LIMIT": "8"}).trading.read_retries == 8
    assert (
        load(home, environ={"API_RETRY_LIMIT": "8", "FLOORBROKER_TRADING__READ_RETRIES": "9"}).trading.read_retries == 9
    )


@pytest.mark.parametrize(
    ("name", "text"), [("API_RETRY_LIMIT", "21"), ("FAILOVER_LOG_TAG", "a b"), ("FAILOVER_LOG_TAG", "x" * 65)]
)
def test_a_switch_out_of_range_is_refused_by_its_own_name(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(ConfigInvalid, match=f"^{name}: "):
        load(Home(tmp_path), environ={name: text})
