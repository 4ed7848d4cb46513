"""What serving a graph costs: `infer` beside a bare loop, MLServer and LitServe; batching; cold loads."""

import hashlib
import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from msgspec import Struct

from benchmarks import graphs
from benchmarks.figures import Figure, interleaved, percentile, ratio, seconds
from benchmarks.peers import environments
from benchmarks.peers.crowd import Crowd, Pace, line_of, start
from benchmarks.served import Served, until_unloaded
from edged.bridge.link import SyncClient
from edged.messages import replies, requests
from edged.messages.records import TensorFacts, TensorType

TITLE = "Any model: `infer`"
CROWD = 8
BATCHING_CROWD = 16
BARE = "bare ZeroMQ loop"

Mode = tuple[int, int, int]
MODES: Mapping[str, Sequence[Mode]] = {
    BARE: ((1, 0, 0), (2, 0, 0)),
    "edged": ((1, 0, 0), (2, 0, 0)),
    "mlserver": ((1, 0, 0), (2, 0, 0), (1, 2, 0), (1, 0, CROWD), (2, 0, CROWD)),
    "litserve": ((1, 1, 0), (2, 1, 0), (1, 2, 0), (1, 1, CROWD)),
}
"""Ways of serving, the best of which is measured: threads in one inference, worker processes
(0: in the server's own), and the most requests in a batch (0: each alone)."""

LEAST = {"mlserver": 1.2, "litserve": 2.3}


class Graph(Struct, frozen=True, kw_only=True):
    """A graph's file, and a file with the bytes of one input for it."""

    model: Path
    data: Path
    dtype: TensorType
    shape: tuple[int, ...]


MANIFEST = """
id = "{id}"
task = "infer"
engine = "onnx"
description = "a graph to measure with"
license = "Apache-2.0"
memory_bytes = 100_000_000
threads = {threads}
max_batch = {batch}

[[files]]
name = "model.onnx"
path = "{path}"
bytes = {bytes}
sha256 = "{sha256}"
"""


def measure(*, quick: bool) -> list[Figure]:
    """Serving beside the peers, then batching, then cold loads."""
    rounds = 3 if quick else 15
    return [
        *_beside(1, rounds=rounds, calls=20 if quick else 60),
        *_beside(CROWD, rounds=rounds, calls=5 if quick else 20),
        *_batching(rounds=rounds, calls=20 if quick else 100),
        *_cold(rounds=3 if quick else 20),
    ]


# --- beside the peers ---


def _beside(clients: int, *, rounds: int, calls: int) -> list[Figure]:
    with ExitStack() as stack:
        graph = _graph("picture")
        crowds: dict[str, Crowd] = {}
        modes: dict[str, str] = {}
        for name in MODES:
            if name not in LEAST or environments.is_ready(name):
                crowds[name], modes[name] = _best(stack, name, graph, clients)
        for crowd in crowds.values():
            crowd.run(calls)
        turns = {name: partial(_seconds_per_call, crowd, calls) for name, crowd in crowds.items()}
        found = interleaved(turns, rounds)
    return _compared(found, clients, modes)


def _seconds_per_call(crowd: Crowd, calls: int) -> float:
    return 1 / crowd.run(calls).per_second


def _compared(
    found: Mapping[str, Sequence[float]], clients: int, modes: Mapping[str, str]
) -> list[Figure]:
    who = f"{clients} client{'s' if clients > 1 else ''}"
    figures = [
        Figure(
            what=f"{name}, {who}",
            value=1 / statistics.median(values),
            unit="/s",
            note=modes.get(name, ""),
        )
        for name, values in found.items()
    ]
    floor = ratio(found, BARE, "edged")
    figures.append(Figure(what=f"edged / bare loop, {who}", value=floor, unit="x", least=0.9))
    for name in LEAST.keys() & modes.keys():
        value = ratio(found, name, "edged")
        figures.append(
            Figure(what=f"edged / {name}, {who}", value=value, unit="x", least=LEAST[name])
        )
    return figures


def _bare(stack: ExitStack, graph: Graph, threads: int, clients: int) -> Crowd:
    python = environments.OURS
    server = start(stack, python, "benchmarks.peers.zmq_server", str(graph.model), str(threads))
    address = line_of(server).strip()
    module = "benchmarks.peers.zmq_client"
    return Crowd(stack, python, module, address, str(graph.data), size=clients)


def _edged(stack: ExitStack, graph: Graph, threads: int, clients: int) -> Crowd:
    daemon = stack.enter_context(_served(graph, {"bench": 0}, threads=threads))
    return _clients(stack, daemon, "bench", graph, clients)


def _clients(stack: ExitStack, daemon: Served, name: str, graph: Graph, size: int) -> Crowd:
    shape = "x".join(map(str, graph.shape))
    facts = (daemon.paths.endpoint, name, str(graph.data), graph.dtype, shape)
    return Crowd(stack, environments.OURS, "benchmarks.peers.edged_client", *facts, size=size)


def _best(stack: ExitStack, name: str, graph: Graph, clients: int) -> tuple[Crowd, str]:
    """A contestant in the one of its modes that serves so many clients best, tried beforehand."""

    def trial(mode: Mode) -> float:
        with ExitStack() as once:
            crowd = _contestant(once, name, graph, mode, clients)
            crowd.run(10)
            return statistics.median(crowd.run(20).per_second for _ in range(3))

    mode = max(MODES[name], key=trial)
    threads, workers, batch = mode
    said = f"its best of {len(MODES[name])} modes: {threads} thread{'s' if threads > 1 else ''}"
    said += f", {workers} workers" * (workers > 1) + f", batch {batch}" * bool(batch)
    return _contestant(stack, name, graph, mode, clients), said


def _contestant(stack: ExitStack, name: str, graph: Graph, mode: Mode, clients: int) -> Crowd:
    if name == BARE:
        return _bare(stack, graph, mode[0], clients)
    if name == "edged":
        return _edged(stack, graph, mode[0], clients)
    return _peer(stack, name, graph, mode, clients)


def _peer(stack: ExitStack, name: str, graph: Graph, mode: Mode, clients: int) -> Crowd:
    python = environments.interpreter(name)
    facts = (str(graph.model), *map(str, mode))
    server = start(stack, python, f"benchmarks.peers.{name}_server", *facts)
    address = line_of(server).strip()
    module = f"benchmarks.peers.{name}_client"
    return Crowd(stack, python, module, address, str(graph.data), size=clients)


# --- batching ---


def _batching(*, rounds: int, calls: int) -> list[Figure]:
    """The same small transformer twice in one daemon: once as one that may be batched."""
    with ExitStack() as stack:
        graph = _graph("transformer")
        daemon = stack.enter_context(_served(graph, {"alone": 0, "batched": BATCHING_CROWD}))
        crowds = {
            name: _clients(stack, daemon, name, graph, BATCHING_CROWD)
            for name in ("alone", "batched")
        }
        paces: dict[str, list[Pace]] = {name: [] for name in crowds}
        for crowd in crowds.values():
            crowd.run(20)

        def turn(name: str) -> float:
            pace = crowds[name].run(calls)
            paces[name].append(pace)
            return pace.per_second

        found = interleaved({name: partial(turn, name) for name in crowds}, rounds)
    late = {name: [percentile(pace.calls_s, 95) for pace in some] for name, some in paces.items()}
    who = f"{BATCHING_CROWD} clients"
    return [
        *(
            Figure(
                what=f"small transformer, {name}, {who}", value=statistics.median(one), unit="/s"
            )
            for name, one in found.items()
        ),
        Figure(
            what="batched / alone, requests a second",
            value=ratio(found, "batched", "alone"),
            unit="x",
            least=1.3,
        ),
        Figure(
            what="batched / alone, p95 of a request",
            value=ratio(late, "batched", "alone"),
            unit="x",
            most=1.1,
        ),
    ]


# --- cold loads ---


def _cold(*, rounds: int) -> list[Figure]:
    """From a request to its answer, when the model's process has to be started first."""
    with ExitStack() as stack:
        graph = _graph("picture")
        daemon = stack.enter_context(_served(graph, {"bench": 0}))
        client = stack.enter_context(daemon.client())
        ask = _asker(client, graph)
        ask()  # its files are hashed, and its threads measured, once
        taken = []
        for _ in range(rounds):
            until_unloaded(client)
            taken.append(seconds(ask))
    return [
        Figure(
            what="cold load to first answer, 5 MB",
            value=statistics.median(taken) * 1e3,
            unit="ms",
            most=400,
            note=f"{min(taken) * 1e3:.0f} to {max(taken) * 1e3:.0f}; starts the process",
        )
    ]


def _asker(client: SyncClient, graph: Graph) -> Callable[[], object]:
    facts = TensorFacts(name="x", dtype=graph.dtype, shape=graph.shape)
    request = requests.Infer(model="bench", tensors=(facts,))
    return partial(client.ask, request, replies.Tensors, (graph.data.read_bytes(),))


# --- what is served ---


def _graph(kind: str) -> Graph:
    """A graph and an input for it, on the disk."""
    folder = Path(mkdtemp(prefix="edged-bench-graph-"))
    model, data = folder / "model.onnx", folder / "input"
    graphs.KINDS[kind](model)
    random = np.random.default_rng(0)
    if kind == "picture":
        data.write_bytes(random.random(graphs.IMAGE, dtype=np.float32).tobytes())
        return Graph(model=model, data=data, dtype="float32", shape=graphs.IMAGE)
    data.write_bytes(random.integers(0, 999, (1, graphs.TOKENS)).tobytes())
    return Graph(model=model, data=data, dtype="int64", shape=(1, graphs.TOKENS))


def _served(graph: Graph, batches: Mapping[str, int], *, threads: int = 1) -> Served:
    """A daemon that knows the graph under some names, each with the batch that it may run."""
    daemon = Served(EDGED_WORKERS_KEEP_ALIVE_MS="-1")
    daemon.paths.manifests.mkdir(parents=True)
    content = graph.model.read_bytes()
    for name, batch in batches.items():
        text = MANIFEST.format(
            id=name,
            threads=threads,
            batch=batch,
            path=graph.model,
            bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        (daemon.paths.manifests / f"{name}.toml").write_text(text)
    return daemon
