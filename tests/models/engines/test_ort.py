"""Where a session's runs were executed: from profiles, from divisions, and from neither."""

import json
import weakref
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from edged.errors import Unsupported
from edged.models.accelerators import runtime_of
from edged.models.engines import placement, probe
from edged.models.runtime import ModelSpec, Placement

ort = pytest.importorskip("edged.models.engines.ort")

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


class Session:
    """What `where` asks of a session: what was registered, the division, the profile."""

    def __init__(
        self, folder: Path, *, ran: dict[str, int], divided: dict[str, int] | None = None
    ) -> None:
        self._folder = folder
        self._ran = ran
        self._divided = divided or {}

    def get_providers(self) -> list[str]:
        """Whatever was asked for: this is where others stop looking."""
        return [CUDA, CPU]

    def end_profiling(self) -> str:
        """Write the profile as onnxruntime does, three times the same kernels."""
        nodes = [
            {"cat": "Node", "name": f"{provider}_{number}", "args": {"provider": provider}}
            for provider, count in self._ran.items()
            for number in range(count)
        ]
        noise = [{"cat": "Session", "name": "model_loading", "args": {}}, {"cat": "Node",
                 "name": "fence_before", "args": {}}]  # fmt: skip
        path = self._folder / "profile.json"
        path.write_text(json.dumps([*noise, *nodes, *nodes, *nodes]))
        return str(path)

    def get_provider_graph_assignment_info(self) -> list[SimpleNamespace]:
        """One part for each provider."""
        return [
            SimpleNamespace(ep_name=name, get_nodes=lambda count=count: [None] * count)
            for name, count in self._divided.items()
        ]


def test_a_run_that_fell_back_whole_is_seen_although_the_provider_is_registered(
    tmp_path: Path,
) -> None:
    session = Session(tmp_path, ran={CPU: 3}, divided={CUDA: 3})

    found = ort.where(session, "gpu:cuda", profiled=True)

    assert found == Placement(device="cpu", nodes={CPU: 3})
    assert list(tmp_path.iterdir()) == []


def test_a_part_that_fell_back_is_seen_and_counted(tmp_path: Path) -> None:
    session = Session(tmp_path, ran={CUDA: 1, CPU: 2}, divided={CUDA: 40, CPU: 2})

    found = ort.where(session, "gpu:cuda", profiled=True)

    assert found == Placement(device="cpu (partial)", nodes={CUDA: 40, CPU: 2})


def test_without_a_profile_the_division_tells(tmp_path: Path) -> None:
    session = Session(tmp_path, ran={}, divided={CUDA: 40, CPU: 2})

    assert ort.where(session, "gpu:cuda").device == "cpu (partial)"


def test_nothing_is_claimed_when_nothing_tells(tmp_path: Path) -> None:
    session = Session(tmp_path, ran={})

    assert ort.where(session, "gpu:cuda", profiled=True) == placement.UNKNOWN


def test_a_real_session_on_the_processor_says_so() -> None:
    session = ort.open_content(probe._MATMUL_ONNX, "cpu")

    found = ort.run_plainly(session, {"x": np.eye(4, dtype=np.float32)})

    assert np.array_equal(found, 2 * np.eye(4, dtype=np.float32))
    assert ort.where(session, "cpu").device == "cpu"


def test_a_provider_that_this_onnxruntime_lacks_is_an_error_that_names_what_it_has() -> None:
    with pytest.raises(Unsupported, match="no provider for cpu:acl") as caught:
        ort.open_content(probe._MATMUL_ONNX, "cpu:acl")

    assert "cpu" in caught.value.fix


def test_no_session_does_a_failed_run_over_on_the_processor(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(probe._MATMUL_ONNX)
    spec = ModelSpec(id="m", task="infer", engine="onnx", files={"model.onnx": str(path)})

    session = ort.open_session(spec, "model.onnx")

    assert session._enable_fallback == 0


def test_what_was_noted_of_a_model_keeps_it_not_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(probe._MATMUL_ONNX)
    spec = ModelSpec(id="gone", task="infer", engine="onnx", files={"model.onnx": str(path)})
    session = ort.open_session(spec, "model.onnx")
    ghost = weakref.ref(session)

    del session

    assert ghost() is None
    assert placement.placement_of("gone") == placement.UNKNOWN


@pytest.mark.parametrize(
    ("devices", "together"),
    [
        (["gpu:cuda", "gpu:cuda"], "gpu:cuda"),
        (["gpu:cuda", "cpu"], "cpu (partial)"),
        (["gpu:cuda", ""], ""),
    ],
)
def test_a_model_of_several_graphs_is_where_all_of_them_are(
    devices: list[str], together: str, tmp_path: Path
) -> None:
    graphs = [Session(tmp_path, ran={}) for _ in devices]
    told = {
        id(graph): Placement(device=device, nodes={CUDA: 2})
        for graph, device in zip(graphs, devices, strict=True)
    }
    for graph in graphs:
        placement.note("several", graph, lambda it: told[id(it)])

    found = placement.placement_of("several")

    assert found == Placement(device=together, nodes={CUDA: 4})


def test_threads_are_put_into_a_providers_options() -> None:
    from edged.models.accelerators import options_for

    openvino = runtime_of("onnx").accelerator("cpu:openvino")

    assert openvino is not None
    assert options_for(openvino, 3)["num_of_threads"] == "3"
    assert openvino.options["num_of_threads"] == "{threads}"
