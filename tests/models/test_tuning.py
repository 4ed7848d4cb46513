"""How many threads, and which of several devices: measured once in a throw-away worker."""

import asyncio
import json
from pathlib import Path

import pytest
from fake_devices import ENGINES, Drivers, devices, four_cores, model  # noqa: F401 - a fixture

from edged.config import Config
from edged.models import choices, machine, probing
from edged.models import devices as choosers
from edged.models.choices import Choice
from edged.models.devices import Devices
from edged.models.engines import trial
from edged.models.files import ModelFiles
from edged.models.manifest import Manifest

SCALES = {"ms_1": 24.0, "ms_2": 12.0, "ms_4": 6.0}
HARDLY = {"ms_1": 30.0, "ms_2": 29.5, "ms_4": 30.5}
SLOWER = 4.0
"""Where several are compared, so that other tests on the same processors change little."""


@pytest.fixture(autouse=True)
def no_drivers(monkeypatch: pytest.MonkeyPatch) -> Drivers:
    monkeypatch.setattr(probing, "MEASURE_S", 0.2)
    return Drivers(monkeypatch)


def choose(chooser: Devices, manifest: Manifest) -> Choice:
    async def bounded() -> Choice:
        async with asyncio.timeout(18):
            return await chooser.choose(manifest)

    return asyncio.run(bounded())


def remembered(cache: Path) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads((cache / "tuning.json").read_text())["found"]
    return found


@pytest.mark.parametrize(("parameters", "threads"), [(SCALES, 4), (HARDLY, 1)])
def test_more_threads_are_taken_only_where_they_pay(
    parameters: dict[str, float], threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "MEASURE_S", 1.0)
    slow = {name: ms * SLOWER for name, ms in parameters.items()}

    found = choose(devices(tmp_path), model(parameters=slow))

    assert (found.device, found.threads) == ("cpu", threads)


def test_a_model_is_measured_once_on_a_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = choose(devices(tmp_path), model(parameters=SCALES))
    monkeypatch.setattr(probing, "measure", None)

    again = choose(devices(tmp_path), model(parameters=SCALES))

    assert again == first
    (entry,) = remembered(tmp_path).values()
    assert (entry["device"], entry["threads"]) == ("cpu", 4)
    assert isinstance(entry["run_us"], int)
    assert entry["run_us"] >= 6000


def test_other_content_is_measured_anew_and_so_is_another_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(devices(tmp_path), model(parameters=SCALES))
    choose(devices(tmp_path), model(parameters=HARDLY))
    here = machine.processor()
    monkeypatch.setattr(
        machine, "processor", lambda: machine.Processor(
            model="another", physical=4, logical=4, features=here.features
        ),
    )  # fmt: skip
    choose(devices(tmp_path), model(parameters=SCALES))

    assert len(remembered(tmp_path)) == 3


@pytest.mark.parametrize(
    ("facts", "sections", "threads"),
    [
        ({"threads": 3}, {}, 3),
        ({"threads": 3}, {"threads": {"m": 2}}, 2),
        ({"holds_gil": True}, {}, 1),
        ({"engine": "pocketsphinx"}, {}, 1),
    ],
)
def test_what_is_stated_is_not_measured(
    facts: dict[str, object], sections: dict[str, object], threads: int, tmp_path: Path
) -> None:
    found = choose(devices(tmp_path, **sections), model(parameters=SCALES, **facts))

    assert found.threads == threads
    assert not (tmp_path / "tuning.json").exists()


def test_a_large_model_is_not_loaded_to_be_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosers, "LARGEST_MEASURED", -1)

    found = choose(devices(tmp_path), model(parameters=SCALES))

    assert found.threads == 4
    assert not (tmp_path / "tuning.json").exists()


def test_a_graph_that_refuses_its_canary_is_not_measured(tmp_path: Path) -> None:
    found = choose(devices(tmp_path), model(parameters={**HARDLY, "canary": trial.REFUSED}))

    assert found.threads == 4
    assert trial.REFUSED == pytest.importorskip("edged.models.engines.inference").REFUSED


def test_a_large_model_gets_a_gpu_unmeasured_but_no_other_kernels_for_the_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosers, "LARGEST_MEASURED", -1)
    Drivers(monkeypatch, "cpu:openvino")
    processor = choose(devices(tmp_path), model())
    Drivers(monkeypatch, "cpu:openvino", "gpu:cuda")

    assert processor.device == "cpu"
    assert choose(devices(tmp_path), model()).device == "gpu:cuda"


def test_a_way_that_crashes_is_not_taken_and_harms_nothing(tmp_path: Path) -> None:
    found = choose(devices(tmp_path), model(parameters={**SCALES, "crash": 4.0}))

    assert found.threads == 2


def test_a_model_that_always_crashes_gets_a_guess_and_fails_in_its_own_load(
    tmp_path: Path,
) -> None:
    found = choose(devices(tmp_path), model(parameters={"crash": 1.0}))

    assert found.threads == 4
    assert not (tmp_path / "tuning.json").exists()


@pytest.mark.parametrize(("openvino_ms", "device"), [(3.0, "cpu:openvino"), (28.0, "cpu")])
def test_an_accelerator_has_to_be_clearly_quicker(
    openvino_ms: float, device: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Drivers(monkeypatch, "cpu:openvino")
    parameters = {"ms_1": 30.0, "ms_2": 30.0, "ms_4": 30.0, "ms_openvino": openvino_ms}

    found = choose(devices(tmp_path), model(parameters=parameters))

    assert (found.device, found.threads) == (device, 1)


def test_two_models_are_not_measured_at_once(tmp_path: Path) -> None:
    chooser = devices(tmp_path)

    async def scenario() -> list[Choice]:
        models = [model(id=name, parameters=SCALES) for name in "ab"]
        return list(await asyncio.gather(*map(chooser.choose, models)))

    found = asyncio.run(scenario())

    assert [one.threads for one in found] == [4, 4]
    assert len(remembered(tmp_path)) == 1


def test_without_files_nothing_is_measured(tmp_path: Path) -> None:
    found = choose(Devices(Config(), tmp_path), model(parameters=SCALES))

    assert found.threads == 4


def test_a_benchmarks_finding_is_taken_from_then_on(tmp_path: Path) -> None:
    chooser, manifest = devices(tmp_path), model(parameters=SCALES)

    asyncio.run(chooser.remember(manifest, Choice(device="cpu", threads=2)))

    assert choose(chooser, manifest).threads == 2


def test_the_candidates_are_every_way_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Drivers(monkeypatch, "gpu:cuda", "cpu:openvino")

    found = asyncio.run(devices(tmp_path).candidates(model()))

    assert [(one.device, one.threads) for one in found] == [
        ("gpu:cuda", 1),
        ("cpu:openvino", 1), ("cpu:openvino", 2), ("cpu:openvino", 4),
        ("cpu", 1), ("cpu", 2), ("cpu", 4),
    ]  # fmt: skip


def test_a_cache_that_cannot_be_written_only_costs_time(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file, no folder")
    files = ModelFiles(tmp_path, tmp_path, ENGINES)
    chooser = Devices(Config(), tmp_path / "cache", files=files, engines=ENGINES)

    assert choose(chooser, model(parameters=SCALES)).threads == 4


@pytest.mark.parametrize(
    ("physical", "logical", "counts"),
    [(1, 1, (1,)), (2, 4, (1, 2)), (6, 12, (1, 2, 4, 6)), (8, 2, (1, 2)), (0, 0, (1,))],
)
def test_threads_go_up_to_the_physical_cores(
    physical: int, logical: int, counts: tuple[int, ...]
) -> None:
    assert choices.thread_counts(physical, logical) == counts


def test_the_machine_is_read_from_the_kernels_files(tmp_path: Path) -> None:
    cpus = tmp_path / "sys" / "devices" / "system" / "cpu"
    for number, siblings in enumerate(["0,2", "1,3", "0,2", "1,3"]):
        (cpus / f"cpu{number}" / "topology").mkdir(parents=True)
        (cpus / f"cpu{number}" / "topology" / "thread_siblings_list").write_text(siblings)
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "cpuinfo").write_text(
        "processor : 0\nFeatures\t: fp asimd aes asimddp i8mm\nCPU part\t: 0xd0b\n"
    )

    found = machine.processor(str(tmp_path))

    assert machine.physical_cores(str(tmp_path)) == 2
    assert found.features == ("aes", "asimd", "asimddp", "i8mm")
    assert found.model.endswith("0xd0b")


def test_drivers_have_a_fingerprint_that_changes_with_them(tmp_path: Path) -> None:
    none = machine.drivers(str(tmp_path))
    (tmp_path / "proc" / "driver" / "nvidia").mkdir(parents=True)
    (tmp_path / "proc" / "driver" / "nvidia" / "version").write_text("NVRM 550")
    old = machine.drivers(str(tmp_path))
    (tmp_path / "proc" / "driver" / "nvidia" / "version").write_text("NVRM 570")

    assert len({none, old, machine.drivers(str(tmp_path))}) == 3
