"""`hello describe health metrics shutdown`: about the daemon itself."""

import importlib.util
import os
from collections.abc import AsyncGenerator, Sequence
from typing import get_args

import msgspec

from edged import __version__
from edged.capture.parts import MEDIA_SUFFIXES
from edged.messages import requests
from edged.messages.envelope import PROTOCOL
from edged.messages.events import AnyEvent
from edged.messages.replies import (
    AnyReply,
    Description,
    Done,
    HealthReport,
    Limits,
    Loading,
    MetricsReport,
    TaskDescription,
    Welcome,
)
from edged.messages.requests import AnyRequest
from edged.messages.seeing import SightState
from edged.models.signatures import check_is_graph
from edged.service.house import House

ENGINES = {
    "pocketsphinx": "pocketsphinx",
    "onnxruntime": "onnxruntime",
    "faster_whisper": "faster_whisper",
    "sherpa_onnx": "sherpa_onnx",
    "litert": "ai_edge_litert",
}
"""Engines and the packages that bring them."""

_SPOKEN = frozenset(("align", "keywords", "speak", "stream_transcribe", "transcribe"))
"""Tasks for which a client has to know the languages."""


def hello(
    house: House, request: requests.Hello, _: Sequence[bytes | memoryview], caller: str
) -> Welcome:
    """Say who answers, and note who asks."""
    house.callers.greet(caller, request.client)
    return Welcome(version=__version__, protocol=PROTOCOL, pid=os.getpid(), limits=_limits(house))


def describe(house: House, _: requests.Describe) -> Description:
    """Say what can be done right now."""
    tasks: dict[str, TaskDescription] = {}
    for task in house.pool.tasks():
        default, reason = house.pool.default(task)
        models = tuple(model.id for model in house.pool.summaries(task) if model.installed)
        tasks[task] = TaskDescription(
            default=default, reason=reason, models=models, languages=_languages(house, task, models)
        )
    return Description(
        version=__version__,
        protocol=PROTOCOL,
        requests=_tags(AnyRequest),
        events=_tags(AnyEvent),
        tasks=tasks,
        engines={
            name: importlib.util.find_spec(package) is not None for name, package in ENGINES.items()
        },
        media=tuple(sorted(MEDIA_SUFFIXES)),
        limits=_limits(house),
    )


def _languages(house: House, task: str, models: tuple[str, ...]) -> tuple[str, ...]:
    """What the models that are here know together, of a task whose models differ in that."""
    if task not in _SPOKEN:
        return ()
    manifests = [house.pool.manifest(model) for model in models]
    if any(not one.languages for one in manifests):
        return ("any",)
    return tuple(sorted({language for one in manifests for language in one.languages}))


async def describe_model(house: House, model: str) -> AsyncGenerator[AnyReply, None]:
    """The same, and what a model's graph takes and gives; loaded only if nobody knows it yet."""
    found = await house.signatures.known(model)
    if found is None:
        check_is_graph(house.pool.manifest(model))
        if expected_ms := house.pool.expected_load_ms(model):
            yield Loading(model=model, expected_ms=expected_ms)
        found = await house.signatures.ask(model)
    description = describe(house, requests.Describe())
    yield msgspec.structs.replace(description, signatures={model: found})


def health(house: House, _: requests.Health) -> HealthReport:
    """Report what was found last; keeps nothing awake."""
    loaded = tuple(model.id for model in house.pool.loaded(measure=False))
    return house.vitals.report(
        models_loaded=loaded,
        queue_depth=house.runner.depth,
        recording=house.sessions.listening(owner=house.asker.sees),
        watching=_watching(house),
    )


def _watching(house: House) -> tuple[SightState, ...]:
    """What is looked at, as far as the asker may know: of sessions first, then of streams."""
    owner = house.asker.sees
    return (*house.sessions.watching(owner=owner), *house.sight_streams.states(owner=owner))


def metrics(house: House, _: requests.Metrics) -> MetricsReport:
    """Report counters and gauges."""
    return MetricsReport(
        counters={
            **house.traffic,
            "events_published": house.bus.published,
            "jobs_started": house.runner.started,
            "jobs_failed": house.runner.failed,
            "model_calls": house.pool.calls,
            "workers_started": house.pool.spawned,
        },
        gauges={
            "models_loaded": len(house.pool.loaded(measure=False)),
            "jobs_waiting_or_running": house.runner.depth,
            **_frame_rates(_watching(house)),
        },
    )


def _frame_rates(watching: Sequence[SightState]) -> dict[str, float]:
    """Frames a second of all that is looked at."""
    counts = [one.counts for one in watching]
    return {
        "sights": len(watching),
        "frames_captured_fps": sum(one.captured_fps for one in counts),
        "frames_processed_fps": sum(one.processed_fps for one in counts),
        "frames_skipped_fps": sum(one.skipped_fps for one in counts),
        "frames_detected_fps": sum(one.detected_fps for one in counts),
    }


def shutdown(house: House, _: requests.Shutdown) -> Done:
    """Stop, once this reply is out."""
    house.stop()
    return Done()


def _limits(house: House) -> Limits:
    bounds = house.config.server
    return Limits(
        frame_bytes=bounds.frame_bytes,
        request_bytes=bounds.request_bytes,
        frames=bounds.frames,
        requests_per_client=bounds.requests_per_client,
    )


def _tags(union: object) -> tuple[str, ...]:
    return tuple(str(kind.__struct_config__.tag) for kind in get_args(union))
