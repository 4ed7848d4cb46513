"""The tables that the extension shares with the daemon are those of the daemon."""

import importlib.util
import json
from pathlib import Path
from typing import get_args

import pytest

from edged import __version__
from edged.bridge.access.words import fingerprint
from edged.bridge.browsers.identity import CHROMIUM_ID, FIREFOX_ID
from edged.bridge.framing import GOES_ON
from edged.messages.replies import AnyReply, Error
from edged.messages.requests import AnyRequest

SCRIPT = Path(__file__).parent.parent.parent / "packaging" / "make_extension_tables.py"
_spec = importlib.util.spec_from_file_location("make_extension_tables", SCRIPT)
assert _spec is not None
assert _spec.loader is not None
made = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made)
EXTENSION: Path = made.EXTENSION
TABLES: dict[Path, str] = made.tables()
REPLIES = {reply.__name__: reply for reply in get_args(AnyReply)}


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.name)
def test_a_table_is_what_the_script_makes_of_the_daemons_own(path: Path) -> None:
    written = path.read_text(encoding="utf-8")

    assert written == TABLES[path], "run `python packaging/make_extension_tables.py`"


def test_every_request_has_a_last_reply() -> None:
    asked = {made.tag_of(request) for request in get_args(AnyRequest)}

    assert set(made.LAST_REPLIES) == asked


def test_a_last_reply_is_one_that_no_other_follows() -> None:
    last = {REPLIES[name] for name in made.LAST_REPLIES.values()}

    assert not last & {*GOES_ON, Error}


def test_the_packages_carry_the_daemons_version() -> None:
    for path in (EXTENSION / "package.json", EXTENSION / "client" / "package.json"):
        assert json.loads(path.read_text(encoding="utf-8"))["version"] == __version__


def test_the_lock_file_names_no_address() -> None:
    lock = json.loads((EXTENSION / "package-lock.json").read_text(encoding="utf-8"))
    resolved = [facts.get("resolved", "") for facts in lock["packages"].values()]

    assert [one for one in resolved if "://" in one] == []


def test_the_fingerprints_that_the_client_is_tested_with_are_the_daemons() -> None:
    vectors = json.loads(
        (EXTENSION / "client" / "test" / "fingerprints.json").read_text(encoding="utf-8")
    )

    assert {vector["identity"] for vector in vectors} == {
        f"chrome-extension://{CHROMIUM_ID}/",
        FIREFOX_ID,
    }
    for vector in vectors:
        assert fingerprint(vector["identity"], vector["nonce"]) == vector["fingerprint"]
