import asyncio
import os
from pathlib import Path

import pytest

from edged.errors import ConfigError, NotFound
from edged.pipeline.lexicons import Lexicons, shipped_folder

OURS = {
    "vulgar": ("walao", "cheebai", "lanjiao"),
    "particles": ("lah", "lor", "sia", "meh", "leh", "hor", "ah"),
    "colloquial": ("can", "paiseh", "shiok", "sian", "alamak", "aiyo", "bodoh", "kiasu", "kiasi",
                   "bojio"),
}  # fmt: skip


def test_singlish_is_shipped_with_its_words_and_corrections(tmp_path: Path) -> None:
    lexicon, own = asyncio.run(Lexicons(tmp_path).get("singlish"))

    assert not own
    assert lexicon.categories == OURS
    assert lexicon.corrections == {
        "while up": "walao",
        "wa lao": "walao",
        "cheap buy": "cheebai",
        "lunch hour": "lanjiao",
        "pie say": "paiseh",
        "shook": "shiok",
        "la": "lah",
        "low": "lor",
    }


def test_every_shipped_lexicon_is_right(tmp_path: Path) -> None:
    found = asyncio.run(Lexicons(tmp_path / "none").summaries())

    names = sorted(name.removesuffix(".toml") for name in os.listdir(shipped_folder()))
    assert [one.name for one in found] == names
    assert [one.problem for one in found if one.problem] == []


def test_no_lexicon_is_active_unless_somebody_names_one(tmp_path: Path) -> None:
    lexicons = Lexicons(tmp_path)

    assert not asyncio.run(lexicons.active(None))
    assert not asyncio.run(lexicons.active(()))
    assert asyncio.run(lexicons.active(["singlish"])).correct("la") == "lah"


def test_configured_lexicons_count_where_nobody_names_others(tmp_path: Path) -> None:
    lexicons = Lexicons(tmp_path, " singlish  -singlish.vulgar ")

    assert asyncio.run(lexicons.active(None)).said("walao lah") == {"lah": 1}
    assert not asyncio.run(lexicons.active(()))


def test_a_lexicon_of_the_user_replaces_ours_of_the_same_name(tmp_path: Path) -> None:
    _write(tmp_path, "singlish", '[corrections]\nla = "LA"')
    lexicons = Lexicons(tmp_path)

    (only,) = asyncio.run(lexicons.summaries())

    assert (only.own, only.corrections, only.categories) == (True, 1, {})
    assert asyncio.run(lexicons.active(["singlish"])).correct("la low") == "LA low"


def test_an_edited_lexicon_is_read_again_and_an_unchanged_one_is_not(tmp_path: Path) -> None:
    _write(tmp_path, "mine", '[corrections]\na = "b"')
    lexicons = Lexicons(tmp_path)
    first, _ = asyncio.run(lexicons.get("mine"))

    again, _ = asyncio.run(lexicons.get("mine"))
    _write(tmp_path, "mine", '[corrections]\na = "other"')
    changed, _ = asyncio.run(lexicons.get("mine"))

    assert again is first
    assert changed.corrections == {"a": "other"}
    (tmp_path / "mine.toml").unlink()
    with pytest.raises(NotFound):
        asyncio.run(lexicons.get("mine"))


def test_a_wrong_lexicon_is_shown_and_the_others_go_on_working(tmp_path: Path) -> None:
    _write(tmp_path, "bad", "[corrections]\na = 1")
    lexicons = Lexicons(tmp_path)

    bad, ours = asyncio.run(lexicons.summaries())

    assert "bad.toml, line 3: field `corrections.a`" in bad.problem
    assert (ours.name, ours.problem) == ("singlish", "")
    assert asyncio.run(lexicons.active(["singlish"]))
    for names in (["singlish", "bad"], ["-bad.x"]):
        with pytest.raises(ConfigError, match=r"bad\.toml, line 3"):
            asyncio.run(lexicons.active(names))


def test_configured_lexicons_that_cannot_be_used_are_left_out_and_shown(tmp_path: Path) -> None:
    _write(tmp_path, "bad", "x = 1")
    lexicons = Lexicons(tmp_path, "singlish bad gone -singlish.gone")

    active, problems = asyncio.run(lexicons.usable(None))
    found = asyncio.run(lexicons.summaries())

    assert active.correct("la") == "lah"
    assert [problem.code for problem in problems] == ["config_error", "not_found", "not_found"]
    assert asyncio.run(lexicons.active(None)).names == ("singlish",)
    assert [(one.name, one.active, bool(one.problem)) for one in found] == [
        ("bad", True, True),
        ("singlish", True, False),
        ("gone", True, True),
        ("-singlish.gone", True, True),
    ]


def test_other_files_in_the_folder_are_no_lexicons(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / ".hidden.toml").write_text("x")
    (tmp_path / "broken.toml").symlink_to(tmp_path / "nothing")

    assert [one.name for one in asyncio.run(Lexicons(tmp_path).summaries())] == ["singlish"]


def _write(folder: Path, name: str, rest: str) -> None:
    (folder / f"{name}.toml").write_text(f'name = "{name}"\n{rest}\n')
