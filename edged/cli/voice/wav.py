"""WAV files of PCM that comes part by part."""

import wave
from pathlib import Path
from types import TracebackType
from typing import Self

from edged.errors import BadRequest
from edged.media import AudioFormat


class WavFile:
    """A file that grows; it is there under its name only when it is complete.

    Args:
        path: where it will lie; a file that is there is replaced.

    Raises:
        BadRequest: it cannot be written there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._partial = path.with_name(f".{path.name}.part")
        self._frames = 0
        self._rate = 0
        try:
            self._raw = self._partial.open("wb")
        except OSError as error:
            raise BadRequest(f"cannot write there: {error.strerror}") from error
        self._file = wave.open(self._raw, "wb")  # noqa: SIM115 - closed by __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._rate:
            self._file.close()
        self._raw.close()
        if kind is None and self._rate:
            self._partial.replace(self._path)
        else:
            self._partial.unlink(missing_ok=True)

    def add(self, data: bytes | memoryview, facts: AudioFormat) -> None:
        """Append s16le samples; the first ones decide on rate and channels."""
        if not self._rate:
            self._rate = facts.sample_rate
            self._file.setparams(
                (facts.channels, 2, facts.sample_rate, 0, "NONE", "not compressed")
            )
        self._file.writeframes(data)
        self._frames += len(data) // facts.frame_bytes

    @property
    def duration_ms(self) -> int:
        """Its length so far."""
        return self._frames * 1000 // self._rate if self._rate else 0
