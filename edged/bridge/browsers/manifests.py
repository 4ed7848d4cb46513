"""The manifest that tells a browser where the host lies and who may start it; and what is wrong with one.

A browser answers a faulty manifest and a missing one with the same words, so that each fault is looked for here.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Final

from msgspec import Struct

from edged.bridge.browsers.identity import CHROMIUM_ID, FIREFOX_ID, HOST_NAME
from edged.bridge.browsers.kinds import Family
from edged.bridge.browsers.system import Platform
from edged.errors import BadRequest, HostNotRegistered, OriginDenied

DESCRIPTION: Final = "edged: local models for what this device hears and sees"
OWN_ID: Final[dict[Family, str]] = {"chromium": CHROMIUM_ID, "firefox": FIREFOX_ID}
LIST_OF: Final[dict[Family, str]] = {
    "chromium": "allowed_origins",
    "firefox": "allowed_extensions",
}
LARGEST_BYTES: Final = 64 * 1024
"""No manifest is so long; a longer file is somebody else's."""

_CHROMIUM_ID: Final = re.compile(r"[a-p]{32}")
_ORIGIN: Final = re.compile(r"chrome-extension://([a-p]{32})/")
_FIREFOX_ID: Final = re.compile(
    r"\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}|[A-Za-z0-9._-]*@[A-Za-z0-9._-]+"
)
"""Source: Firefox's schema of manifest.json, ExtensionID."""


class Fault(Struct, frozen=True, kw_only=True):
    """What keeps a browser from starting the host. code: as in errors.py."""

    code: str
    text: str
    fix: str


class Manifest(Struct, frozen=True, kw_only=True):
    """What a manifest says. ids: extensions that may start the host."""

    path: str
    ids: tuple[str, ...]


def family_of(extension_id: str) -> Family:
    """Which kind of browser has extensions with such ids.

    Raises:
        BadRequest: it is no id; a wildcard or an address of the web is not one.
    """
    if _CHROMIUM_ID.fullmatch(extension_id):
        return "chromium"
    if _FIREFOX_ID.fullmatch(extension_id):
        return "firefox"
    raise BadRequest(
        "that is no id of an extension",
        fix="Chromium's have 32 letters from a to p, Firefox's look like name@domain or {uuid}",
    )


def text_of(family: Family, host: str, ids: Iterable[str]) -> bytes:
    """A manifest, with edged's own extension first; the same ids give the same bytes.

    Args:
        family: of the browser.
        host: absolute path of what it starts.
        ids: extensions beside our own.
    """
    wanted = list(dict.fromkeys([OWN_ID[family], *sorted(ids)]))
    if family == "chromium":
        wanted = [f"chrome-extension://{one}/" for one in wanted]
    said = {
        "name": HOST_NAME,
        "description": DESCRIPTION,
        "path": host,
        "type": "stdio",
        LIST_OF[family]: wanted,
    }
    return json.dumps(said, indent=2).encode() + b"\n"


def parse(content: bytes, family: Family) -> Manifest | None:
    """What a manifest for our host says; None when it is none, or one for another host."""
    said = _object(content)
    if said is None or said.get("name") != HOST_NAME or not isinstance(said.get("path"), str):
        return None
    listed = said.get(LIST_OF[family])
    texts = [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
    ids = texts if family == "firefox" else [_id_in(one) for one in texts]
    return Manifest(path=str(said["path"]), ids=tuple(one for one in ids if one))


def faults(
    content: bytes, family: Family, extension_id: str, platform: Platform
) -> Iterator[Fault]:
    """Everything that keeps the extension from starting the host by this manifest.

    Args:
        content: of the file.
        family: of the browser that reads it.
        extension_id: who wants to start it.
        platform: on which paths are absolute in their way.
    """
    said = _object(content)
    if said is None:
        yield _unusable("it is not JSON, or not an object")
        return
    yield from _fields(said, platform)
    listed = said.get(LIST_OF[family])
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        yield _unusable(f"`{LIST_OF[family]}` is missing or no list of texts")
        return
    yield from _listed(listed, family, extension_id)


def _fields(said: dict[str, object], platform: Platform) -> Iterator[Fault]:
    if said.get("name") != HOST_NAME:
        yield _unusable("its `name` differs from the file's")
    if said.get("type") != "stdio":
        yield _unusable("its `type` is not `stdio`")
    if not isinstance(said.get("description"), str) or not said["description"]:
        yield _unusable("it has no `description`")
    path = said.get("path")
    if not isinstance(path, str) or not path:
        yield _unusable("it has no `path`")
    elif platform != "win32" and not _pure(path, platform).is_absolute():
        yield _unusable("its `path` is not absolute")


def _listed(listed: list[str], family: Family, extension_id: str) -> Iterator[Fault]:
    """One entry that is wrong makes Chromium refuse the whole file."""
    if family == "chromium" and not all(_ORIGIN.fullmatch(one) for one in listed):
        yield _unusable("an origin has a wildcard, lacks its last slash, or is no extension's")
    wanted = f"chrome-extension://{extension_id}/" if family == "chromium" else extension_id
    if wanted not in listed:
        yield Fault(
            code=OriginDenied.code,
            text="it does not name the extension",
            fix=f"edged browser install --extension-id {extension_id}",
        )


def _unusable(text: str) -> Fault:
    return Fault(code=HostNotRegistered.code, text=text, fix="edged browser install writes it anew")


def _object(content: bytes) -> dict[str, object] | None:
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _id_in(origin: str) -> str:
    found = _ORIGIN.fullmatch(origin)
    return found[1] if found else ""


def _pure(path: str, platform: Platform) -> PurePath:
    return PureWindowsPath(path) if platform == "win32" else PurePosixPath(path)


def same_path(one: str, other: str) -> bool:
    """Whether two paths are written alike; nothing is looked up."""
    return os.path.normpath(one) == os.path.normpath(other)
