"""What `import floorbroker` costs in a fresh process, beside alpaca-py's trading client; other rivals are told beside.

Time and memory are those of a whole import in a new interpreter with its bytecode made before.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.environments import Absent, our_python, python_of
from benchmarks.rounds import Figure, Goal

ROUNDS, OTHER_ROUNDS = 7, 3
USED = "Gateway, OrderSchema"
PEER = ("alpaca-py", "import alpaca.trading.client")
OTHERS = {
    "ccxt": "import ccxt.async_support",
    "nautilus_trader": "import nautilus_trader.live.node",
}
CODE = """\
import json, resource, time
began = time.perf_counter()
{statement}
took = time.perf_counter() - began
try:  # what getrusage tells holds what the parent had before this program began
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
except OSError:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([took * 1000, peak / 1024]))
"""
HELP_CODE = """\
import json, subprocess, sys, time
began = time.perf_counter()
subprocess.run([sys.executable, "-m", "floorbroker", "--help"], check=True, stdout=subprocess.DEVNULL)
print(json.dumps([(time.perf_counter() - began) * 1000, 0]))
"""

Cost = tuple[float, float]


def cost_of(python: Path, statement: str) -> Cost:
    """Milliseconds and megabytes of one import.  Raises `Absent` when it fails."""
    return _run(python, CODE.format(statement=statement))


def _run(python: Path, code: str) -> Cost:
    done = subprocess.run(
        [str(python), "-c", code], cwd=tempfile.gettempdir(), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise Absent(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "it failed")
    took_ms, peak_mb = json.loads(done.stdout.splitlines()[-1])
    return took_ms, peak_mb


def _with_names(python: Path) -> dict[str, float]:
    """The package loads its names when they are used: what using the desk and the order schema costs, not judged."""
    costs = [cost_of(python, f"from floorbroker import {USED}") for _ in range(OTHER_ROUNDS)]
    return {"ms": round(median(ms for ms, _ in costs), 1), "MB": round(median(mb for _, mb in costs), 1)}


def measure() -> list[Figure]:
    """`import_time` and `import_memory`; `cli_help` is reported, not judged."""
    mine, (environment, statement) = our_python(), PEER
    theirs = python_of(environment)
    for python, warm_up in ((mine, "import floorbroker"), (theirs, statement)):
        cost_of(python, warm_up)
    found = [(cost_of(mine, "import floorbroker"), cost_of(theirs, statement)) for _ in range(ROUNDS)]
    name = f"{environment}: {statement}"
    helps = [_run(mine, HELP_CODE)[0] for _ in range(OTHER_ROUNDS)]
    return [
        Figure(
            bench="import_time",
            ours=[ours[0] for ours, _ in found],
            peer=[peer[0] for _, peer in found],
            peer_name=name,
            unit="ms",
            goal=Goal(0.1),
            extra={"with_names": _with_names(mine), "others": others()},
        ),
        Figure(
            bench="import_memory",
            ours=[ours[1] for ours, _ in found],
            peer=[peer[1] for _, peer in found],
            peer_name=name,
            unit="MB",
            goal=Goal(40, unit="MB"),
        ),
        Figure(bench="cli_help", ours=helps, unit="ms for `floorbroker --help`", extra={"wanted": "<= 200 ms"}),
    ]


def others() -> dict[str, object]:
    """Time and memory of other rivals' imports; why, where one cannot be measured."""
    told: dict[str, object] = {}
    for environment, statement in OTHERS.items():
        try:
            python = python_of(environment)
            cost_of(python, statement)
            costs = sorted(cost_of(python, statement) for _ in range(OTHER_ROUNDS))
        except Absent as error:
            sys.stderr.write(f"import of {environment}: not measured, {error}\n")
            told[environment] = f"not measured: {error}"
        else:
            took_ms, peak_mb = costs[len(costs) // 2]
            told[environment] = {"ms": round(took_ms), "MB": round(peak_mb)}
    return told
