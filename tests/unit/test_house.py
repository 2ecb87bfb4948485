"""The suite's own promises: it stays on this machine, and it says what it leaves out."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tests.conftest import EgressDeniedError
from tests.preflight import FACILITIES, notices


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_a_test_cannot_connect_to_another_machine(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as unconnected, pytest.raises(EgressDeniedError, match="only loopback"):
        unconnected.connect((host, 443))


def test_a_test_cannot_look_up_another_machine() -> None:
    with pytest.raises(EgressDeniedError, match=r"venue\.dev"):
        socket.getaddrinfo("venue.dev", 443)


def test_a_test_can_talk_to_itself() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


def test_the_home_of_the_suite_is_not_the_home_of_the_user() -> None:
    assert Path(os.environ["FLOORBROKER_HOME"]).name.startswith("floorbroker-tests-")


def test_a_missing_folder_is_announced_before_the_suite_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLOORBROKER_DATA", raising=False)
    assert notices(["def test_x(recorded_data): ..."]) == [
        "skipping tests on recorded market data: FLOORBROKER_DATA is not set"
    ]


def test_a_folder_that_is_there_is_not_announced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FLOORBROKER_DATA", str(tmp_path))
    assert notices(["def test_x(recorded_data): ..."]) == []


def test_a_facility_no_test_asks_for_is_not_announced() -> None:
    assert notices(["def test_x(): ..."]) == []
    assert all(facility.needles for facility in FACILITIES)
