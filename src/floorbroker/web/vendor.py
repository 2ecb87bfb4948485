"""The libraries of the page and where they come from: `make vendor-web` fetches them anew, and writes licences and SHA-256 list.

They are kept in the tree byte for byte as their authors publish them, so that a page asks no other host for anything.  The
list is what `verify` compares them with; a file that is not on it, or is not what it says, fails a test.
"""

from __future__ import annotations

import hashlib
import io
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2

HERE = Path(__file__).parent / "static" / "vendor"
SUMS = "SHA256SUMS"
REGISTRY = "https://registry.npmjs.org"
SIZE_MAX = 8 * 1024 * 1024  # of one package, compressed


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """One package of the registry: `files` maps the path in its archive to the name it has here."""

    name: str
    version: str
    licence: str
    files: dict[str, str]

    @property
    def url(self) -> str:
        """The address of its archive."""
        return f"{REGISTRY}/{self.name}/-/{self.name.rpartition('/')[2]}-{self.version}.tgz"


LIBRARIES = (
    Library(
        name="htmx.org",
        version="4.0.1",
        licence="0BSD",
        files={
            "dist/htmx.min.js": "htmx.min.js",
            "dist/ext/hx-csp.min.js": "hx-csp.min.js",
            "LICENSE": "htmx.LICENSE",
        },
    ),
    Library(
        name="lightweight-charts",
        version="5.2.1",
        licence="Apache-2.0",
        files={
            "dist/lightweight-charts.standalone.production.mjs": "lightweight-charts.js",
            "LICENSE": "lightweight-charts.LICENSE",
        },
    ),
    Library(
        name="@tanstack/virtual-core",
        version="3.19.0",
        licence="MIT",
        files={
            "dist/esm/index.js": "virtual-core/index.js",
            "dist/esm/lazy-measurements.js": "virtual-core/lazy-measurements.js",
            "dist/esm/utils.js": "virtual-core/utils.js",
            "LICENSE": "virtual-core/LICENSE",
        },
    ),
)


def taken(library: Library, archive: bytes) -> dict[str, bytes]:
    """The files of a library, by the name they have here.  Raises `KeyError` for one that the archive does not have."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        found: dict[str, bytes] = {}
        for path, name in library.files.items():
            member = tar.extractfile(f"package/{path}")
            if member is None:
                raise KeyError(f"{library.name} {library.version} has no file {path}")
            found[name] = member.read()
    return found


def listed(files: dict[str, bytes]) -> str:
    """The SHA-256 list, in the form `sha256sum -c` reads."""
    return "".join(f"{hashlib.sha256(body).hexdigest()}  {name}\n" for name, body in sorted(files.items()))


def verify(folder: Path = HERE) -> list[str]:
    """What is not as the list says: files that changed, that are missing, or that nobody listed."""
    lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {SUMS}
    wrong = [f"{name}: not on the list" for name in sorted(there - set(sums))]
    wrong += [f"{name}: missing" for name in sorted(set(sums) - there)]
    for name in sorted(there & set(sums)):
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != sums[name]:
            wrong.append(f"{name}: changed")
    return wrong


def _fetched() -> Iterator[tuple[Library, bytes]]:
    with httpx2.Client(timeout=60.0) as http:
        for library in LIBRARIES:
            reply = http.get(library.url)
            reply.raise_for_status()
            if len(reply.content) > SIZE_MAX:
                raise ValueError(f"{library.url} is larger than {SIZE_MAX} bytes")
            yield library, reply.content


def main() -> int:
    """Fetch, write, list."""
    files: dict[str, bytes] = {}
    for library, archive in _fetched():
        sys.stderr.write(f"vendor-web: {library.name} {library.version} ({library.licence})\n")
        files |= taken(library, archive)
    for name, body in files.items():
        path = HERE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    (HERE / SUMS).write_text(listed(files), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
