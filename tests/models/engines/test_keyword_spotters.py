"""Spotters wait for keywords, part by part, in a worker."""

import asyncio
import math
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
from hosted import DATA, DEADLINE_S, canary, clip, hosted, shipped, spec_for

from edged.errors import BadRequest, CorruptModel
from edged.media import AudioChunk
from edged.models.engines.spotting import MAX_STREAMS, Streams, pieces
from edged.models.listening import SpotOptions, Spotted
from edged.models.runtime import ModelSpec, SpokenWord
from edged.workers.process import Worker

KETTLE = clip(DATA / "tiny-whisper" / "kettle.wav")
TINY = DATA / "tiny-transducer"


@pytest.fixture
def pocketsphinx(home: Path) -> ModelSpec:
    return shipped("pocketsphinx-en-us-keywords", home)


@pytest.fixture
def sherpa() -> ModelSpec:
    files = {name: str(TINY / f"{name}.onnx") for name in ("decoder", "joiner")}
    files |= {"encoder": str(TINY / "online-encoder.onnx"), "tokens": str(TINY / "tokens.txt")}
    return spec_for("sherpa_keywords", files, task="keywords")


def tone(seconds: float, *, loud: bool) -> bytes:
    count = round(seconds * 16_000)
    peak = 16_000 if loud else 0
    return struct.pack(
        f"<{count}h",
        *(round(peak * math.sin(n * 2 * math.pi * 440 / 16_000)) for n in range(count)),
    )


async def spot(
    worker: Worker,
    parts: Sequence[bytes | memoryview],
    keywords: Sequence[str],
    *,
    threshold: float | None = None,
    stream: str = "s",
) -> list[SpokenWord]:
    """What is heard in a stream of parts."""
    found: list[SpokenWord] = []
    for number, part in enumerate(parts):
        options = SpotOptions(
            stream=stream,
            keywords=tuple(keywords),
            threshold=threshold,
            final=number == len(parts) - 1,
        )
        answer = await worker.call("spot", AudioChunk(data=part), options, deadline_s=DEADLINE_S)
        found += answer.to(Spotted).words
    return found


def spotted(
    spec: ModelSpec, parts: Sequence[bytes | memoryview], keywords: Sequence[str]
) -> list[SpokenWord]:
    async def ask() -> list[SpokenWord]:
        async with hosted(spec) as worker:
            return await spot(worker, parts, keywords)

    return asyncio.run(ask())


def test_pocketsphinx_finds_what_is_said_and_not_what_is_not(pocketsphinx: ModelSpec) -> None:
    found = spotted(
        pocketsphinx, [bytes(KETTLE.data)], ["Kettle", "elephant", "on the stove", "banana"]
    )

    assert [one.text for one in found] == ["Kettle", "on the stove"]
    assert 0 < found[0].start_s < found[0].end_s <= found[1].start_s + 0.1
    assert found[1].end_s <= KETTLE.samples / 16_000


def test_a_phrase_across_the_border_of_parts_is_told_once(pocketsphinx: ModelSpec) -> None:
    pcm = bytes(bytearray(64_000)) + bytes(KETTLE.data) + bytes(140_000) + bytes(KETTLE.data)

    async def ask() -> list[list[SpokenWord]]:
        async with hosted(pocketsphinx) as worker:
            whole = await spot(worker, [pcm], ["kettle"])
            cut = 64_000 + len(KETTLE.data) // 4 * 2
            inside = round(whole[0].start_s * 32_000) // 2 * 2 + 4_000
            parts = [pcm[:inside], pcm[inside:cut], pcm[cut:], b""]
            return [whole, await spot(worker, parts, ["kettle"])]

    whole, parts = asyncio.run(ask())

    assert [one.text for one in whole] == ["kettle", "kettle"]
    assert len(parts) == 2
    for one, two in zip(whole, parts, strict=True):
        assert one.start_s == pytest.approx(two.start_s, abs=0.1)


def test_the_threshold_decides_and_new_words_are_read_by_their_letters(
    pocketsphinx: ModelSpec,
) -> None:
    async def ask() -> list[int]:
        async with hosted(pocketsphinx) as worker:
            counts = []
            for threshold in (0.0, 0.5, 1.0):
                words = ["kettull", "elephant"]
                counts.append(
                    len(await spot(worker, [bytes(KETTLE.data)], words, threshold=threshold))
                )
            return counts

    easy, usual, strict = asyncio.run(ask())

    assert easy >= usual >= strict
    assert easy > strict


def test_a_keyword_without_a_sound_is_refused_by_its_number(
    pocketsphinx: ModelSpec, sherpa: ModelSpec
) -> None:
    async def refused(spec: ModelSpec) -> str:
        async with hosted(spec) as worker:
            with pytest.raises(BadRequest) as caught:
                await spot(worker, [bytes(3200)], ["loud", "\u043a\u043e\u0442"])
            return caught.value.message

    assert asyncio.run(refused(pocketsphinx)) == "keyword 2 cannot be pronounced in English"
    assert asyncio.run(refused(sherpa)) == "keyword 2 cannot be spelled by the model"


def test_sherpa_tells_when_a_sequence_of_pieces_is_heard(sherpa: ModelSpec) -> None:
    pcm = tone(1, loud=False) + tone(1, loud=True) + tone(1, loud=False)
    pcm += tone(0.5, loud=True) + tone(1, loud=False)

    found = spotted(sherpa, [pcm], ["loud soft"])

    assert [one.text for one in found] == ["loud soft", "loud soft"]
    assert found[0].start_s == pytest.approx(1.0, abs=0.1)
    assert found[0].end_s == pytest.approx(2.2, abs=0.2)
    assert found[1].start_s == pytest.approx(3.0, abs=0.1)
    assert found[1].end_s == pytest.approx(3.7, abs=0.2)


def test_sherpa_hears_the_same_in_parts_and_keeps_streams_apart(sherpa: ModelSpec) -> None:
    pcm = tone(1, loud=False) + tone(1, loud=True) + tone(1, loud=False)

    async def ask() -> list[list[SpokenWord]]:
        async with hosted(sherpa) as worker:
            whole = await spot(worker, [pcm], ["loud soft"])
            parts = [pcm[at : at + 6_400] for at in range(0, len(pcm), 6_400)]
            options = SpotOptions(stream="other", keywords=("loud",))
            await worker.call("spot", AudioChunk(data=pcm[:40_000]), options, deadline_s=DEADLINE_S)
            return [whole, await spot(worker, parts, ["loud soft"])]

    whole, parts = asyncio.run(ask())

    assert [one.text for one in whole] == ["loud soft"]
    assert whole == parts


def test_sherpa_refuses_files_that_are_others(sherpa: ModelSpec, tmp_path: Path) -> None:
    broken = tmp_path / "encoder.onnx"
    broken.write_bytes(b"no graph")
    spec = spec_for("sherpa_keywords", {**sherpa.files, "encoder": str(broken)}, task="keywords")

    async def load() -> None:
        async with hosted(spec):
            pass

    with pytest.raises(CorruptModel):
        asyncio.run(load())


def test_canaries_answer(pocketsphinx: ModelSpec, sherpa: ModelSpec) -> None:
    async def sung(spec: ModelSpec) -> str:
        async with hosted(spec) as worker:
            return await canary(worker)

    assert asyncio.run(sung(pocketsphinx)) == pocketsphinx.canary == "0.14-0.48"
    assert asyncio.run(sung(sherpa)).split()[0] == "40"


def test_pieces_are_joined_in_the_order_in_which_the_model_learnt_them() -> None:
    tokens = {
        "\u2581": 1,
        "H": 2,
        "E": 3,
        "L": 4,
        "O": 5,
        "LL": 6,
        "\u2581HE": 7,
        "HE": 8,
        "LLO": 9,
    }

    assert pieces("hello", tokens, 1) == ["\u2581HE", "LLO"]
    earlier = {"\u2581": 1, "H": 2, "E": 3, "L": 4, "\u2581H": 5, "HE": 6}
    assert pieces("hel", earlier, 1) == ["\u2581H", "E", "L"]
    assert pieces("he", {**earlier, "\u2581HE": 7}, 1) == ["\u2581HE"]


def test_a_letter_that_the_model_lacks_is_refused() -> None:
    with pytest.raises(BadRequest, match="keyword 3"):
        pieces("hex", {"\u2581": 1, "H": 2, "E": 3}, 3)


def test_the_stream_that_was_unused_for_longest_goes_first() -> None:
    begun: list[str] = []

    def begin(keywords: tuple[str, ...], _: float | None) -> str:
        begun.append(keywords[0])
        return keywords[0]

    streams = Streams(begin)
    for number in range(MAX_STREAMS + 1):
        streams.keep(str(number), streams.take(str(number), (str(number),), None))

    streams.take("1", ("again",), None)
    streams.take("0", ("again",), None)

    assert begun[-1] == "again"
    assert begun.count("again") == 1
