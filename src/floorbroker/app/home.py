"""`FLOORBROKER_HOME`: where everything durable lives, and who may read it."""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment, ProfileName

_TOKEN_BITS = 256
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{16,256}")  # what a bearer token may be made of
_ANEW = "remove it, and the next start makes another"


@dataclass(frozen=True, slots=True)
class Home:
    """The folder and the fixed names in it."""

    root: Path

    @classmethod
    def at(cls, path: Path | None = None) -> Home:
        """The folder named, or `FLOORBROKER_HOME`, or the platform's data folder; made with mode 0700 when absent.

        By its whole path, wherever the process goes afterwards.
        """
        root = (path or home_folder()).absolute()
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigInvalid(f"the home {root} cannot be made: {error.strerror}") from error
        return cls(root)

    @property
    def config(self) -> Path:
        return self.root / "floorbroker.toml"

    @property
    def env_bot(self) -> Path:
        return self.root / ".env_bot"

    @property
    def permits(self) -> Path:
        return self.root / "permits"

    @property
    def kill(self) -> Path:
        return self.root / "kill"

    @property
    def reserve(self) -> Path:
        return self.root / "reserve"

    @property
    def setup_token(self) -> Path:
        return self.root / "setup-token"

    @property
    def desk(self) -> Path:
        """People, sessions and tokens, hooks: what doors keep beside the journals."""
        return self.root / "desk.db"

    @property
    def unresolved(self) -> Path:
        return self.root / "unresolved_orders.log"

    @property
    def bots(self) -> Path:
        """The state of each bot, by its name."""
        return self.root / "bots"

    @property
    def decisions(self) -> Path:
        return self.root / "decisions.jsonl"

    @property
    def audit(self) -> Path:
        return self.root / "audit"

    @property
    def data(self) -> Path:
        """History that was fetched, and what research made of it; may be thrown away."""
        return self.root / "data"

    @property
    def vault(self) -> Path:
        return self.root / "broker_credentials.json.enc"

    def journal(self, environment: Environment) -> Path:
        return self.root / f"journal-{environment.value}.db"

    def seals(self, environment: Environment, profile: ProfileName) -> Path:
        """What a start need not read of the journal; may be thrown away."""
        return self.root / "seals" / f"{environment.value}-{profile}.db"

    def venue_state(self, profile: ProfileName) -> Path:
        """Where the embedded venue keeps its own truth, apart from ours."""
        return self.root / "paper" / f"{profile}.log"


def home_folder() -> Path:
    """`FLOORBROKER_HOME`, or the platform's data folder; nothing is made."""
    return Path(os.environ.get("FLOORBROKER_HOME") or user_data_path("floorbroker", appauthor=False))


def known_token(home: Home) -> Secret | None:
    """The token in this home; None before the first run.

    Raises `ConfigInvalid` for a file that holds none: an empty token would let everybody in.
    """
    path = home.setup_token
    try:
        token = path.read_text("ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigInvalid(f"{path}: it cannot be read ({type(error).__name__}); {_ANEW}") from None
    if not _TOKEN.fullmatch(token):
        raise ConfigInvalid(f"{path}: it holds no token of this desk; {_ANEW}")
    return Secret(token)


def first_token(home: Home) -> tuple[Secret, bool]:
    """The token of the first run, and whether this call made it.  The file is readable by its owner alone."""
    if (known := known_token(home)) is not None:
        return known, False
    return renewed_token(home), True


def renewed_token(home: Home) -> Secret:
    """Another token in the place of the one that is there, if any."""
    token = f"fb_{secrets.token_urlsafe(_TOKEN_BITS // 8)}"
    write_private(home.setup_token, f"{token}\n")
    return Secret(token)


def write_private(path: Path, text: str) -> None:
    """Write a whole file, mode 0600, atomically."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
