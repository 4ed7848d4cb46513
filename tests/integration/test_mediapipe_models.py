"""The default models of pictures behind a real daemon: loaded, placed, and one of them asked."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from real_daemon import ROOT, Daemon

from edged.models import manifest

pytestmark = [pytest.mark.speech, pytest.mark.timeout(60)]

BUILT = ("face-mesh", "hand-landmarker", "pose-landmarker-full")


def test_bundles_that_were_built_load_on_the_processor_and_leave_nobody_behind(
    daemon: Daemon, stock_up: Callable[..., None]
) -> None:
    stock_up(daemon.paths.models, *BUILT)
    daemon.start()

    for model in BUILT:
        assert daemon.run("models", "load", model).returncode == 0
    loaded = {one["id"]: one for one in daemon.json("models", "ps")["models"]}

    assert set(loaded) == set(BUILT)
    assert {one["device"] for one in loaded.values()} == {"cpu"}
    for model in BUILT:
        stated = manifest.read(ROOT / "model_manifests" / f"{model}.toml").memory_bytes
        assert loaded[model]["pss_bytes"] < stated


def test_a_mask_comes_through_the_daemon(
    daemon: Daemon, stock_up: Callable[..., None], assets: Path
) -> None:
    picture = assets / "media" / "images" / "face.jpg"
    if not picture.exists():
        pytest.skip("EDGED_TEST_ASSETS holds no media/images/face.jpg")
    stock_up(daemon.paths.models, "selfie-segmenter")
    daemon.start()

    found = daemon.run("infer", "selfie-segmenter", str(picture))

    assert found.returncode == 0, found.stderr
    assert b"mask of 512 x 355" in found.stdout


@pytest.mark.parametrize(
    "model", [*BUILT, "all-minilm-l6-v2-8bit", "iris-landmark", "face-iris", "holistic"]
)
def test_what_was_pulled_and_built_is_what_the_manifest_states(pulled: Path, model: str) -> None:
    known = manifest.read(ROOT / "model_manifests" / f"{model}.toml")
    if not (pulled / model).is_dir():
        pytest.skip(f"{model} was not pulled: `make models`")

    for file in known.files:
        content = (pulled / model / file.name).read_bytes()
        assert len(content) == file.bytes
        assert hashlib.sha256(content).hexdigest() == file.sha256
