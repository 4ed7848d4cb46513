"""Voices that are programs of the system, started out of process: espeak-ng and flite.

Their text comes in a file in memory, never on a command line, which every user could read. A sentence at a
time, so that the first one is heard at once and a cancelled text ends at its next sentence.
"""

import os
import re
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from edged.errors import BadRequest, EngineMissing, Internal, UnsupportedLanguage
from edged.media import AudioFormat
from edged.models.engines.inputs import spec_from, word_of
from edged.models.engines.sentences import sentences
from edged.models.listening import SpeakOptions, SpokenSound
from edged.models.runtime import ModelSpec, Text
from edged.workers.context import WorkerContext

LIMIT_S = 60.0
"""For one sentence; the programs are hundreds of times quicker than speech."""

WORDS_PER_MINUTE = 175
"""espeak-ng's own speed. Source: its manual."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+_-]{0,50}\Z")
"""What a voice may be called: nothing that a program could take for an option or a path."""


def load(argument: bytes, context: WorkerContext) -> "VoiceProgram":
    """The voice that a worker hosts; parameter `voice`: which of the program's, by its name.

    Raises:
        EngineMissing: the program is not installed.
    """
    spec = spec_from(argument)
    name, command = _PROGRAMS[spec.engine]
    path = shutil.which(name)
    if path is None:
        raise EngineMissing(f"{spec.id} needs the program {name}", fix=f"`apt install {name}`")
    return VoiceProgram(spec, path, command, context)


class VoiceProgram:
    """Fulfils VoiceModel."""

    def __init__(
        self,
        spec: ModelSpec,
        path: str,
        command: "Callable[[str, str, SpeakOptions], list[str]]",
        context: WorkerContext,
    ) -> None:
        self._spec = spec
        self._path = path
        self._command = command
        self._context = context
        self._voice = word_of(spec, "voice", "")

    def speak(self, text: Text, options: SpeakOptions) -> Iterator[SpokenSound]:
        """The speech, sentence by sentence.

        Raises:
            BadRequest: a voice of an impossible name, or one that the program has not.
            UnsupportedLanguage: not one of the manifest's.
        """
        command = self._command(self._path, self._chosen(options), options)
        spoken = 0
        for sentence in sentences(text.text):
            self._context.give_way(yieldable=False)
            spoken += len(sentence)
            data, facts = _sound(self._run(command, sentence))
            progress = min(1.0, spoken / len(text.text))
            yield SpokenSound(data=data, audio=facts, progress=progress)

    def canary(self) -> str:
        """The format that a word is spoken in."""
        command = self._command(self._path, self._chosen(SpeakOptions()), SpeakOptions())
        _, facts = _sound(self._run(command, "edged"))
        return f"{facts.sample_rate} {facts.channels} {facts.sample_format}"

    def _chosen(self, options: SpeakOptions) -> str:
        if options.language and options.language.partition("-")[0] not in self._spec.languages:
            raise UnsupportedLanguage(
                f"{self._spec.id} does not speak {options.language}", model=self._spec.id
            )
        voice = options.voice or options.language or self._voice
        if not _NAME.match(voice):
            raise BadRequest("the voice has an impossible name", fix="give one of the program's")
        return voice

    def _run(self, command: list[str], sentence: str) -> bytes:
        with ExitStack() as stack:
            text, wav = _memory(stack, sentence.encode()), _memory(stack, b"")
            try:
                done = subprocess.run(
                    [*command, *_files(self._spec.engine, text, wav)],
                    stdin=text,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=(text, wav),
                    timeout=LIMIT_S,
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise Internal(f"the program of {self._spec.id} failed") from error
            found = os.pread(wav, os.fstat(wav).st_size, 0)
        if done.returncode or not found.startswith(b"RIFF"):
            raise BadRequest(
                f"the program of {self._spec.id} refuses to speak",
                fix="ask for a voice that it has: `espeak-ng --voices`, `flite -lv`",
                model=self._spec.id,
            )
        return found


def _espeak(path: str, voice: str, options: SpeakOptions) -> list[str]:
    rate = round(WORDS_PER_MINUTE * options.speed)
    return [path, "--stdin", "-v", voice, "-s", str(rate)]


def _flite(path: str, voice: str, options: SpeakOptions) -> list[str]:
    stretch = f"duration_stretch={1 / options.speed:.3f}"
    return [path, "-voice", voice, "--setf", stretch]


def _memory(stack: ExitStack, content: bytes) -> int:
    """A file in memory: flite hangs on pipes, and no text of a user may lie on a disk."""
    fd = os.memfd_create("edged-speech")
    stack.callback(os.close, fd)
    os.write(fd, content)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _files(engine: str, text: int, wav: int) -> list[str]:
    """Where a program reads and writes, by its inherited descriptors."""
    found = ["-w" if engine == "espeak_ng" else "-o", f"/proc/self/fd/{wav}"]
    return found if engine == "espeak_ng" else ["-f", f"/proc/self/fd/{text}", *found]


_PROGRAMS: dict[str, tuple[str, Callable[[str, str, SpeakOptions], list[str]]]] = {
    "espeak_ng": ("espeak-ng", _espeak),
    "flite": ("flite", _flite),
}


def _sound(wav: bytes) -> tuple[bytes, AudioFormat]:
    """The samples of a wav that was written to a pipe: its lengths may be made up.

    Raises:
        Internal: it is no 16-bit PCM.
    """
    at, facts = 12, (0, 0, 0)
    while at + 8 <= len(wav):
        name, size = wav[at : at + 4], struct.unpack_from("<I", wav, at + 4)[0]
        if name == b"fmt ":
            kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", wav, at + 8)
            facts = (rate, channels, bits if kind == 1 else 0)
        if name == b"data":
            data = wav[at + 8 : at + 8 + size]
            return data[: len(data) // 2 * 2], _format(*facts)
        at += 8 + size + size % 2
    raise Internal("the program's wav holds no samples")


def _format(rate: int, channels: int, bits: int) -> AudioFormat:
    if bits != 16:  # noqa: PLR2004 - what both programs write
        raise Internal("the program's wav is not 16-bit PCM")
    return AudioFormat(sample_rate=rate, channels=channels)
