"""The documents are true: commands parse, links lead somewhere, settings and examples are the code's."""

import contextlib
import io
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from edged import config
from edged.cli.main import parser

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("packaging/*.md")]
    if path.stat().st_size
)
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]
FENCED = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`(edged [a-z][^`\n]*)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
COMMAND = re.compile(r"(?:^|&& |\$ )(?:\.venv/bin/)?(edged [^&|>#;]*)")
ELLIPSIS = re.compile(r"\.\.\.|…")

CLIENTS = (ROOT / "docs" / "CLIENTS.md").read_text()
EXAMPLES = [code for language, code in FENCED.findall(CLIENTS) if language == "python"]


def _commands(text: str) -> Iterator[str]:
    for language, block in FENCED.findall(text):
        if language in ("", "sh", "console"):
            for line in block.splitlines():
                yield from (found.strip() for found in COMMAND.findall(line))
    for found in INLINE.findall(FENCED.sub("", text)):
        if not ELLIPSIS.search(found):
            yield found


def _parses(words: list[str]) -> bool:
    """Whether our parser takes the words; a family named without its verb is enough in a sentence."""
    with contextlib.redirect_stderr(io.StringIO()) as said, contextlib.redirect_stdout(said):
        try:
            parser().parse_args(words)
        except SystemExit as end:
            return end.code == 0 or "arguments are required" in said.getvalue()
    return True


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_every_command_line_parses(document: Path) -> None:
    wrong = [
        command
        for command in _commands(document.read_text())
        if not _parses(shlex.split(command.replace("[", "").replace("]", ""))[1:])
    ]

    assert wrong == []


def test_the_check_of_command_lines_finds_a_wrong_one() -> None:
    assert list(_commands("```\nedged transkribe x\n```\n")) == ["edged transkribe x"]
    assert not _parses(["transkribe", "x"])


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_every_link_within_the_repository_leads_somewhere(document: Path) -> None:
    targets = [link.split("#")[0] for link in LINK.findall(FENCED.sub("", document.read_text()))]

    lost = [
        target
        for target in targets
        if target and "://" not in target and not (document.parent / target).exists()
    ]

    assert lost == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_every_target_of_make_exists(document: Path) -> None:
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", document.read_text(), re.MULTILINE))

    assert named <= known


def test_every_setting_is_in_the_table_with_its_default() -> None:
    rows = re.findall(
        r"^\| `([a-z_.]+)` \| ([^|]+) \|", (ROOT / "docs" / "CONFIG.md").read_text(), re.MULTILINE
    )
    written = {name: json.loads(value) for name, value in rows}

    assert written == config.settings(config.Config())


def test_the_settings_file_of_the_page_is_accepted(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "CONFIG.md").read_text()
    paths = config.find_paths({"EDGED_HOME": str(tmp_path)})
    paths.config.mkdir()
    paths.config_file.write_text(dict(FENCED.findall(text))["toml"])

    loaded = config.load(paths, {})

    assert loaded.workers.keep_alive_ms == 60_000
    assert loaded.threads == {"faster-whisper-small": 4}


@pytest.mark.parametrize("code", EXAMPLES)
def test_every_python_example_compiles(code: str) -> None:
    compile(code, "CLIENTS.md", "exec")


def test_the_picture_loads_nothing_from_anywhere() -> None:
    picture = (ROOT / "docs" / "images" / "demo.svg").read_text()

    addresses = set(re.findall(r"https?://[^\s\"')]+", picture))

    assert addresses == {"http://www.w3.org/2000/svg"}
