"""The manifests in model_manifests, as far as this machine can judge them."""

import asyncio
import csv
import importlib.util
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

import numpy as np
import pytest
from hosted import REPOSITORY, asset, shipped

from edged.config import Config, Paths
from edged.errors import Unsupported
from edged.media import Picture
from edged.messages.records import Problem
from edged.models import catalog
from edged.models.facts import recommended
from edged.models.files import ModelFiles
from edged.models.lint import examine
from edged.models.manifest import (
    COMING,
    ENGINES,
    Archive,
    Https,
    Ingredient,
    Manifest,
    ManifestFile,
    Pypi,
    Task,
)
from edged.models.pool import Pool
from edged.models.runtime import ImageSegmenter

FOLDER = REPOSITORY / "model_manifests"
OFFICIAL = {"huggingface.co", "github.com", "storage.googleapis.com"}
WITHOUT = {"speech_emotion"}
"""Tasks for which no public source pins a model that everybody may use."""


@pytest.fixture(scope="module")
def manifests() -> list[Manifest]:
    found, problems = catalog.read_folders([FOLDER])
    assert problems == []
    return found


def parts(manifests: Iterable[Manifest]) -> list[tuple[Manifest, ManifestFile | Ingredient]]:
    """Every file, and what others are made of."""
    found: list[tuple[Manifest, ManifestFile | Ingredient]] = []
    for one in manifests:
        for file in one.files:
            found.append((one, file))
            found += [(one, part) for part in (file.build.ingredients if file.build else ())]
    return found


def test_nothing_is_wrong_with_them(manifests: list[Manifest]) -> None:
    findings = examine(manifests)

    assert [one.line for one in findings if one.grave] == []
    assert [one.line for one in findings if "cannot be pulled" in one.line] == []
    assert [one.line for one in findings if "cannot be compared" in one.line] == []


def test_there_is_one_for_every_task(manifests: list[Manifest]) -> None:
    assert {one.task for one in manifests} == set(get_args(Task)) - WITHOUT


def test_every_engine_is_here_or_comes_later(manifests: list[Manifest]) -> None:
    used = {one.engine for one in manifests}

    assert used <= set(ENGINES) | set(COMING)
    assert set(COMING) <= used, "an engine that no model waits for"
    assert not set(COMING) & set(ENGINES)
    for engine in ENGINES.values():
        assert importlib.util.find_spec(engine.module) is not None


def test_a_model_whose_engine_comes_later_says_so(manifests: list[Manifest], home: Path) -> None:
    files = ModelFiles(home / "models", home / "cache")

    for one in manifests:
        if one.engine in COMING:
            with pytest.raises(Unsupported, match=one.engine) as caught:
                files.check_engine(one)
            assert "later version" in caught.value.fix


def test_files_come_from_official_places_over_https(manifests: list[Manifest]) -> None:
    for one, file in parts(manifests):
        for source in file.sources:
            assert isinstance(source, Https | Archive | Pypi), one.id
            if isinstance(source, Https | Archive):
                address = urlsplit(source.url)
                assert (address.scheme, address.hostname in OFFICIAL) == ("https", True), one.id


def test_what_may_change_at_its_source_is_held_by_a_hash(manifests: list[Manifest]) -> None:
    """A branch or a rolling release may be replaced; then the pull has to fail."""
    for one, file in parts(manifests):
        for source in file.sources:
            moves = isinstance(source, Https) and re.search("/(main|latest)/", source.url)
            assert not moves or file.sha256, f"{one.id}: {file.name}"


def test_embedded_models_come_from_pypi_alone_to_the_last_part(manifests: list[Manifest]) -> None:
    embedded = [one for one in manifests if one.embedded]

    assert {"silero-v6", "pocketsphinx-en-us"} <= {one.id for one in embedded}
    for one, file in parts(embedded):
        assert file.sha256, f"{one.id}: {file.name}"
        assert all(isinstance(source, Pypi) for source in file.sources), one.id


def test_a_wheel_has_one_hash_wherever_it_is_named(manifests: list[Manifest]) -> None:
    named = {
        (source.wheel, source.sha256)
        for _, file in parts(manifests)
        for source in file.sources
        if isinstance(source, Pypi)
    }

    assert len({wheel for wheel, _ in named}) == len(named)


def test_an_estimate_of_memory_says_that_it_is_one(manifests: list[Manifest]) -> None:
    for one in manifests:
        text = (FOLDER / f"{one.id}.toml").read_text()
        before = text.partition("\nmemory_bytes")[0].splitlines()[-1]
        assert before.startswith("# "), one.id
        assert "Estimated" in before or "Measured" in before, one.id


def test_sizes_agree_with_files_of_the_same_hash(manifests: list[Manifest]) -> None:
    with asset("manifest.tsv").open(encoding="utf-8") as table:
        rows = csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE)
        sizes = {row["sha256"]: int(row["bytes"]) for row in rows}

    known = [(one.id, file) for one, file in parts(manifests) if file.sha256 in sizes]
    assert len(known) >= 3
    for model, file in known:
        assert file.bytes in {0, sizes[file.sha256]}, model


def test_what_is_not_for_everybody_is_marked_last_and_never_recommended(
    manifests: list[Manifest],
) -> None:
    nc = [one for one in manifests if "non_commercial" in one.terms]
    here: dict[str, Problem] = {}

    assert all(one.rank <= 0.1 and one.license_url for one in nc)
    assert not {one.id for one in nc} & recommended(manifests, here, room=0)


def test_what_the_wheels_bring_is_here_and_has_the_stated_hashes(home: Path) -> None:
    for model_id in ("silero-v6", "pocketsphinx-en-us"):
        spec = shipped(model_id, home)

        assert spec.files
        assert all(Path(path).is_file() for path in spec.files.values())


def test_windows_fit_the_engines(manifests: list[Manifest]) -> None:
    for one in manifests:
        if one.task == "transcribe" and one.engine == "faster_whisper":
            assert (one.window_ms, one.packs) == (28_000, True)
        elif one.task == "transcribe":
            assert not one.packs
            assert one.window_ms <= 28_000


def test_pocketsphinx_keeps_to_itself_and_gives_way(manifests: list[Manifest]) -> None:
    held = [one for one in manifests if one.engine == "pocketsphinx"]

    assert all(one.holds_gil and one.yields and not one.worker for one in held)
    assert all(one.languages == ("en",) for one in held)


def test_every_transcriber_names_languages_and_english_only_models_only_english(
    manifests: list[Manifest],
) -> None:
    for one in manifests:
        if one.task in {"transcribe", "stream_transcribe"}:
            assert "en" in one.languages
            assert (one.languages == ("en",)) == bool(re.search(r"[-.]en\b|en-us", one.id))


def test_a_model_that_needs_no_download_is_never_preferred_to_a_better_one(
    manifests: list[Manifest],
) -> None:
    basic = next(one for one in manifests if one.id == "pocketsphinx-en-us")
    others = [one for one in manifests if one.task == "transcribe" and one != basic]

    assert all(one.rank > basic.rank for one in others)


def test_transducers_and_recognisers_name_the_files_that_their_adapters_open(
    manifests: list[Manifest],
) -> None:
    roles = {
        "transducer": {"encoder", "decoder", "joiner", "tokens"},
        "moonshine": {"encoder", "decoder", "tokens"},
        "sense_voice": {"model", "tokens"},
    }

    for one in manifests:
        if one.engine in {"sherpa_offline", "sherpa_online"}:
            kind = str(one.parameters.get("kind", "transducer"))
            assert {file.name.rpartition(".")[0] for file in one.files} == roles[kind], one.id


def test_the_official_selfie_segmenter_finds_who_stands_there(paths: Paths) -> None:
    """A shipped manifest, the file that it names, and a real picture, through a real worker."""
    model = "selfie-segmenter-official"
    target = paths.models / model / "model.tflite"
    target.parent.mkdir(parents=True)
    shutil.copy(asset("vision/selfie_segmenter.tflite"), target)
    picture = Picture(data=asset("media/images/face.jpg").read_bytes())

    async def segmented() -> tuple[tuple[int, int], float, tuple[str, ...]]:
        pool = Pool(Config(), paths)
        try:
            async with pool.borrow(model, ImageSegmenter) as lease:
                found = await lease.call(lease.model.segment, picture)
        finally:
            await pool.close()
        mask = np.frombuffer(found.data, np.uint8).reshape(found.height, found.width) / 255
        middle = mask[found.height // 3 : -found.height // 3, found.width // 3 : -found.width // 3]
        return (found.width, found.height), float(middle.mean()), found.labels

    size, person, labels = asyncio.run(segmented())

    assert min(size) > 100
    assert person > 0.8
    assert labels == ("person",)
