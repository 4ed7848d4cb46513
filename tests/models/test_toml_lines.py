"""Lines of values in TOML: every value that tomllib finds has one, and it is the right one."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edged.models.catalog import shipped_folder
from edged.models.toml_lines import Path as Where
from edged.models.toml_lines import lines_of, nearest_line

TEXT = '''# a comment = 1
plain = 1 # with = a comment
"quoted key" = "a # no comment"
'literal.key' = 'C:\\path'
dotted.inner.most = 3
many = [
  1, # one
  [2, 3],
  { name = "in a table", "more" = [
    4,
  ] },
]
long = """
[not.a.table]
no = "key" ""\\" still in it
"""
raw = \'\'\'
[[nor.here]]
'it' ''is'' raw
\'\'\'
when = 1979-05-27 07:32:00

[table]
key = true

[[array]]
name = "first"

[[array.nested]]
deep = 1

[[array.nested]]
deep = 2

[array.sub]
one = 1

[[array]]
name = "second"

[[array.nested]]
deep = 3

["quoted.table"."x"]
y = { z.a = 1, b = [ {c = 2} ] }
'''

EXPECTED: dict[Where, int] = {
    ("plain",): 2,
    ("quoted key",): 3,
    ("literal.key",): 4,
    ("dotted",): 5,
    ("dotted", "inner", "most"): 5,
    ("many",): 6,
    ("many", 0): 7,
    ("many", 1, 1): 8,
    ("many", 2, "name"): 9,
    ("many", 2, "more", 0): 10,
    ("long",): 13,
    ("raw",): 17,
    ("when",): 21,
    ("table",): 23,
    ("table", "key"): 24,
    ("array",): 26,
    ("array", 0): 26,
    ("array", 0, "nested", 1, "deep"): 33,
    ("array", 0, "sub", "one"): 36,
    ("array", 1): 38,
    ("array", 1, "name"): 39,
    ("array", 1, "nested", 0, "deep"): 42,
    ("quoted.table", "x"): 44,
    ("quoted.table", "x", "y", "z", "a"): 45,
    ("quoted.table", "x", "y", "b", 0, "c"): 45,
}


def paths(value: object, at: Where = ()) -> Iterator[Where]:
    """Every path in what tomllib has read."""
    if at:
        yield at
    children: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    for key, child in children:
        yield from paths(child, (*at, key))


def test_every_form_of_key_table_and_value_has_its_line() -> None:
    lines = lines_of(TEXT)

    assert {path: lines.get(path) for path in EXPECTED} == EXPECTED
    assert set(paths(tomllib.loads(TEXT))) <= set(lines) | {("quoted.table",)}


def test_what_has_no_line_is_told_by_the_table_around_it() -> None:
    lines = lines_of(TEXT)

    assert nearest_line(lines, ("array", 1, "nested", 0, "missing")) == 41
    assert nearest_line(lines, ("array", 1, "missing")) == 38
    assert nearest_line(lines, ("missing",)) == 1
    assert nearest_line(lines, ()) == 1


@pytest.mark.parametrize(
    "path", sorted(Path(shipped_folder()).glob("*.toml")), ids=lambda path: path.stem
)
def test_every_value_of_our_manifests_is_on_the_line_that_names_it(path: Path) -> None:
    text = path.read_text()
    written = text.splitlines()
    lines = lines_of(text)

    for where in paths(tomllib.loads(text)):
        named = [one for one in where if isinstance(one, str)]
        if isinstance(where[-1], str):
            assert named[-1] in written[lines[where] - 1], where


NAMES = st.text("abc-_1", min_size=1, max_size=4)
VALUES = st.recursive(
    st.integers() | st.booleans() | st.text("a\"'#[]{}=\n\\", max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


def written(value: object) -> str:
    """TOML of a value, with lines broken in arrays, where that is allowed."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    if isinstance(value, list):
        return "[\n" + ",\n".join(map(written, value)) + " # done ]\n]"
    assert isinstance(value, dict)
    return "{" + ", ".join(f"{key} = {written(one)}" for key, one in value.items()) + "}"


@given(st.dictionaries(NAMES, VALUES, max_size=4))
@settings(max_examples=200, deadline=None)
def test_whatever_tomllib_reads_has_lines_that_never_fall(tree: dict[str, object]) -> None:
    text = "".join(f"{key} = {written(value)}\n" for key, value in tree.items())
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # a line break in an inline table

    lines = lines_of(text)

    found = [lines[path] for path in paths(read)]
    assert found == sorted(found)
    assert [text.splitlines()[lines[(key,)] - 1].startswith(key) for key in tree] == [True] * len(
        tree
    )
