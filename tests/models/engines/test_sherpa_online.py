"""sherpa-onnx's streaming with a hand-made transducer that hears loud and soft."""

import asyncio

from hosted import DATA, canary, feed, hosted, spec_for

from edged.models.engines.voice import we_are
from edged.models.runtime import ModelSpec, Partial

TINY = DATA / "tiny-transducer"
CHUNK = 6_400
"""Bytes: 200 ms."""


def tiny() -> ModelSpec:
    files = {name: str(TINY / f"{name}.onnx") for name in ("decoder", "joiner")}
    files |= {"encoder": str(TINY / "online-encoder.onnx"), "tokens": str(TINY / "tokens.txt")}
    return spec_for("sherpa_online", files)


def test_partial_results_grow_until_the_utterance_ends_and_the_next_begins_empty() -> None:
    audio = we_are() + bytes(2 * 32_000) + we_are()

    async def fed() -> list[Partial]:
        async with hosted(tiny()) as worker:
            return [
                await feed(worker, audio[at : at + CHUNK], "a", final=at + CHUNK >= len(audio))
                for at in range(0, len(audio), CHUNK)
            ]

    found = asyncio.run(fed())

    texts = [one.text for one in found]
    first_end = [one.ended for one in found].index(True)
    assert texts[:first_end] == sorted(texts[:first_end], key=len)
    assert (texts[first_end], texts[-1]) == ("loud soft", "loud soft")
    assert "loud" in texts[first_end + 1 :]
    assert found[-1].ended
    second_s = 2 + len(we_are()) / 32_000
    assert found[first_end].words[0].start_s < 1
    assert second_s - 0.1 <= found[-1].words[0].start_s <= second_s + 1


def test_streams_share_no_state_and_a_final_one_is_forgotten() -> None:
    loud = we_are()[4_800:16_000]

    async def fed() -> list[str]:
        async with hosted(tiny()) as worker:
            await feed(worker, loud, "one")
            return [
                (await feed(worker, bytes(12_800), "two")).text,
                (await feed(worker, bytes(12_800), "one", final=True)).text,
                (await feed(worker, bytes(12_800), "one")).text,
            ]

    assert asyncio.run(fed()) == ["", "loud soft", ""]


def test_the_canary_answers_and_leaves_no_trace() -> None:
    async def sung() -> list[str]:
        async with hosted(tiny()) as worker:
            return [await canary(worker), await canary(worker)]

    assert asyncio.run(sung()) == ["loud soft", "loud soft"]
