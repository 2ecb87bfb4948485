"""The strategy's process: lines in, lines out, one after the other.  What a strategy prints goes to the error stream.

python -m floorbroker.strategy.bots.child
"""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stdout
from typing import BinaryIO

from floorbroker.strategy.bots.wire import begin_from, line_of, seen_from
from floorbroker.strategy.bots.worker import Worker


def serve(lines: BinaryIO, answers: BinaryIO) -> None:
    """Answer every line until there are no more."""
    worker = Worker()
    first = lines.readline()
    if not first:
        return
    answers.write(line_of(worker.begin(begin_from(first))))
    answers.flush()
    for line in lines:
        answers.write(line_of(worker.see(seen_from(line))))
        answers.flush()


def main() -> None:
    """Keep the answers to ourselves: `print` of a strategy must not stand among them, and is shown line by line."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answers, redirect_stdout(sys.stderr):
        os.dup2(sys.stderr.fileno(), 1)
        serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
