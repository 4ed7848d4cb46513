"""Each engine tells where it really runs, from inside its worker, on real little models."""

import asyncio
import glob
import shutil
from pathlib import Path

import msgspec
import pytest
from hosted import DATA, canary, folder_files, hosted, spec_for
from seers import spec_of

from edged.errors import Unsupported
from edged.models.runtime import ModelSpec, Placement
from edged.models.trials import Asked
from edged.workers.process import WorkerSpec

TRANSDUCER = DATA / "tiny-transducer"
WHISPER = DATA / "tiny-whisper"

needs_no_card = pytest.mark.skipif(
    bool(shutil.which("nvidia-smi")), reason="this machine may have CUDA"
)


def transducer(engine: str, encoder: str) -> ModelSpec:
    files = {name: str(TRANSDUCER / f"{name}.onnx") for name in ("decoder", "joiner")}
    files |= {"encoder": str(TRANSDUCER / encoder), "tokens": str(TRANSDUCER / "tokens.txt")}
    return spec_for(engine, files)


def whisper(**parameters: str) -> ModelSpec:
    files = {name: path for name, path in folder_files(WHISPER).items() if ".wav" not in name}
    return spec_for("faster_whisper", files, parameters=dict(parameters))


def placed(spec: ModelSpec) -> Placement:
    """Where a model runs, asked in its worker after its canary."""

    async def scenario() -> Placement:
        async with hosted(spec) as worker:
            await canary(worker)
            host = WorkerSpec(name="asked", module="edged.models.engines.placement")
            await worker.load(host, deadline_s=5)
            answer = await worker.call(
                "placement", Asked(model=spec.id), target="asked", deadline_s=5
            )
            return answer.to(Placement)

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    "spec",
    [
        transducer("sherpa_offline", "offline-encoder.onnx"),
        transducer("sherpa_online", "online-encoder.onnx"),
        whisper(),
        whisper(compute_type="float32"),
    ],
    ids=["sherpa_offline", "sherpa_online", "whisper", "whisper float32"],
)
def test_an_engine_on_the_processor_says_so(spec: ModelSpec) -> None:
    assert placed(spec) == Placement(device="cpu")


def test_mediapipe_says_that_it_took_the_processor_where_there_is_no_gpu(pulled: Path) -> None:
    spec = spec_of(pulled, "face-detector-short-range")

    plain = placed(spec)
    asked = placed(msgspec.structs.replace(spec, device="gpu:mediapipe"))

    assert plain == Placement(device="cpu")
    assert asked.device in {"cpu", "gpu:mediapipe"}
    assert asked.device == "cpu" or glob.glob("/dev/dri/renderD*") or glob.glob("/dev/nvidia*")


@needs_no_card
def test_sherpa_that_takes_the_processor_in_place_of_cuda_is_found_out() -> None:
    spec = transducer("sherpa_offline", "offline-encoder.onnx")

    found = placed(msgspec.structs.replace(spec, device="gpu:cuda"))

    assert found == Placement(device="cpu")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (whisper(compute_type="float16"), "cpu has no compute type float16 here"),
        (msgspec.structs.replace(whisper(), device="npu:qnn"), "CTranslate2 has no npu:qnn"),
        (
            msgspec.structs.replace(
                transducer("sherpa_online", "online-encoder.onnx"), device="npu:qnn"
            ),
            "sherpa-onnx has no npu:qnn",
        ),
    ],
    ids=["compute type", "whisper", "sherpa"],
)
def test_what_an_engine_cannot_do_is_an_error_that_names_it(spec: ModelSpec, message: str) -> None:
    with pytest.raises(Unsupported, match=message):
        placed(spec)


@needs_no_card
def test_whisper_on_a_card_that_is_not_there_is_an_error() -> None:
    with pytest.raises(Unsupported, match="CTranslate2 cannot use gpu:cuda here"):
        placed(msgspec.structs.replace(whisper(), device="gpu:cuda"))
