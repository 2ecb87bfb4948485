"""`Steps` for tests: one that remembers what was reached, and one that fails at a step."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Footprints:
    """Remembers every step in order; `fail_at` raises once, when that step is reached."""

    fail_at: str = ""
    reached: list[str] = field(default_factory=list[str])

    def reach(self, step: str) -> None:
        self.reached.append(step)
        if step == self.fail_at:
            self.fail_at = ""
            raise RuntimeError(f"made to fail at {step}")

    def of(self, kind: str) -> list[str]:
        """The steps of one kind (`submit`, `event` ...), in the order they were reached."""
        return [step for step in self.reached if step.startswith(f"{kind}.")]
