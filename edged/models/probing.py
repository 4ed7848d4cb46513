"""Finds out what works here, in throw-away processes: a broken driver costs only one of them.

Loop thread only. Every wait has a deadline, and nothing is tried that a look at the files refutes.
"""

import asyncio
import contextlib
import glob
import sys
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import msgspec

from edged.errors import Deadline, EdgedError, WorkerGone
from edged.models.accelerators import Accelerator, Runtime, opening_for
from edged.models.machine import folder_of
from edged.models.trials import Measured, Subject, Trial, Verdict, Way
from edged.workers.process import CallYielded, Worker, WorkerSpec

PROBE_DEADLINE_S = 20.0
"""A driver that is started for the first time takes seconds; one that hangs takes for ever."""

MEASURE_S = 1.0
"""All ways of running a model together, beside its loads."""

MEASURE_DEADLINE_S = 20.0

SLOW_LOAD_S = 2.0
"""A model that takes so long for one load and run is not loaded again for every way."""

PROBE = "edged.models.engines.probe"
_TRIAL = "edged.models.engines.trial"

COMES_WITHOUT = "comes without it"
"""Ends the reason when another build of the runtime would have the device."""

_ELSEWHERE = {"coreml": ("darwin", "macOS"), "directml": ("win32", "Windows")}


def lacking(runtime: Runtime, device: str) -> str:
    """What a device lacks, by a look at the files alone; empty: it may work. Blocking, quick."""
    accelerator = runtime.accelerator(device)
    if accelerator is None:
        return f"{runtime.name} has none"
    folder = folder_of(runtime)
    if folder is None:
        return f"{runtime.name} is not installed"
    platform, name = _ELSEWHERE.get(accelerator.device.partition(":")[2], (sys.platform, ""))
    if platform != sys.platform:
        return f"only on {name}"
    return _lacking_file(runtime, accelerator, folder) if sys.platform == "linux" else ""


def _lacking_file(runtime: Runtime, accelerator: Accelerator, folder: Path) -> str:
    if accelerator.nodes and not any(map(glob.glob, accelerator.nodes)):
        return f"no {' or '.join(accelerator.nodes)}"
    if accelerator.library and not (folder / accelerator.library).exists():
        return f"this {runtime.name} {COMES_WITHOUT}"
    return ""


async def probe(
    runtime: Runtime, device: str, *, module: str = PROBE, deadline_s: float = PROBE_DEADLINE_S
) -> str:
    """Why a device does not work; empty when it does. What happens to the child is a reason.

    Args:
        runtime: that is to use it.
        device: one of its devices.
        module: what is hosted; tests have their own.
        deadline_s: for starting, and for trying.
    """
    opening = opening_for(device)
    spec = WorkerSpec(
        name=f"the probe of {device}",
        module=module,
        argument=msgspec.msgpack.encode(Trial(runtime=runtime.name, device=device)),
        read_paths=opening.read,
        device_paths=opening.use,
    )
    try:
        async with _throw_away(spec, deadline_s) as worker:
            answer = await worker.call("probe", deadline_s=deadline_s)
            return answer.to(Verdict).reason
    except Deadline:
        return f"it does not answer within {deadline_s:g} s"
    except WorkerGone as error:
        return error.message.rpartition("is gone: ")[2]
    except CallYielded:
        return "it was not tried"
    except EdgedError as error:
        return error.message


async def measure(
    subject: Subject, spec: WorkerSpec, threads: Sequence[int], *, seconds: float = MEASURE_S
) -> dict[int, float]:
    """Seconds per run of a model on one device, by threads; a way that fails is not in it.

    Args:
        subject: the model, with its device.
        spec: what its own worker would be started with.
        threads: to try, the cheapest first.
        seconds: for all of them together.
    """
    hosted = msgspec.structs.replace(
        spec,
        name=f"the measuring of {spec.name}",
        module=_TRIAL,
        argument=msgspec.msgpack.encode(subject),
        threads=max(threads),
    )
    found: dict[int, float] = {}
    with contextlib.suppress(EdgedError, CallYielded):
        async with _throw_away(hosted, MEASURE_DEADLINE_S) as worker:
            for count in threads:
                way = Way(threads=count, seconds=seconds / len(threads))
                answer = await worker.call("measure", way, deadline_s=MEASURE_DEADLINE_S)
                measured = answer.to(Measured)
                found[count] = measured.run_s
                if measured.load_s > SLOW_LOAD_S:
                    break
    return found


@contextlib.asynccontextmanager
async def _throw_away(spec: WorkerSpec, deadline_s: float) -> AsyncGenerator[Worker, None]:
    worker = await Worker.spawn(spec, load_deadline_s=deadline_s)
    try:
        yield worker
    finally:
        await asyncio.shield(worker.end(grace_s=0))


def by_name_only(device: str, runtime: Runtime) -> bool:
    """Whether `auto` has no child try a device: no file tells whether it is compiled in."""
    way = runtime.accelerator(device)
    return way is not None and not way.library and not way.nodes
