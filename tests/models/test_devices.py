"""Asked, available, used: with faked drivers, and with real children that misbehave."""

import asyncio
import json
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest
from fake_devices import ENGINES, Drivers, devices, four_cores, model  # noqa: F401 - a fixture

from edged.config import Config
from edged.errors import Unsupported
from edged.models import accelerators, probing
from edged.models.accelerators import RUNTIMES, runtime_of
from edged.models.choices import Choice
from edged.models.devices import Devices
from edged.models.files import ModelFiles
from edged.models.runtime import ModelSpec
from edged.workers.process import Worker, WorkerSpec

T = TypeVar("T")


def run(waiting: Awaitable[T]) -> T:
    async def bounded() -> T:
        async with asyncio.timeout(18):
            return await waiting

    return asyncio.run(bounded())


def chosen(cache: Path, facts: dict[str, object], **sections: object) -> Choice:
    return run(devices(cache, **sections).choose(model(threads=1, **facts)))


# --- what is asked ---


@pytest.mark.parametrize(
    ("facts", "sections", "device"),
    [
        ({}, {}, "cpu"),
        ({"device": "cpu"}, {"workers": {"device": "gpu"}}, "cpu"),
        ({}, {"workers": {"device": "gpu"}}, "gpu:cuda"),
        ({"device": "gpu"}, {}, "gpu:cuda"),
        ({"device": "gpu:cuda"}, {"devices": {"m": "cpu"}}, "cpu"),
        ({}, {"devices": {"m": "gpu:cuda"}}, "gpu:cuda"),
        ({"engine": "pocketsphinx"}, {"workers": {"device": "gpu"}}, "cpu"),
    ],
)
def test_config_for_a_model_stands_above_its_manifest_and_that_above_the_daemons(
    facts: dict[str, object],
    sections: dict[str, object],
    device: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = () if device == "cpu" and not facts and not sections else ("gpu:cuda",)
    Drivers(monkeypatch, *there)

    found = chosen(tmp_path, facts, **sections)

    assert found.device == device


def test_gpu_takes_the_first_that_works_in_the_stated_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Drivers(monkeypatch, "gpu:tensorrt", "gpu:cuda", "gpu:openvino", gpu_tensorrt="too old")

    found = run(devices(tmp_path).candidates(model(device="gpu", threads=1)))

    assert [one.device for one in found] == ["gpu:cuda", "gpu:openvino"]


def test_an_unknown_device_is_an_error_that_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="the device 'warp' is unknown") as caught:
        chosen(tmp_path, {"device": "warp"})

    assert caught.value.fix.startswith("ask for one of auto, cpu, gpu, npu, gpu:tensorrt, gpu:cuda")


def test_a_device_that_does_not_work_is_an_error_that_names_those_that_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Drivers(monkeypatch, "gpu:cuda", "cpu:openvino", gpu_cuda="killed by signal 11 (SIGSEGV)")

    with pytest.raises(Unsupported) as caught:
        chosen(tmp_path, {"device": "gpu:cuda"})

    assert caught.value.message == (
        "the device gpu:cuda does not work here (gpu:cuda: killed by signal 11 (SIGSEGV))"
    )
    assert caught.value.fix.startswith("ask for one of auto, cpu:openvino, cpu;")


def test_a_kind_without_a_device_is_an_error_when_the_model_asks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Drivers(monkeypatch)

    with pytest.raises(
        Unsupported, match="^no npu works here .npu:openvino: no device file; npu:qnn"
    ):
        chosen(tmp_path, {"device": "npu"})
    with pytest.raises(Unsupported):
        chosen(tmp_path, {}, workers={"device": "npu", "strict_device": True})

    assert chosen(tmp_path, {}, workers={"device": "npu"}).device == "cpu"


def test_what_was_asked_and_whether_it_is_strict_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Drivers(monkeypatch, "gpu:cuda")

    found = chosen(tmp_path, {"device": "gpu", "strict_device": True})

    assert (found.asked, found.device, found.strict) == ("gpu", "gpu:cuda", True)
    assert Path(found.scratch).parent == tmp_path / "placing"


# --- probing ---


def test_a_device_is_tried_once_and_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drivers = Drivers(monkeypatch, "gpu:cuda", "cpu:acl", gpu_cuda="it crashed")

    first = chosen(tmp_path, {})
    second = chosen(tmp_path, {})

    assert first.device == second.device == "cpu"
    assert drivers.tried == ["gpu:cuda"]
    found = json.loads((tmp_path / "accelerators.json").read_text())["found"]
    assert list(found.values()) == [{"gpu:cuda": "it crashed"}]


def test_what_is_remembered_is_dropped_with_another_driver_or_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drivers = Drivers(monkeypatch, "gpu:cuda", gpu_cuda="it crashed")
    chosen(tmp_path, {})

    monkeypatch.setattr("edged.models.machine.drivers", lambda: "another")
    chosen(tmp_path, {})
    monkeypatch.setattr("edged.models.machine.version_of", lambda _: "onnxruntime 99")
    chosen(tmp_path, {})

    assert drivers.tried == ["gpu:cuda"] * 3


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 2}', '{"version":1,"found":3}'])
def test_a_damaged_memory_is_as_none(
    content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drivers = Drivers(monkeypatch, "gpu:cuda", gpu_cuda="it crashed")
    (tmp_path / "accelerators.json").write_text(content)

    chosen(tmp_path, {})

    assert drivers.tried == ["gpu:cuda"]


def test_a_device_that_no_file_speaks_for_is_tried_only_when_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drivers = Drivers(monkeypatch, "cpu:xnnpack")

    automatic = chosen(tmp_path, {})
    named = chosen(tmp_path, {"device": "cpu:xnnpack"})

    assert (automatic.device, named.device) == ("cpu", "cpu:xnnpack")
    assert drivers.tried == ["cpu:xnnpack"]


def test_plain_cpu_tries_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drivers = Drivers(monkeypatch, "gpu:cuda")

    found = chosen(tmp_path, {"device": "cpu"})

    assert (found.device, found.scratch, drivers.tried) == ("cpu", "", [])
    assert not (tmp_path / "accelerators.json").exists()


@pytest.mark.parametrize(
    ("device", "reason"),
    [
        ("gpu:tensorrt", "killed by signal 6 (SIGABRT)"),
        ("gpu:cuda", "killed by signal 11 (SIGSEGV)"),
        ("gpu:rocm", "it does not answer within 1.5 s"),
        ("gpu:migraphx", "exited with status 3"),
        ("gpu:openvino", "its driver is too old"),
        ("npu:openvino", "killed by signal 9 (SIGKILL)"),
        ("npu:qnn", "a graph that it was given ran on cpu"),
        ("npu:coreml", ""),
    ],
)
def test_a_broken_driver_costs_a_child_and_is_a_reason(device: str, reason: str) -> None:
    found = run(probing.probe(runtime_of("onnx"), device, module="broken_probe", deadline_s=1.5))

    assert found == reason


def test_a_driver_that_hangs_keeps_no_other_model_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = {"gpu:rocm"}
    monkeypatch.setattr(probing, "lacking", lambda _, one: "" if one in there else "no device file")
    chooser = Devices(
        Config(),
        tmp_path,
        files=ModelFiles(tmp_path, tmp_path, ENGINES),
        engines=ENGINES,
        probe_module="broken_probe",
        probe_deadline_s=2.0,
    )

    async def scenario() -> tuple[float, Choice, Choice]:
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            hanging = group.create_task(chooser.choose(model(id="a", threads=1)))
            await asyncio.sleep(0)
            other = await chooser.choose(model(id="b", engine="pocketsphinx"))
            took_s = time.monotonic() - began
        return took_s, other, hanging.result()

    took_s, other, hanged = run(scenario())

    assert took_s < 1.0
    assert (other.device, hanged.device) == ("cpu", "cpu")


def test_the_real_probe_runs_a_graph_on_the_processor() -> None:
    assert {
        runtime.name: run(probing.probe(runtime, "cpu")) for runtime in RUNTIMES
    } == dict.fromkeys([one.name for one in RUNTIMES], "")


def test_the_real_probe_sees_a_runtime_that_falls_back_in_silence() -> None:
    """LiteRT takes the processor when there is no NPU, and raises nothing."""
    found = run(probing.probe(runtime_of("litert"), "npu:litert"))

    assert found == "a graph that it was given ran on cpu"


# --- verifying ---


def verified(cache: Path, choice: Choice, **facts: object) -> str:
    """Where a model of the slow engine is said to run, once a real worker has loaded it."""

    async def scenario() -> str:
        manifest = model(threads=1, **facts)
        spec = ModelSpec(
            id="m", task="infer", engine="onnx", files={}, parameters=manifest.parameters
        )
        worker = await Worker.spawn(
            WorkerSpec(name="m", module="slow_engine", argument=msgspec.msgpack.encode(spec)),
            load_deadline_s=10,
        )
        try:
            return await devices(cache).verify(worker, manifest, choice)
        finally:
            await worker.end()

    return run(scenario())


@pytest.mark.parametrize(
    ("asked", "runs_on", "told"),
    [
        ("gpu:cuda", "cpu", "cpu"),
        ("gpu:cuda", "cpu (partial)", "cpu (partial)"),
        ("gpu:cuda", "gpu:cuda", "gpu:cuda"),
        ("gpu:cuda", "", "unknown"),
        ("cpu", "", "cpu"),
    ],
)
def test_what_is_told_is_what_the_worker_found_and_not_what_was_asked(
    asked: str, runs_on: str, told: str, tmp_path: Path
) -> None:
    choice = Choice(asked=asked, device=asked)

    assert verified(tmp_path, choice, parameters={"runs_on": runs_on}) == told


def test_a_strict_choice_is_refused_with_the_share_that_fell_back(tmp_path: Path) -> None:
    choice = Choice(asked="cpu:openvino", device="cpu:openvino", strict=True)

    with pytest.raises(Unsupported, match="2 of 5 nodes of m do not run on cpu:openvino"):
        verified(tmp_path, choice, parameters={"runs_on": "cpu (partial)"})


def test_the_scratch_folder_is_gone_when_it_was_read(tmp_path: Path) -> None:
    scratch = tmp_path / "placing" / "one"
    scratch.mkdir(parents=True)
    (scratch / "run.json").write_text("[]")

    verified(tmp_path, Choice(scratch=str(scratch)))

    assert not scratch.exists()


# --- the table ---


def test_every_device_of_the_issue_is_known() -> None:
    wanted = {
        "gpu:cuda", "gpu:tensorrt", "gpu:rocm", "gpu:migraphx", "gpu:openvino", "cpu:openvino",
        "npu:qnn", "npu:openvino", "gpu:directml", "gpu:coreml", "npu:coreml", "cpu:acl",
        "cpu:xnnpack", "cpu",
    }  # fmt: skip

    assert wanted <= set(accelerators.known_devices())


def test_the_order_is_as_documented() -> None:
    order = list(dict.fromkeys(one.provider for one in accelerators.ONNXRUNTIME))
    page = (Path(__file__).parents[2] / "docs" / "ACCELERATORS.md").read_text()
    positions = [page.index(f"`{name}`") for name in order]

    assert positions == sorted(positions)
    assert all(f"`{device}`" in page for device in accelerators.known_devices())
    assert order[0] == "TensorrtExecutionProvider"
    assert order[-1] == "CPUExecutionProvider"


@pytest.mark.parametrize(
    ("nodes", "device", "told"),
    [
        ({"CUDAExecutionProvider": 9}, "gpu:cuda", "gpu:cuda"),
        ({"CUDAExecutionProvider": 9, "CPUExecutionProvider": 1}, "gpu:cuda", "cpu (partial)"),
        ({"CPUExecutionProvider": 10}, "gpu:cuda", "cpu"),
        ({"CUDAExecutionProvider": 0, "CPUExecutionProvider": 10}, "gpu:cuda", "cpu"),
        ({"OpenVINOExecutionProvider": 3}, "npu:openvino", "npu:openvino"),
        (
            {"TensorrtExecutionProvider": 3, "CUDAExecutionProvider": 1},
            "gpu:tensorrt",
            "gpu:cuda (partial)",
        ),
        ({"CUDAExecutionProvider": 3}, "gpu:tensorrt", "gpu:cuda"),
    ],
)
def test_a_placement_comes_to_a_device_or_a_part(
    nodes: dict[str, int], device: str, told: str
) -> None:
    assert accelerators.placed(nodes, runtime_of("onnx"), device) == told


def test_only_an_accelerators_worker_is_let_at_device_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = {
        "/dev/nvidia[0-9]*": ["/dev/nvidia1", "/dev/nvidia0"],
        "/dev/nvidiactl": ["/dev/nvidiactl"],
    }
    monkeypatch.setattr("glob.glob", lambda pattern: there.get(pattern, []))

    assert accelerators.opening_for("cpu") == accelerators.Opening()
    assert accelerators.opening_for("gpu:cuda").use == (
        "/dev/nvidiactl", "/dev/nvidia0", "/dev/nvidia1",
    )  # fmt: skip
    assert accelerators.opening_for("gpu:openvino").use == ()
