"""What a manifest says, and which faults make a browser act as if there were none."""

import json
from base64 import b64decode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as some

from edged.bridge.browsers.identity import CHROMIUM_ID, CHROMIUM_KEY, FIREFOX_ID
from edged.bridge.browsers.kinds import Family
from edged.bridge.browsers.manifests import family_of, faults, parse, text_of
from edged.errors import BadRequest

OTHER = "abcdefghijklmnopabcdefghijklmnop"
GOLDEN_CHROMIUM = """{
  "name": "org.edged.host",
  "description": "edged: local models for what this device hears and sees",
  "path": "/home/ann/.local/state/edged/native-host",
  "type": "stdio",
  "allowed_origins": [
    "chrome-extension://eiondinnokoebncooeapkkhgldfbaall/",
    "chrome-extension://abcdefghijklmnopabcdefghijklmnop/"
  ]
}
"""
GOLDEN_FIREFOX = """{
  "name": "org.edged.host",
  "description": "edged: local models for what this device hears and sees",
  "path": "/home/ann/.local/state/edged/native-host",
  "type": "stdio",
  "allowed_extensions": [
    "edged@edged.org"
  ]
}
"""
HOST = "/home/ann/.local/state/edged/native-host"


def _changed(family: Family = "chromium", **fields: object) -> bytes:
    said = json.loads(text_of(family, HOST, []))
    said.update(fields)
    return json.dumps({name: value for name, value in said.items() if value is not None}).encode()


def _codes(content: bytes, family: Family = "chromium", wanted: str = CHROMIUM_ID) -> list[str]:
    return [one.code for one in faults(content, family, wanted, "linux")]


def test_the_manifest_of_chromium_is_as_its_page_says() -> None:
    assert text_of("chromium", HOST, [OTHER]).decode() == GOLDEN_CHROMIUM


def test_the_manifest_of_firefox_is_as_its_page_says() -> None:
    assert text_of("firefox", HOST, []).decode() == GOLDEN_FIREFOX


def test_our_id_is_made_of_our_key() -> None:
    digits = sha256(b64decode(CHROMIUM_KEY)).hexdigest()[:32]

    assert "".join(chr(ord("a") + int(one, 16)) for one in digits) == CHROMIUM_ID


@pytest.mark.parametrize("family", ["chromium", "firefox"])
def test_what_is_written_has_no_fault_and_is_read_again(family: Family) -> None:
    wanted = CHROMIUM_ID if family == "chromium" else FIREFOX_ID
    content = text_of(family, HOST, [])

    read = parse(content, family)

    assert list(faults(content, family, wanted, "linux")) == []
    assert read is not None
    assert (read.path, read.ids) == (HOST, (wanted,))


@pytest.mark.parametrize(
    ("given", "family"),
    [
        (OTHER, "chromium"),
        ("probe@edged.org", "firefox"),
        ("@edged.org", "firefox"),
        ("{11111111-2222-3333-4444-555555555555}", "firefox"),
    ],
)
def test_an_id_says_which_browsers_it_is_for(given: str, family: Family) -> None:
    assert family_of(given) == family


@pytest.mark.parametrize(
    "given",
    [
        "",
        "*",
        "chrome-extension://*/",
        f"chrome-extension://{OTHER}/",
        OTHER.upper(),
        OTHER + "a",
        OTHER[:-1] + "q",
        "https://example.org",
        "a b@c",
        '"@x',
        OTHER + "\n",
    ],
)
def test_what_is_no_id_is_refused(given: str) -> None:
    with pytest.raises(BadRequest, match="no id of an extension"):
        family_of(given)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        _changed(name="org.other"),
        _changed(type="socket"),
        _changed(description=""),
        _changed(description=None),
        _changed(path=None),
        _changed(path=7),
        _changed(path="native-host"),
        _changed(path="./native-host"),
        _changed(allowed_origins=None),
        _changed(allowed_origins="all"),
        _changed(allowed_origins=[7]),
    ],
)
def test_every_fault_that_chromium_hides_is_named(content: bytes) -> None:
    assert "host_not_registered" in _codes(content)


@pytest.mark.parametrize(
    "origin", ["chrome-extension://*/", f"chrome-extension://{OTHER}", "https://edged.org/", "*"]
)
def test_one_wrong_origin_spoils_the_whole_file(origin: str) -> None:
    ours = f"chrome-extension://{CHROMIUM_ID}/"

    assert _codes(_changed(allowed_origins=[ours, origin])) == ["host_not_registered"]


def test_an_extension_that_is_not_named_is_denied() -> None:
    assert _codes(_changed(), wanted=OTHER) == ["origin_denied"]
    assert _codes(_changed("firefox"), "firefox", "a@b") == ["origin_denied"]


def test_a_relative_path_is_no_fault_on_windows() -> None:
    content = _changed(path="host.bat")

    assert list(faults(content, "chromium", CHROMIUM_ID, "win32")) == []


@pytest.mark.parametrize("family", ["chromium", "firefox"])
@given(content=some.binary(max_size=300) | some.text(max_size=300).map(str.encode))
def test_no_file_whatever_its_bytes_breaks_the_reader(family: Family, content: bytes) -> None:
    assert parse(content, family) is None
    assert list(faults(content, family, CHROMIUM_ID, "linux"))
