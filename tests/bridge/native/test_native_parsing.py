"""JSON is read strictly, and parts are taken out of it without being read as text."""

import base64
import json

import pytest

from edged.bridge.native.parsing import MOST_TEXT, MOST_VALUES, parse
from edged.errors import BadRequest, TooLarge


def _parse(text: str | bytes) -> object:
    return parse(bytearray(text if isinstance(text, bytes) else text.encode()))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "{",
        '{"a": 1} trailing',
        '{"a": 1,}',
        "[]",
        "42",
        '"text"',
        "null",
        '{"a": 1, "a": 1}',
        '{"body": {"type": "x", "type": "y"}}',
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": 1e999}',
        '{"a": ' + "9" * 5000 + "}",
        '{"a": ' + "[" * 10_000 + "]" * 10_000 + "}",
        '{"a":' * 10_000 + "1" + "}" * 10_000,
        b'{"a": "\xff\xfe"}',
        b'{"a": "\xed\xa0\x80"}',
        b"\xef\xbb\xbf{}",
        '{"a": "\n"}',
        '{"x\\"parts":["QUJD"]}',
    ],
)
def test_what_is_no_plain_json_object_is_refused(text: str | bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        _parse(text)

    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 100


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" , ", " : ")])
def test_parts_at_the_end_are_decoded(separators: tuple[str, str]) -> None:
    parts = [b"", b"a", b"\x00\xff" * 5000, bytes(range(256)) * 4000]
    message = {"id": "1", "parts": [base64.b64encode(one).decode() for one in parts]}

    found = _parse(json.dumps(message, separators=separators))

    assert found == {"id": "1", "parts": parts}


@pytest.mark.parametrize(
    "text",
    [
        '{"parts": ["QUJD"], "id": "1"}',
        '{"body": {"parts": ["QUJD"]}}',
        '{"body": {"text": "\\"parts\\": [\\"QUJD\\"]}"}}',
        '{"parts": [1]}',
        '{"parts": "QUJD"}',
        '{"parts": ["QUJD", 1]}',
    ],
)
def test_parts_elsewhere_stay_as_they_are(text: str) -> None:
    assert _parse(text) == json.loads(text)


@pytest.mark.parametrize(
    "part",
    ["QUI", "QU!D", "QUJD\\n", "Q", "QUI=QUJD", "QUJD" * 65_536 + "!", "QUI=" * 65_536 + "QUJD"],
)
def test_parts_that_are_no_base64_are_marked(part: str) -> None:
    found = _parse('{"id": "7", "parts": ["QUJD", "' + part + '"]}')

    assert found == {"id": "7", "parts": [b"ABC", None]}


def test_a_second_list_of_parts_is_a_key_twice() -> None:
    with pytest.raises(BadRequest, match="twice"):
        _parse('{"parts": ["QUJD"], "parts": ["QUJD"]}')


def test_parts_of_a_message_that_is_no_json_are_refused_with_it() -> None:
    with pytest.raises(BadRequest):
        _parse('{"id": nonsense, "parts": ["QUJD"]}')


def test_long_parts_are_taken_and_a_long_text_is_not() -> None:
    part = base64.b64encode(bytes(MOST_TEXT)).decode()

    found = _parse('{"parts": ["' + part + '"]}')
    with pytest.raises(TooLarge, match="without its parts"):
        _parse('{"a": "' + "x" * MOST_TEXT + '"}')

    assert found == {"parts": [bytes(MOST_TEXT)]}


def test_too_many_values_are_refused_before_they_are_made() -> None:
    with pytest.raises(TooLarge, match="values"):
        _parse('{"a": [' + "{}," * MOST_VALUES + "1]}")


def test_the_bytes_are_given_back() -> None:
    data = bytearray(b'{"a": "b"}')

    parse(data)

    assert not data
