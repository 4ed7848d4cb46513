"""The demo's conversation: committed, small, and made by the script beside it."""

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
ASSETS = ROOT / "edged" / "cli" / "assets"
SCRIPT = ROOT / "packaging" / "make_conversation.py"


def test_the_audio_is_ogg_opus_under_a_megabyte() -> None:
    audio = (ASSETS / "conversation.opus").read_bytes()

    assert audio.startswith(b"OggS")
    assert b"OpusHead" in audio[:64]
    assert len(audio) < 2**20


def test_the_text_is_what_the_script_says() -> None:
    text = (ASSETS / "conversation.txt").read_text()

    calls = [node for node in ast.walk(ast.parse(SCRIPT.read_text())) if isinstance(node, ast.Call)]
    said = [call.args[:2] for call in calls if getattr(call.func, "id", "") == "Line"]
    lines = [": ".join(str(ast.literal_eval(argument)) for argument in pair) for pair in said]
    assert text.splitlines() == lines
