"""What a person finds with `edged models list`, `show` and `load`, from a real daemon."""

import pytest
from real_daemon import Daemon

from edged.errors import Unsupported

TRANSCRIBERS = ("models", "list", "--task", "transcribe")


def test_the_list_of_a_task_says_what_is_here_and_what_suits(shared_daemon: Daemon) -> None:
    models = {one["id"]: one for one in shared_daemon.json(*TRANSCRIBERS)["models"]}

    assert {one["task"] for one in models.values()} == {"transcribe"}
    assert [name for name, one in models.items() if one["recommended"]] != []
    assert sum(one["recommended"] for one in models.values()) == 1
    assert models["pocketsphinx-en-us"]["installed"] == models["pocketsphinx-en-us"]["default"]
    assert models["parakeet-tdt-0.6b-v3"]["terms"] == ["attribution"]
    assert models["parakeet-tdt-0.6b-v3"]["quantization"] == "int8"


@pytest.mark.speech
def test_only_what_is_here_is_listed_when_asked(shared_daemon: Daemon) -> None:
    models = shared_daemon.json("models", "list", "--installed")["models"]

    assert {"silero-v6", "pocketsphinx-en-us"} <= {one["id"] for one in models}
    assert all(one["installed"] for one in models)


def test_people_see_a_table_that_fits_a_pipe(shared_daemon: Daemon) -> None:
    done = shared_daemon.run(*TRANSCRIBERS)

    text = done.stdout.decode()
    assert done.returncode == 0
    assert "* answers when a request names no model" in text
    assert "WER 0.0425" in text
    assert max(map(len, text.splitlines())) <= 160


def test_show_says_where_files_come_from_and_why_they_are_trusted(shared_daemon: Daemon) -> None:
    found = shared_daemon.json("models", "show", "kitten-nano-en")

    trust = {one["name"]: one["trust"] for one in found["files"]}
    assert trust == {
        "model.onnx": "stated",
        "voices.bin": "stated",
        "tokens.txt": "held",
        "lexicon-en-us.txt": "first_use",
    }
    assert all(one["sources"] for one in found["files"])


def test_a_model_of_a_later_version_is_unsupported_with_a_clear_text(
    shared_daemon: Daemon,
) -> None:
    done = shared_daemon.run("models", "load", "online-punct-en")

    assert done.returncode == Unsupported.exit_status
    assert (
        b"online-punct-en needs the engine sherpa_punctuation, which this version has not"
        in done.stderr
    )
    assert b"it runs with a later version of edged" in done.stderr
