"""Which certificates a desk believes: the system's, or a test authority's for simulators on this machine."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from pathlib import Path

from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.ports import Profile
from floorbroker.domain.values import Environment

CA_FILE = "ca_file"


def trusted_by(profiles: Iterable[Profile]) -> ssl.SSLContext | None:
    """A context that believes the authorities in the `ca_file` options alone; None where no profile has one.

    Raises `ConfigInvalid` outside environment `sim`, whose hosts are loopback, and for a file that holds no certificate.
    """
    files = {profile.options[CA_FILE]: profile for profile in profiles if CA_FILE in profile.options}
    if not files:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for file, profile in files.items():
        if profile.environment is not Environment.SIM:
            raise ConfigInvalid(f"profile {profile.name}: only environment sim may set {CA_FILE}")
        try:
            context.load_verify_locations(cafile=Path(file))
        except (OSError, ValueError) as error:
            raise ConfigInvalid(f"profile {profile.name}: {CA_FILE} {file}: {error}") from None
    return context
