"""The container image, its compose file and the service units keep the desk confined.

No image is built here: what is read is what would be built.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from floorbroker.cli.failures import CONFIG, CONFLICT, DISK, USAGE
from tests.unit.cli.running import served

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
SECRET = re.compile(r"(?i)(token|secret|password|passphrase|api_?key)\S*\s*[=:][ \t]*['\"]?[A-Za-z0-9_+/-]{8,}")
PINNED = re.compile(r"\S+:v?\d+\.\d+\.\d+(-[a-z]+)*(@sha256:[0-9a-f]{64})?")


def instructions(text: str) -> list[tuple[str, str]]:
    """A Dockerfile as its instructions, each with its argument in one line."""
    joined = re.sub(r"\\\n\s*", " ", re.sub(r"(?m)^\s*#.*\n", "", text))
    lines = [line.strip() for line in joined.splitlines() if line.strip()]
    return [(word.upper(), rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def faults(text: str) -> list[str]:
    """What is wrong with a Dockerfile of ours; empty when nothing is."""
    steps = instructions(text)
    arguments = dict(rest.split("=", 1) for word, rest in steps if word == "ARG" and "=" in rest)
    bases = [rest.split()[0] for word, rest in steps if word == "FROM"]
    bases = [re.sub(r"\$\{(\w+)\}", lambda m: arguments.get(m[1], ""), base) for base in bases]
    stages = [rest.split()[-1] for word, rest in steps if word == "FROM"]
    last = max(place for place, (word, _) in enumerate(steps) if word == "FROM")
    users = [rest for word, rest in steps[last:] if word == "USER"]
    checks = {
        "a base image without an exact version": any(not PINNED.fullmatch(base) for base in bases),
        "one stage only": len(stages) < 2,
        "runs as root": not users or users[-1].split(":")[0] in {"0", "root"} or not users[-1][0].isdigit(),
        "a secret in it": any(SECRET.search(rest) for word, rest in steps if word in {"ENV", "ARG", "RUN", "LABEL"}),
        "fetches by itself": any(word == "ADD" for word, _ in steps),
        "copies everything": any(word == "COPY" and rest.split()[0] in {".", "./"} for word, rest in steps),
        "a shell before the desk": any(word in {"ENTRYPOINT", "CMD"} and not rest.startswith("[") for word, rest in steps),
        "more than one volume": sum(word == "VOLUME" for word, _ in steps) != 1,
        "no health check": not any(word == "HEALTHCHECK" for word, _ in steps),
        "packages that are not locked": any("sync" in rest and "--frozen" not in rest for word, rest in steps if word == "RUN"),
    }  # fmt: skip
    return [fault for fault, is_so in checks.items() if is_so]


def compose() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


def services() -> Mapping[str, dict[str, Any]]:
    return compose()["services"]


def test_the_image_is_confined() -> None:
    assert faults((DEPLOY / "Dockerfile").read_text(encoding="utf-8")) == []


def is_healthy(home: Path) -> bool:
    """What the image's health check says of the desk of a home, whatever proxy the container is told of."""
    steps = instructions((DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    (check,) = [rest for word, rest in steps if word == "HEALTHCHECK"]
    words: list[str] = json.loads(check.partition(" CMD ")[2])
    assert words[:2] == ["python", "-c"]
    around = {**os.environ, "FLOORBROKER_HOME": str(home), "http_proxy": "http://127.0.0.1:9"}
    return subprocess.run([sys.executable, *words[1:]], env=around, capture_output=True, check=False).returncode == 0


def test_the_health_check_asks_whichever_port_the_desk_listens_on(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        assert ":8750" not in server.told["url"]
        assert is_healthy(tmp_path)
    assert not is_healthy(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("USER 10001:10001\n", "", "runs as root"),
        ("USER 10001:10001", "USER root", "runs as root"),
        (":3.13.7-slim-trixie", ":latest", "a base image without an exact version"),
        ("ENV PATH", "ENV API_KEY=abcdefgh1234 PATH", "a secret in it"),
        ('CMD ["up"]', "CMD floorbroker up", "a shell before the desk"),
        ("COPY src src", "COPY . .", "copies everything"),
        ("--frozen --no-default-groups --extra fast", "--extra fast", "packages that are not locked"),
    ],
)  # fmt: skip
def test_a_looser_image_is_seen(old: str, new: str, fault: str) -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert old in text
    assert fault in faults(text.replace(old, new))


def test_the_build_sees_the_source_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    assert let_in == {"README.md", "LICENSE", "pyproject.toml", "uv.lock", "src"}
    copied = [
        name
        for word, rest in instructions((DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
        if word == "COPY" and not rest.startswith("--from")
        for name in rest.split()[:-1]
    ]
    assert set(copied) == let_in


@pytest.mark.parametrize("name", ["desk", "prometheus", "grafana"])
def test_a_service_has_no_root_no_abilities_and_a_read_only_root(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["user"].split(":")[0]) > 0
    assert "privileged" not in service


def test_every_port_is_published_to_this_machine_alone() -> None:
    ports = [port for service in services().values() for port in service.get("ports", [])]
    assert len(ports) == 3
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_desk_has_one_volume_which_is_its_home() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert services()["desk"]["volumes"] == ["home:/home/floorbroker"]
    assert "FLOORBROKER_HOME=/home/floorbroker" in text
    assert 'VOLUME ["/home/floorbroker"]' in text


def test_every_image_of_the_compose_file_has_an_exact_version() -> None:
    images = [service["image"] for service in services().values() if "build" not in service]
    assert len(images) == 2
    assert all(PINNED.fullmatch(image) for image in images)


def test_the_desk_answers_to_the_name_by_which_it_is_scraped() -> None:
    scraped = yaml.safe_load((DEPLOY / "monitoring" / "prometheus.yml").read_text(encoding="utf-8"))
    targets = [t for job in scraped["scrape_configs"] for group in job["static_configs"] for t in group["targets"]]
    names = yaml.safe_load(services()["desk"]["environment"]["FLOORBROKER_SERVER__NAMES"])
    assert [target.partition(":")[0] for target in targets] == names


@pytest.mark.parametrize("path", sorted(p for p in DEPLOY.rglob("*") if p.is_file()), ids=lambda p: p.name)
def test_no_file_has_a_secret_in_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert [match[0] for match in SECRET.finditer(text) if "/" not in match[0]] == []


def unit(name: str) -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # pyright: ignore[reportAttributeAccessIssue] - systemd's keys have capitals
    parser.read(DEPLOY / name, encoding="utf-8")
    return parser["Service"]


@pytest.mark.parametrize("name", ["floorbroker.service", "floorbroker-backup.service"])
def test_a_unit_is_confined(name: str) -> None:
    service = unit(name)
    assert service["User"] not in {"", "root", "0"}
    assert service["CapabilityBoundingSet"] == ""
    wanted = {
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "ProtectProc": "invisible",
        "ProtectClock": "yes",
        "ProtectHostname": "yes",
        "UMask": "0077",
        "LimitCORE": "0",
    }
    assert {key: service[key] for key in wanted} == wanted


def filtered(name: str) -> list[str]:
    """The lines of a unit's filter of system calls, in their order, which decides."""
    lines = (DEPLOY / name).read_text(encoding="utf-8").splitlines()
    return [line.partition("=")[2] for line in lines if line.startswith("SystemCallFilter=")]


def test_a_unit_may_call_what_it_needs_of_the_kernel_and_a_backtest_may_make_itself_nicer() -> None:
    confined = ["@system-service", "~@privileged @resources"]
    assert filtered("floorbroker-backup.service") == confined
    assert filtered("floorbroker.service") == [*confined, "setpriority"]


def test_a_desk_is_not_started_again_for_what_needs_a_person() -> None:
    prevented = {int(code) for code in unit("floorbroker.service")["RestartPreventExitStatus"].split()}
    assert prevented == {USAGE, CONFIG, DISK, CONFLICT}
