from pathlib import Path

import pytest

from edged.errors import ConfigError
from edged.pipeline import lexicon_files

GOOD = """name = "town"
description = "ours"
language = "en"

[corrections]
"while up" = " walao "
la = "lah"

[categories]
rude = ["walao"]
none = []
"""


def test_a_lexicon_is_read_with_all_its_fields(tmp_path: Path) -> None:
    path = tmp_path / "town.toml"
    path.write_text(GOOD)

    lexicon = lexicon_files.read(path)

    assert (lexicon.name, lexicon.description, lexicon.language) == ("town", "ours", "en")
    assert lexicon.corrections == {"while up": "walao", "la": "lah"}
    assert lexicon.categories == {"rude": ("walao",), "none": ()}


@pytest.mark.parametrize("content", ['name = "town"\n', '\ufeffname = "town"\r\n[corrections]\r\n'])
def test_a_lexicon_may_be_empty_and_written_by_any_editor(content: str) -> None:
    lexicon = lexicon_files.parse(content.encode(), "town.toml")

    assert (lexicon.corrections, lexicon.categories) == ({}, {})


@pytest.mark.parametrize(
    ("content", "line", "field"),
    [
        ('name = "city"', 1, "`name` differs"),
        ('# one\nname = "town', 2, "is not TOML"),
        ('description = "x"', 1, "`name` is missing"),
        ("name = 3", 1, "`name` is wrong"),
        ('name = "town"\ncorections = {}', 2, "`corections` is unknown"),
        ('name = "town"\ncorrections = 5', 2, "`corrections` is wrong"),
        ('name = "town"\n[corrections]\nla = "lah"\nlow = 3', 4, "`corrections.low` gives no word"),
        ('name = "town"\n[corrections]\nla = " "', 3, "`corrections.la` gives no word"),
        ('name = "town"\n[corrections]\n"" = "x"', 3, "`corrections.` is no phrase"),
        ('name = "town"\n[corrections]\n"c++" = "x"', 3, "`corrections.c++` is no phrase"),
        ('name = "town"\n[corrections]\nla = "a"\n\nLA = "b"', 5, "`corrections.LA` is the same"),
        ('name = "town"\n[corrections]\nla = "a"\nla = "b"', 4, "is not TOML"),
        ('name = "town"\n[corrections]\n"a b" = "x"\n"A  B" = "y"', 4, "is the same"),
        ('name = "town"\n[categories]\nrude = "walao"', 3, "`categories.rude` is no list"),
        ('name = "town"\n[categories]\nRude = []', 3, "`categories.Rude` has a character"),
        ('name = "town"\n[categories]\na = [\n"x",\n7]', 5, "`categories.a[1]` is no word"),
        ('name = "town"\n[categories]\na = ["x"]\nb = ["y",\n "X"]', 5, "`categories.b[1]` is the same"),
    ],
)  # fmt: skip
def test_a_wrong_lexicon_names_file_line_field_and_what_to_do(
    content: str, line: int, field: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        lexicon_files.parse(content.encode(), "town.toml")

    error = caught.value
    assert error.message.startswith(f"town.toml, line {line}: ")
    assert field in error.message
    assert error.details == {"file": "town.toml", "line": line}
    assert error.fix != ConfigError.advice


def test_a_name_with_a_dot_is_refused_because_dots_name_categories() -> None:
    with pytest.raises(ConfigError, match="line 1: field `name` has a character"):
        lexicon_files.parse(b'name = "a.b"', "a.b.toml")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b'name = "town"\n\xff', "line 2: is not UTF-8"),
        (b"#" * (lexicon_files.MAX_BYTES + 1), "has more than"),
        (b"name = " + b"[" * 5000, "is nested too deeply"),
    ],
)
def test_what_is_no_text_is_refused(content: bytes, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        lexicon_files.parse(content, "town.toml")


def test_a_lexicon_with_too_many_entries_is_refused() -> None:
    words = ", ".join(f'"w{number}"' for number in range(lexicon_files.MAX_ENTRIES + 1))

    with pytest.raises(ConfigError, match=r"`categories\.a` has more than"):
        lexicon_files.parse(f'name = "town"\n[categories]\na = [{words}]'.encode(), "town.toml")


def test_a_file_that_cannot_be_read_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml cannot be read"):
        lexicon_files.read(tmp_path / "gone.toml")
