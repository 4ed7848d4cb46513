"""The packages as a store or a user gets them: small, whole, and allowed to do little."""

import hashlib
import json
import re
import zipfile
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from edged import __version__
from edged.bridge.browsers.identity import CHROMIUM_ID, FIREFOX_ID

PACKAGES = {"chromium": "edged-chromium.zip", "firefox": "edged-firefox.xpi"}
MOST_BYTES = 300_000
FIRST_DAY = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a package, whenever it was made."""

ADDRESS = re.compile(r"\b(?:https?|wss?|ftp):/{2}[^\s\"'`)]+")
NAMESPACE = "http://www.w3.org/"
"""Names of XML's kinds; nothing is fetched from there."""


@pytest.fixture(params=sorted(PACKAGES))
def browser(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def manifest(built: Path, browser: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((built / browser / "manifest.json").read_text())
    return found


def test_a_package_holds_what_was_built_and_is_small(built: Path, browser: str) -> None:
    path = built / PACKAGES[browser]
    files = {
        str(one.relative_to(built / browser)): one.read_bytes()
        for one in (built / browser).rglob("*")
        if one.is_file()
    }

    with zipfile.ZipFile(path) as package:
        packed = {name: package.read(name) for name in package.namelist()}
        times = {one.date_time for one in package.infolist()}

    assert packed == files
    assert times == {FIRST_DAY}
    assert path.stat().st_size <= MOST_BYTES


def test_it_may_do_what_it_needs_and_nothing_on_pages(built: Path, browser: str) -> None:
    facts = manifest(built, browser)
    own = {"chromium": {"sidePanel", "tabCapture"}, "firefox": set()}

    assert set(facts["permissions"]) == {"nativeMessaging", "storage"} | own[browser]
    assert not facts.keys() & {
        "host_permissions",
        "content_scripts",
        "web_accessible_resources",
        "externally_connectable",
        "optional_permissions",
    }


def test_its_pages_run_no_code_from_elsewhere_and_reach_nobody(built: Path, browser: str) -> None:
    policy = manifest(built, browser)["content_security_policy"]["extension_pages"]
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split(";")}

    assert rules["default-src"] == ["'none'"]
    assert rules["script-src"] == ["'self'"]
    assert rules["connect-src"] == ["'self'"]
    assert "unsafe" not in policy


def test_no_script_names_an_address(built: Path, browser: str) -> None:
    named = {
        address
        for path in (built / browser).rglob("*")
        if path.suffix in {".js", ".css", ".html", ".json"}
        for address in ADDRESS.findall(path.read_text())
        if not address.startswith(NAMESPACE)
    }

    assert named == set()


def test_every_page_and_picture_that_the_manifest_names_is_there(built: Path, browser: str) -> None:
    names = re.findall(r'"([\w/]+\.(?:html|js|png))"', json.dumps(manifest(built, browser)))

    assert len(names) > 5
    assert [name for name in names if not (built / browser / name).is_file()] == []


def test_the_ids_and_the_version_are_the_daemons(built: Path) -> None:
    chromium, firefox = (manifest(built, one) for one in ("chromium", "firefox"))
    key = hashlib.sha256(b64decode(chromium["key"])).hexdigest()[:32]

    assert "".join(chr(ord("a") + int(digit, 16)) for digit in key) == CHROMIUM_ID
    assert firefox["browser_specific_settings"]["gecko"]["id"] == FIREFOX_ID
    assert {chromium["version"], firefox["version"]} == {__version__}
