"""CTC models put texts of any language into time; what they hear is known to the frame."""

import asyncio
import shutil
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from ctc_graphs import spoken, write_model
from hosted import DEADLINE_S, hosted, spec_for

from edged.errors import BadRequest, CorruptModel, UnsupportedLanguage
from edged.media import AudioChunk
from edged.models.engines import forced
from edged.models.engines.phoneme_ctc import tokens as phone_tokens
from edged.models.listening import AlignedSpeech, AlignOptions
from edged.models.runtime import ModelSpec
from edged.workers.process import Worker

BLANK = "<pad>"
LETTERS = (BLANK, "|", "H", "I", "D", "U", "\u00dc")


def letters_spec(folder: Path, languages: tuple[str, ...] = ("de",)) -> ModelSpec:
    files = write_model(folder, LETTERS)
    return spec_for(
        "character_ctc", files, languages=languages, parameters={"normalize": False}, task="align"
    )


async def align(
    worker: Worker, audio: AudioChunk, text: str, language: str = "de"
) -> AlignedSpeech:
    options = AlignOptions(text=text, language=language)
    return (await worker.call("align", audio, options, deadline_s=DEADLINE_S)).to(AlignedSpeech)


def asked(spec: ModelSpec, audio: AudioChunk, text: str, language: str = "de") -> AlignedSpeech:
    async def ask() -> AlignedSpeech:
        programs = tuple(filter(None, (shutil.which("espeak-ng"),)))
        async with hosted(spec, programs=programs) as worker:
            return await align(worker, audio, text, language)

    return asyncio.run(ask())


def test_letters_lie_where_they_are_heard(tmp_path: Path) -> None:
    said = [(BLANK, 20), ("H", 5), ("I", 10), (BLANK, 20), ("|", 1), (BLANK, 4), ("D", 3), ("U", 7)]
    audio = spoken(LETTERS, [*said, (BLANK, 10)])

    found = asked(letters_spec(tmp_path), audio, "hi du")

    assert [(one.text, round(one.start_s, 3), round(one.end_s, 3)) for one in found.words] == [
        ("hi", 0.4, 0.7),
        ("du", 1.2, 1.4),
    ]
    assert [(one.phone, one.ipa) for one in found.phones] == [(x, "") for x in "HIDU"]
    assert [round(one.start_s, 3) for one in found.phones] == [0.4, 0.5, 1.2, 1.26]
    assert min(one.confidence for one in found.phones) > 0.99


def test_what_was_not_said_is_not_sure(tmp_path: Path) -> None:
    audio = spoken(LETTERS, [("H", 5), ("I", 5)])

    found = asked(letters_spec(tmp_path), audio, "h\u00fc")

    assert found.phones[0].confidence > 0.5
    assert found.phones[1].phone == "\u00dc"
    assert found.phones[1].confidence < 0.01


def test_a_long_audio_is_heard_in_windows_without_a_seam(tmp_path: Path) -> None:
    said = [(BLANK, 997), ("H", 6), ("I", 1500), ("|", 1), ("D", 5), ("U", 200)]

    found = asked(letters_spec(tmp_path), spoken(LETTERS, said), "hi du")

    starts = [round(one.start_s / 0.02) for one in found.phones]
    assert starts == [997, 1003, 2504, 2509]


def test_faults_name_the_place_and_not_the_word(tmp_path: Path) -> None:
    spec = letters_spec(tmp_path)
    audio = spoken(LETTERS, [("H", 3)])

    async def ask() -> None:
        async with hosted(spec) as worker:
            with pytest.raises(BadRequest, match=r"^word 2 of the text has no sound"):
                await align(worker, audio, "hi xyz")
            with pytest.raises(BadRequest, match="longer than the audio"):
                await align(worker, audio, "hi hi hi")
            with pytest.raises(UnsupportedLanguage, match="fr"):
                await align(worker, audio, "hi", "fr")
            with pytest.raises(BadRequest, match="half a sample"):
                await align(worker, AudioChunk(data=bytes(3)), "hi")

    asyncio.run(ask())


def test_a_vocabulary_without_a_blank_and_one_that_is_none_are_refused(tmp_path: Path) -> None:
    spec = letters_spec(tmp_path)
    vocabulary = Path(spec.files["vocab.json"])

    async def refused() -> str:
        with pytest.raises(CorruptModel) as caught:
            async with hosted(spec):
                pass
        return caught.value.message

    vocabulary.write_text('{"H": 1}')
    without = asyncio.run(refused())
    vocabulary.write_text("[1]")
    none = asyncio.run(refused())

    assert without == "the vocabulary of tested has no blank"
    assert none == "the vocabulary of tested names no tokens"


def test_phones_of_german_words_come_from_espeak(tmp_path: Path) -> None:
    if shutil.which("espeak-ng") is None:
        pytest.skip("no espeak-ng here: apt-get install espeak-ng")
    phones = (BLANK, "\u0261", "u\u02d0", "t", "\u0259", "n", "\u0251\u02d0", "k")
    files = write_model(tmp_path, phones)
    spec = spec_for(
        "phoneme_ctc", files, languages=(), parameters={"normalize": False}, task="align"
    )
    said = [(BLANK, 5), (phones[1], 4), (phones[2], 8), (phones[3], 3), (phones[4], 3)]
    said += [(phones[5], 6), (BLANK, 30), (phones[3], 4), (phones[6], 10), (phones[7], 5)]

    found = asked(spec, spoken(phones, said), "guten Tag")

    assert [one.ipa for one in found.phones] == [
        "\u0261",
        "u\u02d0",
        "t",
        "\u0259",
        "n",
        "t",
        "\u0251\u02d0",
        "k",
    ]
    assert [(one.text, round(one.start_s, 3), round(one.end_s, 3)) for one in found.words] == [
        ("guten", 0.1, 0.58),
        ("Tag", 1.18, 1.56),
    ]


def test_a_language_that_nobody_speaks_is_unsupported(tmp_path: Path) -> None:
    if shutil.which("espeak-ng") is None:
        pytest.skip("no espeak-ng here: apt-get install espeak-ng")
    spec = spec_for("phoneme_ctc", write_model(tmp_path, (BLANK, "a")), languages=(), task="align")

    with pytest.raises(UnsupportedLanguage, match="xx"):
        asked(spec, spoken((BLANK, "a"), [("a", 9)]), "a", "xx")


def test_stress_goes_and_unknown_signs_are_cut_to_known_ones() -> None:
    vocabulary = {"t\u0283": 1, "a": 2, "o\u02d0": 3, "n": 4}

    assert phone_tokens("t\u0283 \u02c8a\u02d0 (en) \u0303 o\u02d0n", vocabulary) == [
        "t\u0283", "a", "o\u02d0", "n",
    ]  # fmt: skip


def brute_force(heard: forced.LogProbabilities, tokens: Sequence[int], blank: int) -> float:
    """The score of the best path, by trying all of them."""
    best = -np.inf
    for path in product(range(heard.shape[1]), repeat=len(heard)):
        kept = [one for at, one in enumerate(path) if at == 0 or path[at - 1] != one]
        if [one for one in kept if one != blank] == list(tokens):
            best = max(best, float(sum(heard[at, one] for at, one in enumerate(path))))
    return best


@pytest.mark.parametrize("tokens", [[1], [1, 2], [1, 1], [2, 1, 2], [1, 1, 2]])
def test_the_path_is_the_best_of_all(tokens: list[int]) -> None:
    chance = np.random.default_rng(len(tokens))
    for _ in range(5):
        heard = np.log(chance.dirichlet([0.5] * 3, 6)).astype(np.float32)

        trellis = forced._Trellis(heard, tokens, 0)
        path = trellis.path()

        score = float(sum(heard[at, trellis._states[state]] for at, state in enumerate(path)))
        assert score == pytest.approx(brute_force(heard, tokens, 0), rel=1e-4)
        assert all(0 <= step <= 2 for step in np.diff(path))


def test_frames_that_do_not_suffice_give_nothing() -> None:
    heard = np.log(np.full((2, 3), 1 / 3, np.float32))

    assert forced.aligned(heard, [1, 1], 0) is None
    assert forced.aligned(heard, [1, 2], 0) is not None
