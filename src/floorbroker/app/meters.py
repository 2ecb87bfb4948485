"""Metrics of one account: every figure says whose it is, and in which environment."""

from __future__ import annotations

from dataclasses import dataclass

from floorbroker.domain.ports import Meter, Profile


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
