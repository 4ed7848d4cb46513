"""Reads lexicons, and says where a wrong one is wrong: file, line, field and what to do."""

import os
import re
import tomllib
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from edged.errors import ConfigError
from edged.models.manifest import spelt
from edged.models.toml_lines import Path, lines_of, nearest_line
from edged.speech.lexicon import Lexicon, Steps, steps

MAX_BYTES = 2**20
MAX_ENTRIES = 10_000
"""Corrections, and words, of one lexicon: far above what a person writes."""
MAX_PHRASE = 200

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}")
_GUIDE = "docs/LEXICONS.md explains it"


class _Written(Struct, frozen=True, forbid_unknown_fields=True):
    """The fields of a file; what the tables hold is looked at one by one, to name the wrong one."""

    name: str
    description: str = ""
    language: str = ""
    corrections: dict[str, Any] = {}
    categories: dict[str, Any] = {}


class _Wrong(Exception):
    """A value that cannot be: where it stands, what it is, what to do."""

    def __init__(self, path: Path, complaint: str, fix: str) -> None:
        super().__init__(complaint)
        self.path = path
        self.complaint = complaint
        self.fix = fix


def read(path: str | os.PathLike[str]) -> Lexicon:
    """One lexicon.

    Raises:
        ConfigError: it names the file, the line, the field and what to do.
    """
    name = os.path.basename(path)
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        fix = "put the file there, or give the right to read it"
        raise _at(name, 0, f"cannot be read: {error.strerror}", fix) from error
    return parse(content, name)


def parse(content: bytes, name: str) -> Lexicon:
    """The lexicon in the content of a file with this name; raises as `read`."""
    if len(content) > MAX_BYTES:
        raise _at(name, 1, f"has more than {MAX_BYTES} bytes", "divide it")
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
        tree = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _at(name, line, "is not UTF-8", "save the file as UTF-8") from error
    except RecursionError as error:
        raise _at(name, 1, "is nested too deeply", _GUIDE) from error
    except tomllib.TOMLDecodeError as error:
        raise _no_toml(name, content, str(error)) from error
    try:
        return _lexicon(tree, name)
    except _Wrong as wrong:
        line = nearest_line(lines_of(text), wrong.path)
        complaint = f"field `{spelt(wrong.path)}` {wrong.complaint}"
        raise _at(name, line, complaint, f"{wrong.fix}; {_GUIDE}") from wrong


def _no_toml(name: str, content: bytes, said: str) -> ConfigError:
    complaint, _, place = said.partition(" (at ")
    found = re.match(r"line (\d+)", place)
    line = int(found[1]) if found else content.count(b"\n") + 1
    complaint = f"is not TOML: {complaint[:1].lower()}{complaint[1:]}"
    return _at(name, line, complaint, "correct that line")


def _at(name: str, line: int, complaint: str, fix: str) -> ConfigError:
    where = f"{name}, line {line}:" if line else name
    return ConfigError(f"{where} {complaint}", fix=fix, file=name, line=line)


def _lexicon(tree: dict[str, Any], name: str) -> Lexicon:
    written = _written(tree)
    stem = name.removesuffix(".toml")
    if written.name != stem:
        raise _Wrong(
            ("name",), "differs from the file's name", f"name the file {written.name}.toml"
        )
    if not _NAME.fullmatch(stem):
        fix = "use small letters, digits, - and _, at most 50"
        raise _Wrong(("name",), "has a character that no name has", fix)
    return Lexicon(
        name=written.name,
        description=written.description,
        language=written.language,
        corrections=dict(_corrections(written.corrections)),
        categories=dict(_categories(written.categories)),
    )


def _written(tree: dict[str, Any]) -> _Written:
    try:
        return msgspec.convert(tree, _Written)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$")
        named = re.search(r"field `([^`]*)`$", what)
        field = named[1] if named else place.strip(".`")
        raise _Wrong((field,), *_fault(what, field)) from error


def _fault(what: str, field: str) -> tuple[str, str]:
    """What msgspec says of a field, and what to do."""
    if "missing required field" in what:
        return "is missing", f"add `{field}`"
    if "unknown field" in what:
        known = ", ".join(_Written.__struct_fields__)
        return "is unknown", f"a lexicon has {known}"
    return f"is wrong: {what[:1].lower()}{what[1:]}", "correct the field"


def _corrections(table: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The corrections, each looked at."""
    known: set[Steps] = set()
    _few(table, ("corrections",))
    for phrase, word in table.items():
        path: Path = ("corrections", phrase)
        _new(phrase, path, known)
        if not isinstance(word, str) or not word.strip() or len(word) > MAX_PHRASE:
            raise _Wrong(path, "gives no word", "give the word that was said, between quotes")
        yield phrase, word.strip()


def _categories(table: dict[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The categories with their words, each looked at."""
    known: set[Steps] = set()
    for category, words in table.items():
        path: Path = ("categories", category)
        if not _NAME.fullmatch(category):
            fix = "use small letters, digits, - and _, at most 50"
            raise _Wrong(path, "has a character that no category has", fix)
        if not isinstance(words, list):
            raise _Wrong(path, "is no list of words", 'write ["one", "two"]')
        _few(words, path)
        for number, word in enumerate(words):
            _new(word, (*path, number), known)
        yield category, tuple(word.strip() for word in words)


def _few(entries: dict[str, Any] | list[Any], path: Path) -> None:
    if len(entries) > MAX_ENTRIES:
        raise _Wrong(path, f"has more than {MAX_ENTRIES} entries", "divide the lexicon")


def _new(phrase: object, path: Path, known: set[Steps]) -> None:
    """Look at a phrase, and note it."""
    if not isinstance(phrase, str):
        raise _Wrong(path, "is no word", "write the word between quotes")
    way = steps(phrase) if len(phrase) <= MAX_PHRASE else ()
    if not way:
        fix = f"begin and end it with a letter or digit, with at most {MAX_PHRASE} characters"
        raise _Wrong(path, "is no phrase that can be found", fix)
    if way in known:
        fix = "keep one of the two; case and the width of spaces make no difference"
        raise _Wrong(path, "is the same as an earlier one", fix)
    known.add(way)
