"""The manifests in model_manifests, as far as this machine can judge them."""

import re
from pathlib import Path

from hosted import REPOSITORY, shipped

from edged.models import catalog
from edged.models.lint import lint

FOLDER = REPOSITORY / "model_manifests"


def test_all_manifests_are_read_and_nothing_is_wrong_with_them() -> None:
    found, problems = catalog.read_folders([FOLDER])

    assert problems == []
    assert lint(found) == []
    assert {one.id for one in found} >= {"silero-v6", "pocketsphinx-en-us", "faster-whisper-tiny"}


def test_what_the_wheels_bring_is_here_and_has_the_stated_hashes(home: Path) -> None:
    for model_id in ("silero-v6", "pocketsphinx-en-us"):
        spec = shipped(model_id, home)

        assert spec.files
        assert all(Path(path).is_file() for path in spec.files.values())


def test_windows_fit_the_engines() -> None:
    found, _ = catalog.read_folders([FOLDER])

    for one in found:
        if one.engine == "faster_whisper":
            assert (one.window_ms, one.packs) == (28_000, True)
        elif one.task == "transcribe":
            assert not one.packs
            assert one.window_ms <= 28_000


def test_pocketsphinx_keeps_to_itself_and_gives_way() -> None:
    found, _ = catalog.read_folders([FOLDER])

    held = [one for one in found if one.engine == "pocketsphinx"]
    assert all(one.holds_gil and one.yields and not one.worker for one in held)
    assert all(one.languages == ("en",) for one in held)


def test_every_transcriber_names_languages_and_english_only_models_only_english() -> None:
    found, _ = catalog.read_folders([FOLDER])

    for one in found:
        if one.task == "transcribe":
            assert all(re.fullmatch("[a-z]{2,3}", language) for language in one.languages)
            assert "en" in one.languages
            assert (one.languages == ("en",)) == bool(re.search(r"[-.]en\b|en-us", one.id))


def test_a_model_that_needs_no_download_is_never_preferred_to_a_better_one() -> None:
    found, _ = catalog.read_folders([FOLDER])

    basic = next(one for one in found if one.id == "pocketsphinx-en-us")
    others = [one for one in found if one.task == "transcribe" and one != basic]
    assert all(one.rank > basic.rank for one in others)
