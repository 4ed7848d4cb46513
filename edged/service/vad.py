"""`vad`: voice activity for a client's own audio."""

from collections.abc import AsyncGenerator

from edged.messages import requests
from edged.messages.replies import AnyReply, Loading, Progress
from edged.service.house import House

Parts = tuple[bytes | memoryview, ...]


async def vad(
    house: House, request: requests.Vad, parts: Parts, caller: str
) -> AsyncGenerator[AnyReply, None]:
    """Probabilities and stretches of speech, for one piece of audio or the next one of a stream."""
    if expected_ms := house.activity.expected_load_ms(request.model):
        yield Loading(model=house.activity.model(request.model), expected_ms=expected_ms)
    if request.stream is None:
        yield Progress(stage="vad", fraction=0.0)
        yield await house.activity.whole(
            request.audio, parts, model=request.model, keep_alive_ms=request.keep_alive_ms
        )
    else:
        yield await house.activity.next(
            f"{caller}:{request.stream}",
            request.audio,
            parts,
            model=request.model,
            final=request.final,
            keep_alive_ms=request.keep_alive_ms,
        )
