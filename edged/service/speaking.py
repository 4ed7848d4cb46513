"""`speak`: speech from text, streamed as it is made."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from edged.errors import BadRequest, UnsupportedLanguage
from edged.messages.replies import AnyReply, Done
from edged.messages.voice import Speak, Spoken
from edged.models.listening import SpeakOptions, VoiceModel
from edged.models.runtime import Text
from edged.service.chosen import chosen, loading
from edged.service.house import House

Outgoing = AnyReply | tuple[AnyReply, tuple[bytes | memoryview, ...]]

TASK = "speak"


async def speak(house: House, request: Speak) -> AsyncGenerator[Outgoing, None]:
    """PCM sentence by sentence, then `done`.

    Raises:
        BadRequest: nothing to say. ModelMissing: no voice is installed.
        UnsupportedLanguage: none of the installed voices speaks it.
    """
    if not request.text.strip():
        raise BadRequest("there is nothing to say", fix="give a text with words in it")
    model = _voice(house, request)
    if told := loading(house, model):
        yield told
    options = SpeakOptions(
        voice=request.voice or "", speed=request.speed, language=request.language or ""
    )
    spoken_bytes, count = 0, 0
    async with house.pool.borrow(
        model, VoiceModel, priority="interactive", keep_alive_ms=request.keep_alive_ms
    ) as lease:
        runs = lease.stream(lease.model.speak, Text(text=request.text), options)
        async with aclosing(runs):
            async for run in runs:
                per_second = run.audio.sample_rate * run.audio.frame_bytes
                reply = Spoken(
                    audio=run.audio,
                    model=model,
                    start_ms=spoken_bytes * 1000 // per_second,
                    size_bytes=len(run.data),
                    progress=run.progress,
                )
                spoken_bytes += len(run.data)
                count += 1
                yield reply, (run.data,)
    yield Done(count=count)


def _voice(house: House, request: Speak) -> str:
    """The model: asked for, or the default of the language."""
    if request.model is not None or request.language is None:
        return chosen(house, TASK, request.model).id
    found, _ = house.pool.default(TASK, language=request.language)
    if found is not None:
        return found
    if house.pool.default(TASK)[0] is None:
        return chosen(house, TASK, None).id  # borrowing it says what is missing
    raise UnsupportedLanguage(f"no voice that is installed speaks {request.language}")
