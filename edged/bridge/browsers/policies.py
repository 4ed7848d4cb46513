"""What an administrator forbids a browser of Chromium's kind about native messaging.

Source: Chrome Enterprise policy list: NativeMessagingBlocklist, NativeMessagingAllowlist, NativeMessagingUserLevelHosts.
"""

import json
import plistlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from edged.bridge.browsers.identity import HOST_NAME
from edged.bridge.browsers.kinds import Kind
from edged.bridge.browsers.registry import CURRENT_USER, MACHINE, Registry
from edged.bridge.browsers.system import System

BLOCKED: Final = "NativeMessagingBlocklist"
ALLOWED: Final = "NativeMessagingAllowlist"
USER_LEVEL: Final = "NativeMessagingUserLevelHosts"
_LISTS: Final = (BLOCKED, ALLOWED)


class Policies(Struct, frozen=True, kw_only=True):
    """What counts. blocks: the host may not be started; user_level: hosts of the user are looked at.

    sources: the files or keys that say something about it.
    """

    blocks: bool = False
    user_level: bool = True
    sources: tuple[str, ...] = ()


def policies(system: System, kind: Kind) -> Policies:
    """What was decided for this browser on this machine; nothing for Firefox, which has no such policy."""
    said = [(place, facts) for place, facts in _read(system, kind) if facts]
    blocked = {name for _, facts in said for name in _names(facts.get(BLOCKED))}
    allowed = {name for _, facts in said for name in _names(facts.get(ALLOWED))}
    level = all(facts.get(USER_LEVEL) not in (False, 0) for _, facts in said)
    return Policies(
        blocks=bool(blocked & {"*", HOST_NAME}) and HOST_NAME not in allowed,
        user_level=level,
        sources=tuple(place for place, _ in said),
    )


def _read(system: System, kind: Kind) -> Iterator[tuple[str, dict[str, object]]]:
    folder, domain, key = kind.policies
    if system.platform == "linux" and folder:
        for path in sorted(system.below(f"{folder}/managed").glob("*.json")):
            yield str(path), _ours(_json(path))
    elif system.platform == "darwin" and domain:
        path = system.below(f"/Library/Managed Preferences/{domain}.plist")
        yield str(path), _ours(_plist(path))
    elif system.registry is not None and key:
        for root in (MACHINE, CURRENT_USER):
            place = rf"{root}\Software\Policies\{key}"
            yield place, _values(system.registry, place)


def _ours(facts: Mapping[str, object]) -> dict[str, object]:
    return {name: facts[name] for name in (*_LISTS, USER_LEVEL) if name in facts}


def _json(path: Path) -> Mapping[str, object]:
    try:
        facts = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _plist(path: Path) -> Mapping[str, object]:
    try:
        facts = plistlib.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _values(registry: Registry, place: str) -> dict[str, object]:
    r"""Lists are keys of their own there, with values `1`, `2` and so on."""
    found: dict[str, object] = {}
    for name in _LISTS:
        values = [
            registry.read(rf"{place}\{name}", one) for one in registry.names(rf"{place}\{name}")
        ]
        if values:
            found[name] = values
    level = registry.read(place, USER_LEVEL)
    if level is not None:
        found[USER_LEVEL] = level
    return found


def _names(listed: object) -> set[str]:
    return {one for one in listed if isinstance(one, str)} if isinstance(listed, list) else set()
