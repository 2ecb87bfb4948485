"""Credentials sealed at rest; in memory only as `Secret` values, which do not print."""

from floorbroker.vault.files import Files, SystemFiles
from floorbroker.vault.kdf import DEFAULT_LOG2N, MAX_LOG2N, MIN_LOG2N, KeyDerivation, Scrypt
from floorbroker.vault.known import Known, RecordInfo, Seen
from floorbroker.vault.session import SessionLimits, Standing, Tenant, UnlockSession
from floorbroker.vault.vault import Around, Vault

__all__ = [
    "DEFAULT_LOG2N",
    "MAX_LOG2N",
    "MIN_LOG2N",
    "Around",
    "Files",
    "KeyDerivation",
    "Known",
    "RecordInfo",
    "Scrypt",
    "Seen",
    "SessionLimits",
    "Standing",
    "SystemFiles",
    "Tenant",
    "UnlockSession",
    "Vault",
]
