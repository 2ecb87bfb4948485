"""The limit of open files a server asks for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from floorbroker.app.open_files import OWN, soft_limit

ASKS = """
import resource
from floorbroker.app.open_files import room_for
resource.setrlimit(resource.RLIMIT_NOFILE, (700, 1100))
print(room_for(100), room_for(300), resource.getrlimit(resource.RLIMIT_NOFILE)[0], room_for(5000))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "asked"),
    [
        (1024, 4096, 2560, 2560),
        (1024, 2048, 2560, 2048),
        (4096, 4096, 2560, 4096),
        (-1, -1, 2560, -1),
        (1024, -1, 2560, 2560),
    ],
)
def test_what_is_wanted_is_asked_for_as_far_as_it_may_be(soft: int, hard: int, wanted: int, asked: int) -> None:
    assert soft_limit(soft, hard, wanted) == asked


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_a_process_gets_room_up_to_what_its_system_lets_it() -> None:
    told = subprocess.run([sys.executable, "-c", ASKS], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.split() == ["100", "300", str(300 + OWN), str(1100 - OWN)]
