"""Phones of a known text in time, by a CTC model in ONNX that hears phones in IPA, as espeak-ng writes them.

What the phones of a text are, the espeak-ng program of the system says; it runs out of process and gets
the words in a file in memory.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from edged.errors import EngineMissing, Internal, UnsupportedLanguage
from edged.models.engines.character_ctc import CtcAligner, vocabulary_of
from edged.models.engines.inputs import spec_from
from edged.workers.context import WorkerContext

LIMIT_S = 60.0
"""For a text of 100,000 letters; it takes 3 s. Measured: 2026-11, 2 vCPU."""

_MARKS = re.compile("\\([a-z-]+\\)|[\u02c8\u02cc\u200d\u0361]")
"""Changes of language, stress, ties: no sounds of their own."""
_LONG = "\u02d0"


def load(argument: bytes, context: WorkerContext) -> CtcAligner:
    """The aligner that a worker hosts; files and parameters as of character_ctc.

    Raises:
        ModelMissing, CorruptModel: as there. EngineMissing: espeak-ng is not installed.
    """
    spec = spec_from(argument)
    program = shutil.which("espeak-ng")
    if program is None:
        raise EngineMissing(f"{spec.id} needs the program espeak-ng", fix="`apt install espeak-ng`")
    vocabulary = vocabulary_of(spec)

    def spell(words: Sequence[str], language: str) -> list[list[str]]:
        return [tokens(one, vocabulary) for one in _spoken(program, words, language)]

    return CtcAligner(spec, vocabulary, context, spell=spell, ipa=True)


def tokens(phones: str, vocabulary: Mapping[str, int]) -> list[str]:
    """Phones with spaces between as the model's tokens, the longest first; unknown ones left out."""
    found: list[str] = []
    for phone in _MARKS.sub("", phones).split():
        rest = phone
        while rest:
            size = next((n for n in range(len(rest), 0, -1) if rest[:n] in vocabulary), 0)
            found += [rest[:size]] if size else []
            rest = rest[size or 1 :].removeprefix(_LONG)
    return found


def _spoken(program: str, words: Sequence[str], language: str) -> list[str]:
    """The phones of each word, said alone.

    Raises:
        UnsupportedLanguage: espeak-ng has no voice for it.
    """
    text = os.memfd_create("edged-words")
    try:
        os.write(text, "\n".join(words).encode())
        os.lseek(text, 0, os.SEEK_SET)
        done = subprocess.run(
            [program, "-q", "--ipa", "--sep= ", "-v", language.lower()],
            stdin=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Internal("espeak-ng failed") from error
    finally:
        os.close(text)
    lines = done.stdout.decode(errors="replace").splitlines()
    if done.returncode or len(lines) != len(words):
        raise UnsupportedLanguage(
            f"espeak-ng does not know the language {language}", fix="see `espeak-ng --voices`"
        )
    return lines
