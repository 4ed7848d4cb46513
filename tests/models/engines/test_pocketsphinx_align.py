"""PocketSphinx puts known texts into time, in a worker."""

import asyncio
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hosted import DATA, DEADLINE_S, canary, clip, hosted, sentences, shipped

from edged.errors import BadRequest, UnsupportedLanguage
from edged.media import AudioChunk
from edged.models.engines import pocketsphinx_align
from edged.models.listening import AlignedSpeech, AlignOptions
from edged.models.runtime import ModelSpec
from edged.speech.phones import ARPABET_TO_IPA
from edged.workers.context import WorkerContext
from edged.workers.process import Worker

KETTLE = clip(DATA / "tiny-whisper" / "kettle.wav")
SAID = sentences(DATA / "tiny-whisper")["kettle.wav"].strip(".")


@pytest.fixture
def spec(home: Path) -> ModelSpec:
    return shipped("pocketsphinx-en-us-align", home)


async def align(
    worker: Worker, audio: AudioChunk, text: str, language: str = "en"
) -> AlignedSpeech:
    options = AlignOptions(text=text, language=language)
    return (await worker.call("align", audio, options, deadline_s=DEADLINE_S)).to(AlignedSpeech)


def test_words_keep_their_letters_and_phones_lie_within_them(spec: ModelSpec) -> None:
    async def asked() -> AlignedSpeech:
        async with hosted(spec) as worker:
            return await align(worker, KETTLE, SAID)

    found = asyncio.run(asked())

    assert " ".join(word.text for word in found.words) == SAID
    assert "".join(phone.phone for phone in found.phones[:6]) == "DHAHKEHTAH"
    assert all(phone.ipa == ARPABET_TO_IPA[phone.phone] for phone in found.phones)
    assert all(0 <= word.confidence <= 1 for word in found.words)
    assert all(0 <= phone.confidence <= 1 for phone in found.phones)
    times = [time for phone in found.phones for time in (phone.start_s, phone.end_s)]
    assert times == sorted(times)
    assert times[-1] <= KETTLE.samples / 16_000
    starts = {phone.start_s for phone in found.phones}
    assert all(word.start_s in starts for word in found.words)
    assert found.computed_us > 0


def test_phones_begin_where_the_synthesiser_began_them(spec: ModelSpec, tmp_path: Path) -> None:
    flite = shutil.which("flite")
    if flite is None:
        pytest.skip("no flite here: apt-get install flite")
    text = "please call stella ask her to bring these things with her from the store"
    wav = tmp_path / "said.wav"
    told = subprocess.run(
        [flite, "-voice", "slt", "-t", text, "-o", str(wav), "-psdur"],
        capture_output=True, check=True, text=True, timeout=15,
    ).stdout  # fmt: skip
    ends = [(name, float(end)) for name, _, end in (one.partition(":") for one in told.split())]
    true = [start for (_, start), (name, _) in pairwise([("", 0.0), *ends]) if name != "pau"]

    async def asked() -> AlignedSpeech:
        async with hosted(spec) as worker:
            return await align(worker, clip(wav), text)

    found = [phone.start_s for phone in asyncio.run(asked()).phones]

    assert len(found) == len(true)
    errors = sorted(abs(one - two) for one, two in zip(found, true, strict=True))
    assert errors[len(errors) // 2] <= 0.02
    assert sum(errors) / len(errors) <= 0.03


def test_the_same_question_has_the_same_answer_whatever_came_between(spec: ModelSpec) -> None:
    async def three_times() -> list[AlignedSpeech]:
        async with hosted(spec) as worker:
            first = await align(worker, KETTLE, SAID)
            other = clip(DATA / "tiny-whisper" / "sister.wav")
            await align(worker, other, "My sister paints green boats")
            with pytest.raises(BadRequest):
                await align(worker, AudioChunk(data=KETTLE.data[:8000]), SAID * 3)
            return [first, await align(worker, KETTLE, SAID)]

    first, second = asyncio.run(three_times())

    assert (first.words, first.phones) == (second.words, second.phones)


def test_long_audio_is_cut_between_words_and_nothing_moves(
    spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process, so that a piece can be short."""
    pause = bytes(32_000 - len(KETTLE.data) % 32_000)
    audio = AudioChunk(data=(bytes(KETTLE.data) + pause) * 4)
    each_s = (len(KETTLE.data) + len(pause)) / 32_000
    monkeypatch.setattr(pocketsphinx_align, "PIECE_S", 3.0)
    context = WorkerContext(call_waiting=lambda: False)
    aligner = pocketsphinx_align.load(msgspec.msgpack.encode(spec), context)

    one = aligner.align(KETTLE, AlignOptions(text=SAID))
    many = aligner.align(audio, AlignOptions(text=" ".join([SAID] * 4)))

    words = len(one.words)
    assert audio.duration_ms == 8_000
    assert len(many.words) == words * 4
    for number, word in enumerate(many.words):
        expected = one.words[number % words].start_s + number // words * each_s
        assert abs(word.start_s - expected) < 0.15


def test_a_word_that_no_dictionary_has_is_read_by_its_letters(spec: ModelSpec) -> None:
    async def asked() -> AlignedSpeech:
        async with hosted(spec) as worker:
            return await align(worker, KETTLE, SAID.replace("kettle", "Kettull"))

    found = asyncio.run(asked())

    assert found.words[1].text == "Kettull"
    inner = [one for one in found.phones if found.words[1].start_s <= one.start_s]
    assert [one.phone for one in inner[:5]] == ["K", "EH", "T", "AH", "L"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the text holds no word"),
        ("the \u043a\u043e\u0442 is", "word 2 of the text cannot be pronounced in English"),
        ("nobody ever said " * 40, "the text is not what is said in the audio"),
    ],
)
def test_a_text_that_cannot_be_put_there_says_why_without_its_words(
    spec: ModelSpec, text: str, message: str
) -> None:
    async def asked() -> str:
        async with hosted(spec) as worker:
            with pytest.raises(BadRequest) as caught:
                await align(worker, KETTLE, text)
            return caught.value.message

    assert asyncio.run(asked()) == message


def test_other_languages_half_samples_and_shreds_are_refused(spec: ModelSpec) -> None:
    async def asked() -> None:
        async with hosted(spec) as worker:
            with pytest.raises(UnsupportedLanguage, match="de"):
                await align(worker, KETTLE, "guten Tag", "de-AT")
            with pytest.raises(BadRequest, match="half a sample"):
                await align(worker, AudioChunk(data=bytes(3)), "hello")
            for size in (0, 2, 640, 32_000):
                with pytest.raises(BadRequest, match="not what is said"):
                    await align(worker, AudioChunk(data=bytes(size)), SAID * 2)

    asyncio.run(asked())


def test_the_canary_is_the_one_of_the_manifest(spec: ModelSpec) -> None:
    async def sung() -> str:
        async with hosted(spec) as worker:
            return await canary(worker)

    assert asyncio.run(sung()) == spec.canary == "W15 IY21 AA33 R43"
