"""What `make` does before it says that it was asked wrongly: nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_an_extra_without_a_name_is_asked_for_before_anything_is_installed(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    around = {name: value for name, value in os.environ.items() if name not in {"NAME", "MAKEFLAGS", "MAKELEVEL"}}
    made = subprocess.run(
        ["make", "extra"], cwd=tmp_path, env=around, capture_output=True, text=True, check=False, timeout=60
    )
    assert made.stderr.startswith("make extra: say which one, like NAME=research")
    assert made.returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["Makefile"]
