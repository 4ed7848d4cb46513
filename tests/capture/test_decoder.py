"""Media of every kind, good and bad, through the decoder. All of it is made here, at run time."""

import math
import os
import struct
import subprocess
import sys
import wave
from array import array
from collections.abc import Callable, Iterator
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import IO

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edged.capture.decoder import Decoder, load
from edged.capture.parts import (
    MAX_OPEN,
    PART_SAMPLES,
    WINDOW_SAMPLES,
    DecodedPart,
    DecodeOptions,
    MediaStream,
)
from edged.errors import BadMedia, BadRequest, Busy, EdgedError, Internal, NotFound
from edged.media import AudioFormat
from edged.workers.context import WorkerContext

ASSETS = Path(
    os.environ.get("EDGED_TEST_ASSETS", Path(__file__).parents[2] / "../shared/assets")
).resolve()
pytestmark = pytest.mark.speech


def tone(
    seconds: float, rate: int, *, hertz: float = 220.0, level: float = 0.5
) -> NDArray[np.float32]:
    at = np.arange(int(seconds * rate)) / rate
    wave_form: NDArray[np.float32] = (level * np.sin(2 * np.pi * hertz * at)).astype(np.float32)
    return wave_form


def wav(samples: NDArray[np.float32], rate: int, *, channels: int = 1) -> bytes:
    out = BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        pcm = (np.repeat(samples, channels) * 32767).astype("<i2")
        file.writeframes(pcm.tobytes())
    return out.getvalue()


def encoded(container: str, codec: str, *, seconds: float = 2.0, rate: int = 48_000) -> bytes:
    """A stereo tone in a container, made by PyAV."""
    out = BytesIO()
    with av.open(out, "w", format=container) as media:
        stream = media.add_stream(codec, rate=rate, layout="stereo")
        assert isinstance(stream, av.AudioStream)
        kind = stream.codec_context.format.name
        samples = tone(seconds, rate)
        size = stream.codec_context.frame_size or 1024
        for first in range(0, len(samples), size):
            frame = av.AudioFrame.from_ndarray(
                np.repeat(samples[np.newaxis, first : first + size], 2, axis=0),
                format="fltp",
                layout="stereo",
            )
            frame.sample_rate, frame.pts, frame.time_base = rate, first, Fraction(1, rate)
            for ready in av.AudioResampler(format=kind, layout="stereo", rate=rate).resample(frame):
                media.mux(stream.encode(ready))
        media.mux(stream.encode(None))
    return out.getvalue()


def silent_video() -> bytes:
    out = BytesIO()
    with av.open(out, "w", format="mp4") as media:
        stream = media.add_stream("mpeg4", rate=10)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(5):
            picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            media.mux(stream.encode(picture))
        media.mux(stream.encode(None))
    return out.getvalue()


Decode = Callable[..., list[DecodedPart]]
Descriptor = Callable[[bytes], int]


@pytest.fixture
def descriptor() -> Iterator[Descriptor]:
    """Bytes as an open file."""
    opened: list[int] = []

    def put(data: bytes) -> int:
        fd = os.memfd_create("test")
        opened.append(fd)
        os.write(fd, data)
        return fd

    yield put
    for fd in opened:
        os.close(fd)


def decoder(fd: int) -> Decoder:
    return load(b"", WorkerContext(call_waiting=lambda: False, descriptors=lambda: (fd,)))


@pytest.fixture
def decode(descriptor: Descriptor) -> Decode:
    def run(data: bytes, audio: AudioFormat | None = None, start: int = 0) -> list[DecodedPart]:
        options = DecodeOptions(audio=audio, start=start)
        return list(decoder(descriptor(data)).decode(options))

    return run


def pcm(parts: list[DecodedPart]) -> NDArray[np.int16]:
    return np.frombuffer(b"".join(part.pcm for part in parts), "<i2")


def pitch(samples: NDArray[np.int16]) -> float:
    """The loudest frequency, Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * 16_000 / len(samples)


def flat(rms: bytes) -> "array[float]":
    values = array("f")
    values.frombytes(rms)
    return values


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        ("wav", "pcm_s16le"),
        ("wav", "pcm_s24le"),
        ("wav", "pcm_u8"),
        ("wav", "pcm_f32le"),
        ("wav", "pcm_mulaw"),
        ("flac", "flac"),
        ("mp3", "libmp3lame"),
        ("ogg", "libopus"),
        ("ogg", "flac"),
        ("ipod", "aac"),
        ("adts", "aac"),
        ("mp4", "aac"),
        ("matroska", "flac"),
        ("webm", "libopus"),
        ("aiff", "pcm_s16be"),
    ],
)
def test_every_common_format_gives_its_tone_and_its_length(
    container: str, codec: str, descriptor: Descriptor
) -> None:
    fd = descriptor(encoded(container, codec))

    facts = decoder(fd).probe(DecodeOptions())
    parts = list(decoder(fd).decode(DecodeOptions()))

    samples = pcm(parts)
    assert (facts.sample_rate, facts.channels) == (48_000, 2)
    assert facts.audio_ms == pytest.approx(2_000, abs=100)
    assert len(samples) == pytest.approx(32_000, abs=1_600)
    assert pitch(samples) == pytest.approx(220, abs=2)
    assert max(flat(parts[0].rms)) == pytest.approx(0.5 / math.sqrt(2), rel=0.1)
    assert (parts[-1].final, parts[-1].truncated) == (True, False)


@pytest.mark.parametrize("rate", [1_000, 8_000, 11_025, 22_050, 44_100, 192_000, 384_000, 768_000])
def test_any_rate_keeps_length_and_pitch(rate: int, decode: Decode) -> None:
    samples = pcm(decode(wav(tone(1.5, rate), rate)))

    assert len(samples) == pytest.approx(24_000, abs=1)
    assert pitch(samples) == pytest.approx(220, abs=2)


def test_speech_pcm_passes_unchanged(decode: Decode) -> None:
    data = np.random.default_rng(7).integers(-(2**15), 2**15, 20_000).astype("<i2")

    parts = decode(data.tobytes(), AudioFormat(sample_rate=16_000))

    assert pcm(parts).tobytes() == data.tobytes()


def test_sixty_four_channels_become_their_mean(decode: Decode) -> None:
    loud, quiet = np.float32(0.8), np.float32(0.0)
    frames = np.tile(np.array([loud, quiet] * 32, "<f4"), 16_000)

    parts = decode(
        frames.tobytes(), AudioFormat(sample_rate=16_000, channels=64, sample_format="f32le")
    )

    assert set(pcm(parts)) == {round(0.4 * 2**15)}


def test_a_wav_of_sixty_four_channels_is_decoded(decode: Decode) -> None:
    samples = pcm(decode(wav(tone(1, 16_000), 16_000, channels=64)))

    assert len(samples) == 16_000
    assert pitch(samples) == pytest.approx(220, abs=2)


def test_too_loud_samples_are_clipped_not_wrapped(decode: Decode) -> None:
    frames = np.array([3.0, -3.0, 1e38, 0.5], "<f4")

    parts = decode(frames.tobytes(), AudioFormat(sample_rate=16_000, sample_format="f32le"))

    assert pcm(parts).tolist() == [32767, -32768, 32767, 16384]


def test_parts_are_whole_windows_with_one_loudness_each(decode: Decode) -> None:
    data = np.full(2 * PART_SAMPLES + 700, 3277, "<i2").tobytes()

    parts = decode(data, AudioFormat(sample_rate=16_000))

    assert [len(part.pcm) // 2 for part in parts] == [PART_SAMPLES, PART_SAMPLES, 700]
    assert [part.start for part in parts] == [0, PART_SAMPLES, 2 * PART_SAMPLES]
    assert [part.final for part in parts] == [False, False, True]
    assert [len(part.rms) // 4 for part in parts] == [937, 937, 2]
    assert all(value == pytest.approx(0.1, rel=1e-3) for value in flat(parts[2].rms))
    assert parts[1].audio.start_ms == parts[1].start // 16


def test_the_final_part_is_never_empty_when_the_audio_fills_its_parts(decode: Decode) -> None:
    parts = decode(bytes(2 * PART_SAMPLES), AudioFormat(sample_rate=16_000))

    assert [(len(part.pcm) // 2, part.final) for part in parts] == [(PART_SAMPLES, True)]


def test_a_start_leaves_out_what_lies_before_and_changes_nothing_else(decode: Decode) -> None:
    data = encoded("ogg", "libopus")
    whole, start = decode(data), 20 * WINDOW_SAMPLES

    rest = decode(data, start=start)

    assert rest[0].start == start
    assert pcm(rest).tobytes() == pcm(whole)[start:].tobytes()
    assert rest[0].rms == whole[0].rms[20 * 4 :]


def test_a_start_past_the_end_gives_an_empty_final_part(decode: Decode) -> None:
    (part,) = decode(bytes(3_200), AudioFormat(sample_rate=16_000), start=100 * WINDOW_SAMPLES)

    assert (part.pcm, part.rms, part.final) == (b"", b"", True)


@settings(max_examples=25, deadline=None)
@given(
    rate=st.integers(1_000, 768_000),
    channels=st.integers(1, 64),
    kind=st.sampled_from(["s16le", "f32le"]),
    frames=st.integers(1, 4_000),
    odd=st.integers(0, 3),
)
def test_any_pcm_gives_audio_of_its_length(
    rate: int, channels: int, kind: str, frames: int, odd: int
) -> None:
    audio = AudioFormat(sample_rate=rate, channels=channels, sample_format=kind)  # type: ignore[arg-type] # sampled
    odd = min(odd, audio.frame_bytes - 1)
    fd = os.memfd_create("test")
    try:
        os.write(fd, bytes(frames * audio.frame_bytes + odd))
        facts = decoder(fd).probe(DecodeOptions(audio=audio))
        parts = list(decoder(fd).decode(DecodeOptions(audio=audio)))
    finally:
        os.close(fd)

    assert facts.audio_ms == frames * 1000 // rate
    assert len(pcm(parts)) == math.ceil(frames * 16_000 / rate)
    assert parts[-1].truncated == (odd > 0)


def test_media_are_decoded_in_turns(descriptor: Descriptor) -> None:
    """What interleaved readers get is what each would get alone."""
    fds = [descriptor(wav(tone(70, 16_000, hertz=hertz), 16_000)) for hertz in (220, 440)]
    current: list[int] = []
    worker = load(
        b"", WorkerContext(call_waiting=lambda: False, descriptors=lambda: tuple(current))
    )
    streams: list[MediaStream] = []
    for fd in fds:
        current[:] = [fd]
        opened = worker.open(DecodeOptions())
        assert opened.facts.audio_ms == 70_000
        streams.append(MediaStream(stream=opened.stream))
    current.clear()

    turns = [[worker.next(stream) for stream in streams] for _ in range(3)]

    for index, fd in enumerate(fds):
        assert [turn[index] for turn in turns] == list(decoder(fd).decode(DecodeOptions()))
    with pytest.raises(NotFound):
        worker.next(streams[0])


def test_closing_media_frees_the_descriptor(descriptor: Descriptor) -> None:
    worker = decoder(descriptor(wav(tone(70, 16_000), 16_000)))
    before = len(os.listdir("/proc/self/fd"))
    opened = worker.open(DecodeOptions())
    stream = MediaStream(stream=opened.stream)
    worker.next(stream)
    assert len(os.listdir("/proc/self/fd")) == before + 1

    worker.close(stream)
    worker.close(stream)

    assert len(os.listdir("/proc/self/fd")) == before


def test_media_that_turns_out_bad_is_closed(descriptor: Descriptor) -> None:
    bad = np.full(1_000, np.nan, "<f4").tobytes()
    worker = decoder(descriptor(bad))
    before = len(os.listdir("/proc/self/fd"))
    audio = AudioFormat(sample_rate=16_000, sample_format="f32le")
    stream = MediaStream(stream=worker.open(DecodeOptions(audio=audio)).stream)

    with pytest.raises(BadMedia):
        worker.next(stream)

    assert len(os.listdir("/proc/self/fd")) == before
    with pytest.raises(NotFound):
        worker.next(stream)


def test_a_worker_holds_a_bounded_number_of_media_open(descriptor: Descriptor) -> None:
    worker = decoder(descriptor(bytes(3_200)))
    options = DecodeOptions(audio=AudioFormat(sample_rate=16_000))
    streams = [worker.open(options).stream for _ in range(MAX_OPEN)]

    with pytest.raises(Busy):
        worker.open(options)

    for stream in streams:
        worker.close(MediaStream(stream=stream))


def test_the_way_to_a_distant_start_gives_signs_of_life(descriptor: Descriptor) -> None:
    worker = decoder(descriptor(bytes(2 * 16_000 * 1_300)))
    start = 16_000 * 1_280
    options = DecodeOptions(audio=AudioFormat(sample_rate=16_000), start=start)
    stream = MediaStream(stream=worker.open(options).stream)

    parts = [worker.next(stream) for _ in range(3)]

    assert [(len(part.pcm) // 2, part.start) for part in parts[:2]] == [(0, start)] * 2
    assert (len(parts[2].pcm) // 2, parts[2].final) == (20 * 16_000, True)


# Bad input: a clear error that names what is wrong, or the part that can be read.


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"", "empty"),
        (b"Dear diary,\nthis is text.\n" * 200, "no media file"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "no media file"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "no media file"),
        (b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=audio 5004 RTP/AVP 0\r\n", "no media file"),
        (bytes(100_000), "no media file"),
        (os.urandom(50_000), "no media file|decoded"),
        (b"RIFF", "no media file"),
        (wav(np.zeros(0, np.float32), 16_000), "nothing of the audio|truncated"),
    ],
    ids=["0 bytes", "text", "playlist", "concat", "sdp", "zeros", "noise", "4 bytes", "no samples"],
)
def test_what_is_no_media_is_refused_by_name(data: bytes, named: str, decode: Decode) -> None:
    with pytest.raises(BadMedia, match=named) as caught:
        decode(data)

    assert caught.value.fix
    assert "passwd" not in caught.value.message


def test_an_mp4_without_audio_is_refused_by_name(decode: Decode) -> None:
    with pytest.raises(BadMedia, match="no audio track"):
        decode(silent_video())


def test_a_rate_of_one_hertz_is_refused_by_name(decode: Decode) -> None:
    with pytest.raises(BadMedia, match="1 Hz"):
        decode(bytes(100), AudioFormat(sample_rate=1))
    with pytest.raises(BadMedia, match="1 Hz"):
        decode(wav(tone(20, 100), 1))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_samples_that_are_no_numbers_are_refused_by_name(bad: float, decode: Decode) -> None:
    frames = np.zeros(1_000, "<f4")
    frames[900] = bad

    with pytest.raises(BadMedia, match="not finite"):
        decode(frames.tobytes(), AudioFormat(sample_rate=48_000, sample_format="f32le"))


def test_a_float_wav_with_nan_is_refused_by_name(decode: Decode) -> None:
    data = bytearray(encoded("wav", "pcm_f32le"))
    data[-400:-396] = struct.pack("<f", math.nan)

    with pytest.raises(BadMedia, match="not finite"):
        decode(bytes(data))


def test_pcm_of_less_than_one_frame_is_refused(decode: Decode) -> None:
    with pytest.raises(BadMedia, match="no audio"):
        decode(b"\0\0\0", AudioFormat(sample_rate=16_000, channels=2))


@pytest.mark.parametrize("stated", [0, 10, 2**31, 2**32 - 1])
def test_a_wav_is_read_to_its_end_whatever_its_header_says_of_the_size(
    stated: int, descriptor: Descriptor
) -> None:
    data = bytearray(wav(tone(2, 16_000), 16_000))
    data[4:8] = struct.pack("<I", stated)
    if stated != 10:
        data[40:44] = struct.pack("<I", stated)
    fd = descriptor(bytes(data))

    facts = decoder(fd).probe(DecodeOptions())
    parts = list(decoder(fd).decode(DecodeOptions()))

    assert len(pcm(parts)) == 32_000
    assert facts.audio_ms == pytest.approx(2_000, abs=10)
    assert not parts[-1].truncated


@pytest.mark.parametrize(
    ("container", "codec"),
    [("flac", "flac"), ("wav", "pcm_s16le"), ("matroska", "flac"), ("mp3", "libmp3lame"),
     ("ogg", "libopus"), ("adts", "aac")],
)  # fmt: skip
def test_a_truncated_file_gives_its_readable_part(
    container: str, codec: str, decode: Decode
) -> None:
    data = encoded(container, codec, seconds=6)

    parts = decode(data[: len(data) // 2])

    assert 32_000 < len(pcm(parts)) < 64_000
    assert pitch(pcm(parts)) == pytest.approx(220, abs=2)
    if container in ("flac", "matroska"):
        assert parts[-1].truncated


def test_an_mp4_that_lost_its_index_is_refused(decode: Decode) -> None:
    data = encoded("mp4", "aac")

    with pytest.raises(BadMedia):
        decode(data[: len(data) // 2])


def test_damage_in_the_middle_costs_only_what_is_damaged(decode: Decode) -> None:
    data = bytearray(encoded("ogg", "libopus", seconds=6))
    middle = len(data) // 2
    data[middle : middle + 500] = os.urandom(500)

    samples = pcm(decode(bytes(data)))

    assert len(samples) > 3 * 16_000


def test_streams_of_different_rates_in_one_file_are_joined(decode: Decode) -> None:
    """What internet radio and `cat` make."""
    data = encoded("adts", "aac", rate=48_000) + encoded("adts", "aac", rate=32_000)

    samples = pcm(decode(data))

    assert len(samples) == pytest.approx(64_000, abs=3_200)
    assert pitch(samples[:32_000]) == pytest.approx(220, abs=2)
    assert pitch(samples[-30_000:]) == pytest.approx(220, abs=2)


def test_silence_that_was_not_sent_keeps_its_time(decode: Decode) -> None:
    """A recorder that sends nothing in pauses (DTX) leaves gaps in the time stamps."""
    out = BytesIO()
    with av.open(out, "w", format="matroska") as media:
        stream = media.add_stream("flac", rate=16_000, layout="mono")
        assert isinstance(stream, av.AudioStream)
        samples = (tone(1, 16_000) * 32767).astype(np.int16)[np.newaxis, :]
        for pts in (0, 48_000):
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 16_000, pts, Fraction(1, 16_000)
            media.mux(stream.encode(frame))
        media.mux(stream.encode(None))

    decoded = pcm(decode(out.getvalue()))

    assert len(decoded) == pytest.approx(64_000, abs=200)
    assert not decoded[17_000:47_000].any()
    assert decoded[49_000:63_000].any()


def test_reading_does_not_move_the_descriptor(descriptor: Descriptor) -> None:
    """It is shared with the daemon, and with another call on the same file."""
    fd = descriptor(wav(tone(1, 16_000), 16_000))
    os.lseek(fd, 17, os.SEEK_SET)

    list(decoder(fd).decode(DecodeOptions()))

    assert os.lseek(fd, 0, os.SEEK_CUR) == 17


def test_a_call_without_its_descriptor_is_refused() -> None:
    lonely = load(b"", WorkerContext(call_waiting=lambda: False))

    with pytest.raises(BadRequest, match="descriptor"):
        lonely.probe(DecodeOptions())


def test_two_runs_give_the_same_bytes(decode: Decode) -> None:
    data = encoded("mp3", "libmp3lame", rate=44_100)

    assert decode(data) == decode(data)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_files_give_audio_or_bad_media_and_nothing_else(data: st.DataObject) -> None:
    """The seam: no error of a foreign library gets through."""
    good = bytearray(data.draw(st.sampled_from(SAMPLES))())
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(good) - 1))
        good[at] = data.draw(st.integers(0, 255))
    good = good[: data.draw(st.integers(1, len(good)))]
    fd = os.memfd_create("test")
    try:
        os.write(fd, good)
        for _ in decoder(fd).decode(DecodeOptions()):
            pass
    except BadMedia:
        return
    finally:
        os.close(fd)


def _sample(container: str, codec: str) -> Callable[[], bytes]:
    made: list[bytes] = []

    def get() -> bytes:
        if not made:
            made.append(encoded(container, codec, seconds=0.5))
        return made[0]

    return get


SAMPLES = [
    _sample("wav", "pcm_s16le"),
    _sample("flac", "flac"),
    _sample("mp3", "libmp3lame"),
    _sample("ogg", "libopus"),
    _sample("mp4", "aac"),
    _sample("matroska", "libopus"),
]


def _foreign_errors() -> list[type[av.FFmpegError]]:
    found: list[type[av.FFmpegError]] = []
    queue = [av.FFmpegError]
    while queue:
        kind = queue.pop()
        queue += kind.__subclasses__()
        found.append(kind)
    return found


@pytest.mark.parametrize("kind", _foreign_errors(), ids=lambda kind: kind.__name__)
def test_every_error_of_the_library_becomes_one_of_ours(kind: type[av.FFmpegError]) -> None:
    from edged.capture.container import translated

    with pytest.raises(EdgedError) as caught, translated("this cannot be read"):
        raise kind(1, "of the library")

    expected = Internal if issubclass(kind, MemoryError) else BadMedia
    assert type(caught.value) is expected


def test_an_hour_is_decoded_in_bounded_memory() -> None:
    """In a process of its own, so that the peak is its own."""
    program = """
import os, resource, sys, wave
from edged.capture.decoder import load
from edged.capture.parts import DecodeOptions
from edged.workers.context import WorkerContext

def peak(seconds):
    fd = os.memfd_create("hour")
    with wave.open(os.fdopen(os.dup(fd), "wb"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        for _ in range(seconds):
            file.writeframes(bytes(16000))
    worker = load(b"", WorkerContext(call_waiting=lambda: False, descriptors=lambda: (fd,)))
    samples = sum(len(part.pcm) // 2 for part in worker.decode(DecodeOptions()))
    assert abs(samples - seconds * 16000) < 100, samples
    os.close(fd)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

minute = peak(60)
print(peak(3600) - minute)
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True
    )

    assert int(done.stdout) < 16_000, "KiB more for an hour than for a minute"


@pytest.mark.skipif(not ASSETS.is_dir(), reason="EDGED_TEST_ASSETS names no folder")
@pytest.mark.parametrize(
    ("name", "seconds"), [("jfk.wav", 11.0), ("jfk.flac", 11.0), ("1272-141231-0002.mp3", 13.3)]
)
def test_real_speech_keeps_its_length(name: str, seconds: float) -> None:
    file: IO[bytes]
    with (ASSETS / "media" / "speech" / name).open("rb") as file:
        parts = list(decoder(file.fileno()).decode(DecodeOptions()))

    assert len(pcm(parts)) / 16_000 == pytest.approx(seconds, abs=0.1)
    assert max(flat(parts[0].rms)) > 0.05
