"""What a broker asks of people, as data: credential fields and options, and what is wrong with an answer.

Prompts, the catalogue of the REST door, the pages of the docs and every error message come from these.  What is said about a
wrong answer never repeats it: it may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType

from floorbroker.domain.values import Environment, NotExact, decimal_of

SEALED = (
    "BROKER_USERNAME",
    "BROKER_PASSWORD",
    "BROKER_ACCOUNT_NUMBER",
    "BROKER_API_KEY",
    "BROKER_SECRET_KEY",
)
OPEN = ("BROKER_CODE", "BROKER_HOST", "BROKER_URL")
FIELDS = (
    "BROKER_CODE",
    "BROKER_HOST",
    "BROKER_USERNAME",
    "BROKER_PASSWORD",
    "BROKER_ACCOUNT_NUMBER",
    "BROKER_API_KEY",
    "BROKER_SECRET_KEY",
    "BROKER_URL",
)
ANSWER_MAX = 4096  # no field of any venue comes near it
_WHOLE = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialField:
    """How one of the eight agnostic fields maps to this venue: its label and help for people.

    `environments` None asks for it in all of them.  `pattern` must match the whole answer, and `shape` says so in words.
    `prefixes` are how keys of each environment begin where the venue says: an answer that begins as another environment's
    keys do is refused, so that a live key cannot end up in a paper profile.  Simulators take any.  `lines`: the answer may have
    several, as a private key in PEM does; what the breaks between them are is for its reader.
    """

    name: str  # BROKER_API_KEY and the like
    label: str
    help: str = ""
    required: bool = True
    secret: bool = False
    example: str = ""
    environments: frozenset[Environment] | None = None
    pattern: str = ""
    shape: str = ""
    prefixes: Mapping[Environment, str] = field(default_factory=dict[Environment, str])
    lines: bool = False

    def is_for(self, environment: Environment) -> bool:
        """Whether it is asked for in an environment."""
        return self.environments is None or environment in self.environments

    def wrong(self, answer: str, environment: Environment) -> str:
        """What is wrong with an answer, and what would be right; empty when nothing is."""
        if not answer or len(answer) > ANSWER_MAX:
            return f"it has 1 to {ANSWER_MAX} characters"
        if self.lines:
            answer = " ".join(line.strip(" \r") for line in answer.split("\n")).strip()
        if not answer.isprintable() or answer != answer.strip():
            return "it has no spaces around it, no line breaks and no control characters"
        for other, prefix in self.prefixes.items():
            if environment is not Environment.SIM and other is not environment and answer.startswith(prefix):
                return f"this is a key of environment {other.value}: it begins with {prefix}"
        if self.pattern and not re.fullmatch(self.pattern, answer, re.ASCII):
            return f"it is {self.shape}" if self.shape else "it does not look like one"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionField:
    """One option of a profile, written as text.

    With `choices` it is one of them, with `pattern` a text that matches it (`said` tells its shape to people), else a number
    within `least` and `most`.
    """

    name: str
    help: str
    default: str
    choices: tuple[str, ...] = ()
    whole: bool = False
    least: Decimal = Decimal(0)
    most: Decimal | None = None
    pattern: str = ""
    said: str = ""

    @property
    def shape(self) -> str:
        """What would be right, in words."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        if self.pattern:
            return self.said
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} of {self.least} or more" if self.most is None else f"{kind} from {self.least} to {self.most}"

    def wrong(self, answer: str) -> str:
        """What would be right; empty when the answer is."""
        is_right = answer in self.choices if self.choices else self._fits(answer)
        return "" if is_right else f"it is {self.shape}"

    def _fits(self, answer: str) -> bool:
        if self.pattern:
            return re.fullmatch(self.pattern, answer, re.ASCII) is not None
        if self.whole and not _WHOLE.fullmatch(answer):
            return False
        try:
            value = decimal_of(answer)
        except NotExact:
            return False
        return value >= self.least and (self.most is None or value <= self.most)


def wrong_option(options: tuple[OptionField, ...], given: Mapping[str, str]) -> str:
    """The first option that is not known or not right, named; empty when all are."""
    known = {option.name: option for option in options}
    for name, answer in given.items():
        if name not in known:
            return f"there is no option {name!r}; there are: {', '.join(sorted(known)) or 'none'}"
        if wrong := known[name].wrong(answer):
            return f"option {name}: {wrong}"
    return ""


@dataclass(frozen=True, slots=True)
class Form:
    """The credential fields of one broker in one environment."""

    fields: tuple[CredentialField, ...]
    environment: Environment

    @property
    def asked(self) -> tuple[CredentialField, ...]:
        """What this environment asks for."""
        return tuple(asked for asked in self.fields if asked.is_for(self.environment))

    def missing(self, given: Mapping[str, object]) -> tuple[CredentialField, ...]:
        """The required fields that were not given."""
        return tuple(asked for asked in self.asked if asked.required and not given.get(asked.name))

    def wrong(self, given: Mapping[str, str]) -> Mapping[str, str]:
        """What is wrong with each given answer: a field by its name; fields that this broker does not use are named too."""
        known = {found.name: found for found in self.fields}
        found: dict[str, str] = {}
        for name, answer in given.items():
            wrong = known[name].wrong(answer, self.environment) if name in known else self._unused(name)
            if wrong:
                found[name] = wrong
        return MappingProxyType(found)

    def _unused(self, name: str) -> str:
        used = ", ".join(asked.name for asked in self.asked) or "no credentials"
        return f"this broker does not use {name}; it uses {used}"
