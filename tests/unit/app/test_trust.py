"""Whom a desk believes: a test authority is for simulators on this machine, and for nobody else (I17)."""

from __future__ import annotations

from pathlib import Path

import pytest

from floorbroker.app.trust import trusted_by
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.ports import Profile
from floorbroker.domain.values import Environment, ProfileName
from floorbroker_sim.tls import TestAuthority


def _profile(environment: Environment, **options: str) -> Profile:
    return Profile(name=ProfileName("a"), broker="ALPACA", environment=environment, options=options)


def test_without_an_authority_of_its_own_a_profile_believes_the_systems() -> None:
    assert trusted_by([_profile(Environment.SIM), _profile(Environment.LIVE)]) is None


def test_a_simulators_authority_is_the_only_one_believed(tmp_path: Path) -> None:
    authority = TestAuthority.create(tmp_path, host="127.0.0.1")
    context = trusted_by([_profile(Environment.SIM, ca_file=str(authority.ca))])
    assert context is not None
    (found,) = context.get_ca_certs()
    assert "Floorbroker simulator test root" in str(found["subject"])
    assert context.check_hostname


@pytest.mark.parametrize("environment", [Environment.PAPER, Environment.LIVE])
def test_no_other_environment_may_name_an_authority_i17(tmp_path: Path, environment: Environment) -> None:
    authority = TestAuthority.create(tmp_path, host="127.0.0.1")
    with pytest.raises(ConfigInvalid, match="only environment sim"):
        trusted_by([_profile(environment, ca_file=str(authority.ca))])


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_without_a_certificate_is_told_by_name(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content, "utf-8")
    with pytest.raises(ConfigInvalid, match=r"ca\.pem"):
        trusted_by([_profile(Environment.SIM, ca_file=str(file))])
