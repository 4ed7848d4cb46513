"""Who speaks when, in workers: the one without weights, and pyannote's real segmentation."""

import asyncio
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hosted import DEADLINE_S, asset, canary, clip, hosted, shipped, spec_for

from edged.errors import BadMedia, BadRequest, Busy, CorruptModel, ModelMissing
from edged.media import AudioChunk
from edged.messages.records import Span
from edged.models.engines.bic_diarizer import BicDiarizer
from edged.models.engines.diarizing import MOST_STREAMS
from edged.models.engines.sherpa_diarization import SherpaDiarization
from edged.models.engines.sherpa_speaker import SherpaSpeaker
from edged.models.engines.voice import we_are
from edged.models.listening import Diarized, DiarizeOptions
from edged.models.runtime import ModelSpec, Vector
from edged.speech.der import LabelledTurn, read_rttm, score
from edged.workers.process import Worker

SECOND = 32_000
"""Bytes."""
SAMPLE = "media/diarization/sample"


def _pyannote(*, speaker: bool = True) -> ModelSpec:
    folder = "diarization/sherpa-onnx-pyannote-segmentation-3-0"
    files = {"segmentation.onnx": str(asset(f"{folder}/model.int8.onnx"))}
    if speaker:
        files["embedding.onnx"] = _embedding()
    return spec_for("sherpa_diarization", files, task="diarize")


def _embedding() -> str:
    """A graph of the right signature that was never trained."""
    return str(asset("diarization/derived/mean_logmel_NOT_TRAINED_embedding.onnx"))


async def _diarized(
    worker: Worker, pcm: bytes, *, speakers: int = 0, step: int = 30 * SECOND, stream: str = "one"
) -> Diarized:
    found = Diarized()
    for first in range(0, max(1, len(pcm)), step):
        chunk = AudioChunk(data=pcm[first : first + step], start=first // 2)
        final = first + step >= len(pcm)
        options = DiarizeOptions(stream=stream, final=final, speakers=speakers)
        answer = await worker.call("diarize", chunk, options, deadline_s=DEADLINE_S)
        found = answer.to(Diarized)
        if not final:
            assert found == Diarized()
    return Diarized(
        turns=found.turns,
        voices=bytes(found.voices),
        dimensions=found.dimensions,
        voice_model=found.voice_model,
    )


def _rate(found: Diarized) -> float:
    reference = read_rttm(asset(f"{SAMPLE}.rttm").read_text())
    turns = [LabelledTurn(one.start_ms, one.end_ms, str(one.speaker)) for one in found.turns]
    return score(reference, turns).rate


def test_the_one_without_weights_finds_both_of_a_telephone_call(home: Path) -> None:
    pcm = bytes(clip(asset(f"{SAMPLE}.wav")).data)

    async def scenario() -> tuple[Diarized, Diarized, Diarized, str]:
        async with hosted(shipped("bic-diarizer", home)) as worker:
            unknown = await _diarized(worker, pcm)
            known = await _diarized(worker, pcm, speakers=2, step=7 * SECOND)
            return unknown, known, await _diarized(worker, pcm), await canary(worker)

    unknown, known, again, word = asyncio.run(scenario())

    assert word == shipped("bic-diarizer", home).canary
    assert unknown == again, "the same bytes twice"
    assert {turn.speaker for turn in known.turns} == {0, 1}
    assert _rate(known) < 0.25
    assert (unknown.voices, unknown.dimensions, unknown.voice_model) == (b"", 0, "")


def test_pyannote_finds_overlaps_and_gives_a_voice_for_each_speaker() -> None:
    pcm = bytes(clip(asset(f"{SAMPLE}.wav")).data)

    async def scenario() -> tuple[Diarized, Diarized, str, str]:
        async with hosted(_pyannote()) as worker:
            whole = await _diarized(worker, pcm, speakers=2)
            pieces = await _diarized(worker, pcm, speakers=2, step=5 * SECOND)
            return whole, pieces, await canary(worker), await canary(worker)

    whole, pieces, one, other = asyncio.run(scenario())

    assert whole == pieces, "the parts do not matter"
    assert one == other
    assert _rate(whole) < 0.2
    turns = whole.turns
    assert any(one.end_ms > other.start_ms for one, other in pairwise(turns))
    vectors = np.frombuffer(whole.voices, "<f4").reshape(2, whole.dimensions)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert whole.voice_model == "tested"


def test_pyannote_alone_tells_voices_apart_by_their_cepstra() -> None:
    diarizer = SherpaDiarization(_pyannote(speaker=False))

    found = diarizer.diarize(clip(asset(f"{SAMPLE}.wav")), _whole(speakers=2))

    assert _rate(found) < 0.2
    assert found.voices == b""


def _whole(*, speakers: int = 0) -> DiarizeOptions:
    return DiarizeOptions(stream="whole", final=True, speakers=speakers)


@pytest.mark.parametrize("kind", ["bic", "pyannote"])
def test_what_is_no_speech_has_no_turns(kind: str) -> None:
    diarizer = BicDiarizer() if kind == "bic" else SherpaDiarization(_pyannote())
    noise = np.random.default_rng(2).normal(0, 300, 80_000).astype("<i2").tobytes()

    nothing = [b"", bytes(6_400), bytes(5 * SECOND), noise]
    found = [diarizer.diarize(AudioChunk(data=one), _whole()) for one in nothing]
    short = diarizer.diarize(AudioChunk(data=we_are()[: SECOND // 5]), _whole(speakers=300))

    assert found == [Diarized()] * 4
    assert len(short.turns) <= 1


def _feed(diarizer: BicDiarizer, stream: str, seconds: float, *, start: int = 0) -> Diarized:
    chunk = AudioChunk(data=bytes(int(seconds * 16_000) * 2), start=start)
    return diarizer.diarize(chunk, DiarizeOptions(stream=stream))


def test_a_stream_that_was_forgotten_begins_anew() -> None:
    diarizer = BicDiarizer()
    voice = AudioChunk(data=we_are() * 4)
    diarizer.diarize(voice, DiarizeOptions(stream="a", speech=(Span(start_ms=0, end_ms=3_000),)))

    diarizer.forget(DiarizeOptions(stream="a"))
    diarizer.forget(DiarizeOptions(stream="a"))
    found = diarizer.diarize(AudioChunk(data=bytes(SECOND)), DiarizeOptions(stream="a", final=True))

    assert found == Diarized()


def test_more_streams_than_it_keeps_make_the_oldest_go_which_is_then_told() -> None:
    diarizer = BicDiarizer()
    for number in range(MOST_STREAMS + 1):
        _feed(diarizer, f"stream{number}", 0.1)

    with pytest.raises(Busy, match="at once"):
        _feed(diarizer, "stream0", 0.1, start=1_600)
    assert _feed(diarizer, "stream1", 0.1, start=1_600) == Diarized()


def test_a_part_that_is_too_long_or_not_the_next_or_half_a_sample_is_refused() -> None:
    diarizer = BicDiarizer()
    _feed(diarizer, "a", 1)

    with pytest.raises(BadRequest, match="60 s"):
        _feed(diarizer, "b", 62)
    with pytest.raises(BadRequest, match="does not begin"):
        _feed(diarizer, "a", 1, start=48_000)
    with pytest.raises(BadRequest, match="half a sample"):
        diarizer.diarize(AudioChunk(data=b"abc"), DiarizeOptions(stream="c"))


def test_a_file_that_is_no_segmentation_or_is_not_there_is_told(tmp_path: Path) -> None:
    wrong = {"segmentation.onnx": str(asset("text/regex_one_embedding_with_metadata.tflite"))}
    absent = {"segmentation.onnx": str(tmp_path / "none.onnx")}

    with pytest.raises(CorruptModel):
        SherpaDiarization(spec_for("sherpa_diarization", wrong))
    with pytest.raises(ModelMissing):
        SherpaDiarization(spec_for("sherpa_diarization", absent))
    with pytest.raises(CorruptModel, match="no segmentation"):
        SherpaDiarization(spec_for("sherpa_diarization", {"segmentation.onnx": _embedding()}))
    with pytest.raises(ModelMissing):
        SherpaSpeaker(
            spec_for("sherpa_speaker", {"model.onnx": str(tmp_path / "none.onnx")}), "model"
        )


def test_a_voice_is_a_vector_of_length_one_and_too_little_speech_is_none() -> None:
    pcm = bytes(clip(asset(f"{SAMPLE}.wav")).data)[10 * SECOND : 13 * SECOND]

    async def scenario() -> tuple[Vector, Vector]:
        async with hosted(spec_for("sherpa_speaker", {"model.onnx": _embedding()})) as worker:
            one = await worker.call("voice", AudioChunk(data=pcm), deadline_s=DEADLINE_S)
            other = await worker.call("voice", AudioChunk(data=pcm), deadline_s=DEADLINE_S)
            found = (
                Vector(data=bytes(one.to(Vector).data)),
                Vector(data=bytes(other.to(Vector).data)),
            )
            for silent in (b"", bytes(2 * SECOND), pcm[:3_200]):
                with pytest.raises(BadMedia, match="too little"):
                    await worker.call("voice", AudioChunk(data=silent), deadline_s=DEADLINE_S)
            assert await canary(worker)
            return found

    one, other = asyncio.run(scenario())

    assert one == other
    assert math.isclose(float(np.linalg.norm(np.frombuffer(one.data, "<f4"))), 1, rel_tol=1e-5)
