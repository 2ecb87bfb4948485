"""Metrics and log lines of one account: every figure says whose it is and in which environment, every line whose it is."""

from __future__ import annotations

from dataclasses import dataclass

from floorbroker.domain.ports import Log, Meter, Profile


@dataclass(frozen=True, slots=True)
class AccountMeter:
    """A `Meter` that adds `profile` and `environment`, so that no figure of paper is ever summed with one of live."""

    inner: Meter
    profile: str
    environment: str

    @classmethod
    def of(cls, profile: Profile, inner: Meter) -> AccountMeter:
        return cls(inner=inner, profile=profile.name, environment=profile.environment.value)

    def count(self, name: str, value: float = 1.0, **labels: str) -> None:
        labels["profile"], labels["environment"] = self.profile, self.environment
        self.inner.count(name, value, **labels)

    def gauge(self, name: str, value: float, **labels: str) -> None:
        labels["profile"], labels["environment"] = self.profile, self.environment
        self.inner.gauge(name, value, **labels)

    def observe(self, name: str, value: float, **labels: str) -> None:
        labels["profile"], labels["environment"] = self.profile, self.environment
        self.inner.observe(name, value, **labels)


@dataclass(frozen=True, slots=True)
class AccountLog:
    """A `Log` that adds `profile`, so that of two accounts at one broker it is plain whose breaker opened."""

    inner: Log
    profile: str

    def info(self, event: str, **members: object) -> None:
        self.inner.info(event, **{"profile": self.profile, **members})

    def warning(self, event: str, **members: object) -> None:
        self.inner.warning(event, **{"profile": self.profile, **members})

    def error(self, event: str, **members: object) -> None:
        self.inner.error(event, **{"profile": self.profile, **members})
