"""Tables for people."""

from __future__ import annotations

from pathlib import Path

from floorbroker.cli.configuration import masked
from floorbroker.cli.show import Column, cell
from tests.unit.cli.running import run


def test_a_list_of_words_has_commas_and_an_average_ten_digits() -> None:
    assert [cell(value) for value in (["read", "trade"], [], [1], {"a": 1})] == ["read, trade", "[]", "[1]", '{"a": 1}']
    average = Column("AVG", "avg_px", right=True, quotient=True)
    values = ("221.5836363636363636363636364", "0.0000123456789", "100", None)
    assert [average.word({"avg_px": value}) for value in values] == ["221.5836364", "0.000012346", "100", "-"]


def test_a_setting_is_shown_as_it_is_set_and_a_number_is_no_secret(tmp_path: Path) -> None:
    assert run(tmp_path, "config", "set", "server.streams_token", "500").exit_code == 0
    assert run(tmp_path, "config", "get", "server.streams_token").stdout == "500\n"
    assert run(tmp_path, "config", "set", "server.names", '["a", "b"]').exit_code == 0
    assert run(tmp_path, "config", "get", "server.names").stdout == '["a", "b"]\n'
    assert masked("risk.token.bot-1.max_open_orders", 3) == 3
    assert masked("profiles.mine.options.session_token", "x") == "***"
