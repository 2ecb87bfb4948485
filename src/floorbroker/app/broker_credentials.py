"""`BrokerCredentials`: the eight agnostic fields of one profile, for programs that open a desk themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, cast

from pydantic import Field, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, DotEnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from floorbroker.app.credentials import BotFile, read_bot
from floorbroker.app.home import home_folder
from floorbroker.app.keystore import KeyStore, os_keyring
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.forms import ANSWER_MAX, FIELDS

LEAVE = "BROKER_PLAINTEXT_OK"
_MEMBERS = {name.lower(): name for name in FIELDS}
_Text = Field(default=None, min_length=1, max_length=ANSWER_MAX)


class BrokerCredentials(BaseSettings):
    """What one profile logs in with.  `BrokerCredentials()` reads the environment over `.env_bot` of the home folder.

    Members are the eight `BROKER_*` names in lower case; arguments win over what is read, `_env_file` names another file.
    Secrets show as stars in `repr`, dumps and errors, and the object cannot be pickled.  Raises `ConfigInvalid` for a file
    that cannot be read or names something unknown, and pydantic's `ValidationError` for a member that is not right.
    """

    model_config = SettingsConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    # Required, with a default for type checkers, which do not know that it may come from a file.
    broker_code: str = Field(default="", validate_default=True, min_length=1, max_length=32)
    broker_host: str | None = _Text
    broker_username: SecretStr | None = _Text
    broker_password: SecretStr | None = _Text
    broker_account_number: SecretStr | None = _Text
    broker_api_key: SecretStr | None = _Text
    broker_secret_key: SecretStr | None = _Text
    broker_url: str | None = _Text

    @classmethod
    def from_keyring(cls, *, profile: str, keystore: Callable[[], KeyStore] = os_keyring) -> BrokerCredentials:
        """The fields that the OS keyring has for a profile, and nothing else.

        Raises `ConfigInvalid` when there is no keyring, or nothing in it under that name.
        """
        found = keystore().fields(profile)
        if "BROKER_CODE" not in found:
            raise ConfigInvalid(
                f"the OS keyring has no profile {profile!r}; write it with: floorbroker broker add --keyring"
            )
        members: dict[str, Any] = {name.lower(): text for name, text in found.items()}
        return _Handed(**members)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then our own strict reading of environment and `.env_bot`."""
        del env_settings, file_secret_settings
        given = cast("DotEnvSettingsSource", dotenv_settings).env_file
        file = given if isinstance(given, str | Path) else None
        return init_settings, _BotSource(settings_cls, Path(file) if file else home_folder() / ".env_bot")

    def as_bot(self) -> BotFile:
        """The same as a desk reads it.  It holds the secrets in the clear."""
        values = {name: _text(getattr(self, member)) for member, name in _MEMBERS.items()}
        given = {name: text for name, text in values.items() if text}
        return BotFile(given | self._leave(), frozenset(given))

    def _leave(self) -> dict[str, str]:
        """Live keys from plain text need leave, as they do for a desk."""
        said = read_bot(home_folder() / ".env_bot").values.get(LEAVE, "")
        return {LEAVE: said} if said else {}

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("credentials cannot be pickled")


class _Handed(BrokerCredentials):
    """Members as they were handed in: nothing is read beside them."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    def _leave(self) -> dict[str, str]:
        return {LEAVE: "1"}  # a keyring is no plain text


class _BotSource(PydanticBaseSettingsSource):
    """`.env_bot` below the environment, read by the rules that a desk reads it by."""

    def __init__(self, settings_cls: type[BaseSettings], file: Path) -> None:
        super().__init__(settings_cls)
        self._file = file

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """One member, as text."""
        del field
        return read_bot(self._file).fields().get(_MEMBERS[field_name]), field_name, False

    def __call__(self) -> dict[str, Any]:
        return {name.lower(): text for name, text in read_bot(self._file).fields().items()}


def _text(value: str | SecretStr | None) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return value or ""


__all__ = ["BrokerCredentials"]
