"""Models that need no code: real and tiny ones, through a real daemon, by their manifests alone."""

import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from preset_graphs import (
    PIECES,
    write_bands,
    write_colours,
    write_known_texts,
    write_manifest,
    write_same,
    write_votes,
    write_yolo,
)
from probes import write_wav
from real_daemon import Daemon

from edged.errors import (
    BadMedia,
    BadRequest,
    CorruptModel,
    Denied,
    ModelMissing,
    NotFound,
    TooLarge,
    Unsupported,
)
from edged.media import AudioFormat, ImageFormat
from edged.messages import replies, requests
from edged.messages.records import DetectedObject
from edged.messages.requests import AnyRequest

pytestmark = [pytest.mark.speech, pytest.mark.timeout(40)]

REAL = {
    "ssd": ("image_detect", "vision/coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite"),
    "mobilenet": ("image_classify", "vision/mobilenet_v1_0.25_224_1_metadata_1.tflite"),
    "embedder": ("image_embed", "vision/mobilenet_v3_small_image_embedder.tflite"),
    "selfie": ("image_segment", "vision/selfie_segmenter.tflite"),
    "yamnet": ("audio_classify", "audio/yamnet_audio_classifier_with_metadata.tflite"),
    "opinion": ("text_classify", "text/nl_classifier_builtin_ops.tflite"),
    "regex-opinion": ("text_classify", "text/nl_classifier_regex_tokenizer.tflite"),
}
"""By model: its task and file. Their manifests give no parameter: their files say what is needed."""

COLOURS = ("red", "green", "blue")
BANDS, FRAMES, FFT = 16, 20, 512


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tiny graphs lie."""
    return tmp_path_factory.mktemp("graphs")


@pytest.fixture(scope="module")
def served(graphs: Path, shared_daemon: Daemon) -> Daemon:
    """A daemon that knows the tiny models, and the real ones that are there."""
    _write_tiny(graphs, shared_daemon.paths.manifests)
    folder = Path(
        os.environ.get("EDGED_TEST_ASSETS", Path(__file__).parents[3] / "shared" / "assets")
    )
    for model, (task, name) in REAL.items():
        if (folder / name).exists():
            target = shared_daemon.paths.manifests / f"{model}.toml"
            write_manifest(target, task, {"model.tflite": folder / name}, engine="litert")
    known = {"tiny-colours", *(("selfie", "yamnet") if folder.is_dir() else ())}
    shared_daemon.wait(lambda: known <= _models(shared_daemon))
    return shared_daemon


def _models(daemon: Daemon) -> set[str]:
    found = daemon.ask(requests.ModelsList(), replies.Models)
    return {one.id for one in found.models if one.installed}


def _write_tiny(folder: Path, manifests: Path) -> None:
    def add(model: str, task: str, files: dict[str, Path], **facts: Any) -> None:
        write_manifest(manifests / f"{model}.toml", task, files, **facts)

    for name, write in (("c", write_colours), ("y", write_yolo), ("v", write_votes)):
        write(folder / f"{name}.onnx")
    write_same(folder / "s.onnx", [1, 3, 16, 16])
    write_bands(folder / "b.onnx", FRAMES, BANDS)
    write_known_texts(folder / "t.onnx", {"grüß Gott": 0.75})
    add("tiny-greeting", "text_classify", {"model.onnx": folder / "t.onnx"}, labels=("hello",))
    (folder / "vocab.txt").write_text("\n".join(PIECES) + "\n")
    (folder / "names.txt").write_text("\n".join(COLOURS) + "\n")
    scaled = {"std": 255.0}
    add("tiny-yolo", "image_detect", {"model.onnx": folder / "y.onnx"}, labels=COLOURS, parameters={**scaled, "kind": "yolo", "resize": "letterbox"})  # fmt: skip
    add("tiny-mask", "image_segment", {"model.onnx": folder / "s.onnx"}, labels=COLOURS, parameters=scaled)  # fmt: skip
    add("tiny-embed", "image_embed", {"model.onnx": folder / "c.onnx"}, parameters=scaled)
    add("tiny-bands", "audio_classify", {"model.onnx": folder / "b.onnx"}, parameters={"kind": "log_mel", "n_fft": FFT, "window_length": FFT, "hop_length": 256, "activation": "softmax"})  # fmt: skip
    add("tiny-words", "text_classify", {"model.onnx": folder / "v.onnx", "vocab.txt": folder / "vocab.txt"}, labels=("Negative", "Positive"), parameters={"kind": "wordpiece", "activation": "softmax"})  # fmt: skip
    add("tiny-wrong", "image_classify", {"model.onnx": folder / "c.onnx"}, parameters={"meen": 1.0})
    add("tiny-colours", "image_classify", {"model.onnx": folder / "c.onnx", "names.txt": folder / "names.txt"}, parameters=scaled, labels_file="names.txt")  # fmt: skip


def encoded(
    pixels: npt.NDArray[np.uint8] | Image.Image, form: str = "PNG", **options: Any
) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    target = io.BytesIO()
    image.save(target, form, **options)
    return target.getvalue()


def plain(colour: tuple[int, int, int], width: int = 64, height: int = 64) -> Image.Image:
    return Image.new("RGB", (width, height), colour)


def last(daemon: Daemon, request: AnyRequest, *parts: bytes) -> tuple[Any, bytes]:
    """The last reply, and the bytes of its parts."""
    with daemon.client() as client:
        *_, (reply, found) = client.stream(request, parts)
    return reply, b"".join(bytes(part) for part in found)


# --- real models ---


def detected(daemon: Daemon, path: Path) -> dict[str, DetectedObject]:
    """The surest object of each label."""
    request = requests.ImagesDetect(path=str(path), model="ssd", min_score=0.6)
    found: dict[str, DetectedObject] = {}
    for one in daemon.ask(request, replies.Objects).objects:
        found.setdefault(one.label, one)
    return found


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("cats_and_dogs.jpg", {"cat"}),
        ("coco_000000000072.jpg", {"giraffe"}),
        ("coco_000000000315.jpg", {"person", "umbrella"}),
        ("face.jpg", {"person"}),
    ],
)
def test_coco_ssd_finds_what_is_there(
    assets: Path, served: Daemon, name: str, labels: set[str]
) -> None:
    path = assets / "media/images" / name
    with Image.open(path) as image:
        width, height = image.size

    found = detected(served, path)

    assert labels <= set(found)
    for one in found.values():
        assert one.score >= 0.6
        assert 0 <= one.left < one.left + one.width <= width
        assert 0 <= one.top < one.top + one.height <= height


def test_the_cat_that_was_found_is_classified_as_one(assets: Path, served: Daemon) -> None:
    path = assets / "media/images/cats_and_dogs.jpg"
    box = detected(served, path)["cat"]
    with Image.open(path) as image:
        cat = image.crop(
            (int(box.left), int(box.top), int(box.left + box.width), int(box.top + box.height))
        )

    found = served.ask(
        requests.ImagesClassify(model="mobilenet", top_k=5), replies.Classes, encoded(cat)
    )

    assert any("cat" in one.label or one.label == "tabby" for one in found.classes)
    assert [one.score for one in found.classes] == sorted((one.score for one in found.classes), reverse=True)  # fmt: skip


def vector(daemon: Daemon, image: Image.Image, model: str = "embedder") -> npt.NDArray[np.float32]:
    reply, data = last(daemon, requests.ImagesEmbed(model=model), encoded(image))
    found = np.frombuffer(data, "<f4")
    assert len(found) == reply.dimensions
    return found


def test_two_parts_of_one_photo_are_nearer_than_two_photos(assets: Path, served: Daemon) -> None:
    with Image.open(assets / "media/images/cats_and_dogs.jpg") as image:
        whole, part = image.convert("RGB"), image.crop((60, 30, 1140, 570)).convert("RGB")
    with Image.open(assets / "media/images/coco_000000000072.jpg") as image:
        other = image.convert("RGB")

    one, near, far = (vector(served, image) for image in (whole, part, other))

    assert float(one @ one) == pytest.approx(1.0, abs=1e-5)
    assert float(one @ near) > 0.5 + max(float(one @ far), float(near @ far))


def test_a_face_is_told_from_what_is_behind_it(assets: Path, served: Daemon) -> None:
    path = assets / "media/images/face.jpg"

    reply, data = last(served, requests.ImagesSegment(model="selfie", path=str(path)))

    mask = np.frombuffer(data, np.uint8).reshape(reply.height, reply.width)
    assert (reply.kind, reply.labels, mask.shape) == ("confidence", ("selfie",), (355, 512))
    assert mask[300, 200] > 250  # a chest
    assert mask[20, 20] < 5  # a corner


def test_speech_is_heard_first_in_speech(assets: Path, served: Daemon) -> None:
    request = requests.AudioClassify(path=str(assets / "media/speech/jfk.wav"), model="yamnet")

    found = served.ask(request, replies.AudioClasses)

    assert (found.classes[0].label, found.classes[0].index) == ("Speech", 0)
    assert found.classes[0].score >= 0.8
    assert (found.audio_ms, len(found.windows)) == (11_000, 12)
    assert [one.start_ms for one in found.windows] == [975 * at for at in range(12)]
    assert found.device == "cpu"
    assert found.computed_us > 0


def test_audio_may_come_as_bytes_in_any_rate_and_number_of_channels(
    assets: Path, served: Daemon
) -> None:
    data = (assets / "media/speech/jfk.flac").read_bytes()
    quiet = np.zeros((44_100 * 3, 2), "<f4").tobytes()
    stereo = AudioFormat(sample_rate=44_100, channels=2, sample_format="f32le")

    spoken = served.ask(requests.AudioClassify(model="yamnet"), replies.AudioClasses, data)
    silent = served.ask(
        requests.AudioClassify(model="yamnet", audio=stereo, top_k=1), replies.AudioClasses, quiet
    )

    assert spoken.classes[0].label == "Speech"
    assert silent.classes[0].label == "Silence"
    assert silent.audio_ms == pytest.approx(3000, abs=5)


@pytest.mark.usefixtures("assets")
@pytest.mark.parametrize("model", ["opinion", "regex-opinion"])
def test_a_positive_sentence_is_told_from_a_negative_one(served: Daemon, model: str) -> None:
    def first(text: str) -> str:
        found = served.ask(requests.TextClassify(text=text, model=model), replies.Classes)
        label: str = found.classes[0].label
        return label

    assert first("What a wonderful film, I loved every minute of it") == "Positive"
    assert first("This is the worst, most boring and awful movie I have ever seen") == "Negative"


# --- tiny models, with answers worked out by hand ---


def classified(daemon: Daemon, *parts: bytes, **facts: Any) -> dict[str, float]:
    request = requests.ImagesClassify(model="tiny-colours", **facts)
    found = daemon.ask(request, replies.Classes, *parts)
    return {one.label: round(one.score, 3) for one in found.classes}


def test_planes_of_colours_are_scored_with_labels_from_a_file(served: Daemon) -> None:
    found = classified(served, encoded(plain((255, 51, 0))))

    assert found == {"red": 1.0, "green": 0.2, "blue": 0.0}


def test_boxes_of_a_yolo_are_in_the_pictures_pixels(served: Daemon) -> None:
    """128 x 64 lies in 64 x 64 as 64 x 32, 16 below the top: half as large."""
    red = ImageFormat(width=128, height=64)
    request = requests.ImagesDetect(model="tiny-yolo", image=red, min_score=0.2)

    found = served.ask(request, replies.Objects, bytes([255, 0, 0]) * 128 * 64)

    one = found.objects[0]
    assert len(found.objects) == 1  # the second box lies on the first, the third is not red
    assert (one.label, round(one.score, 4), one.index) == ("red", 0.9 / 2, 0)  # half of it is bars
    assert (one.left, one.top, one.width, one.height) == (24, 0, 16, 8)
    assert (found.width, found.height) == (128, 64)


def test_the_class_of_each_pixel_comes_in_the_pictures_size(served: Daemon) -> None:
    pixels = np.zeros((32, 48, 3), np.uint8)
    pixels[:, :24, 2], pixels[:, 24:, 1] = 255, 255

    reply, data = last(served, requests.ImagesSegment(model="tiny-mask"), encoded(pixels))

    mask = np.frombuffer(data, np.uint8).reshape(32, 48)
    assert (reply.kind, reply.labels) == ("category", COLOURS)
    assert (mask[:, :23] == 2).all()
    assert (mask[:, 25:] == 1).all()


def test_a_mask_that_passes_a_frame_comes_in_parts(served: Daemon) -> None:
    picture = encoded(plain((0, 255, 0), 3000, 2000), "JPEG")

    with served.client() as client:
        *_, (reply, parts) = client.stream(requests.ImagesSegment(model="tiny-mask"), [picture])

    assert isinstance(reply, replies.Mask)
    assert [len(part) for part in parts] == [4 * 2**20, 3000 * 2000 - 4 * 2**20]
    assert bytes(parts[0][:9]) == b"\x01" * 9


def test_a_vector_may_be_had_as_it_is(served: Daemon) -> None:
    picture = encoded(plain((255, 0, 255)))

    _, unit = last(served, requests.ImagesEmbed(model="tiny-embed"), picture)
    _, own = last(served, requests.ImagesEmbed(model="tiny-embed", unit=False), picture)

    assert np.frombuffer(unit, "<f4").tolist() == pytest.approx([2**-0.5, 0, 2**-0.5])
    assert np.frombuffer(own, "<f4").tolist() == pytest.approx([1, 0, 1])


@pytest.mark.parametrize("band", [3, 8, 13])
def test_a_tone_is_heard_in_its_band_of_a_spectrogram(
    served: Daemon, tmp_path: Path, band: int
) -> None:
    low, high = (1127 * np.log1p(hertz / 700) for hertz in (125.0, 7500.0))
    hertz = 700 * np.expm1((low + (high - low) * (band + 1) / (BANDS + 1)) / 1127)
    tone = np.sin(2 * np.pi * hertz * np.arange(16_000) / 16_000) * 16_000
    path = write_wav(tmp_path / "tone.wav", tone.astype("<i2").tobytes())

    found = served.ask(
        requests.AudioClassify(model="tiny-bands", path=str(path)), replies.AudioClasses
    )

    window_ms = ((FRAMES - 1) * 256 + FFT) * 1000 // 16_000
    assert found.classes[0].index == band
    assert found.windows[0].end_ms == window_ms
    assert all(one.classes[0].index == band for one in found.windows[:-1])


def test_pieces_of_words_vote(served: Daemon) -> None:
    found = served.ask(
        requests.TextClassify(text="Good goodly bad", model="tiny-words"), replies.Classes
    )

    # [CLS] good good ##ly bad [SEP]: 6 for Positive, 3 for Negative, among six pieces.
    expected = np.exp(6 / 6) / (np.exp(6 / 6) + np.exp(3 / 6))
    assert found.classes[0].label == "Positive"
    assert found.classes[0].score == pytest.approx(expected, abs=1e-5)


def test_a_graph_that_takes_text_gets_it_as_it_is(served: Daemon) -> None:
    def score(text: str) -> float:
        request = requests.TextClassify(text=text, model="tiny-greeting")
        found: float = served.ask(request, replies.Classes).classes[0].score
        return found

    assert (score("grüß Gott"), score("gruss gott")) == (0.75, 0.0)


# --- which model ---


def test_a_model_for_another_task_is_refused(served: Daemon) -> None:
    with pytest.raises(Unsupported, match="tiny-yolo is a model for image_detect"):
        served.ask(requests.ImagesClassify(model="tiny-yolo"), replies.Classes, b"x")


def test_a_misspelt_parameter_is_told(served: Daemon) -> None:
    with pytest.raises(CorruptModel, match="parameter meen of tiny-wrong"):
        served.ask(
            requests.ImagesClassify(model="tiny-wrong"), replies.Classes, encoded(plain((0, 0, 0)))
        )


def test_the_default_of_a_task_answers_when_no_model_is_named(served: Daemon) -> None:
    found = served.ask(requests.TextClassify(text="good"), replies.Classes)

    assert found.model == "tiny-words"  # all ranks are equal, so the last name


def test_where_nothing_can_answer_the_error_says_what_to_pull(daemon: Daemon) -> None:
    daemon.start()

    for request in (requests.ImagesDetect(), requests.ImagesEmbed(), requests.ImagesClassify()):
        with pytest.raises(ModelMissing) as caught:
            daemon.ask(request, replies.Classes, encoded(plain((0, 0, 0))))
        assert "edged models pull" in caught.value.fix or "write a manifest" in caught.value.fix


def test_waiting_for_a_model_is_told(served: Daemon) -> None:
    served.ask(requests.ModelsUnload(model="tiny-embed"), replies.Done)

    with served.client() as client:
        told = [
            reply
            for reply, _ in client.stream(
                requests.ImagesEmbed(model="tiny-embed"), [encoded(plain((1, 2, 3)))]
            )
        ]

    assert isinstance(told[0], replies.Loading)
    assert isinstance(told[-1], replies.Embedding)


def test_audio_that_is_none_is_refused(served: Daemon, tmp_path: Path) -> None:
    with pytest.raises(BadMedia):
        served.ask(
            requests.AudioClassify(model="tiny-bands"), replies.AudioClasses, b"no audio" * 99
        )
    with pytest.raises(BadRequest, match="either a path or audio"):
        served.ask(
            requests.AudioClassify(model="tiny-bands", path=str(tmp_path)),
            replies.AudioClasses,
            b"x",
        )


# --- bad input ---


def test_pictures_of_every_mode_are_classified(served: Daemon) -> None:
    grey = classified(served, encoded(Image.new("L", (9, 9), 51)))
    clear = classified(served, encoded(Image.new("RGBA", (9, 9), (255, 0, 0, 0))))
    dot = classified(served, encoded(plain((0, 0, 255), 1, 1)))

    assert grey == dict.fromkeys(COLOURS, 0.2)
    assert clear == dict.fromkeys(COLOURS, 1.0)  # white, as paper
    assert dot == {"red": 0.0, "green": 0.0, "blue": 1.0}


def test_a_picture_is_segmented_as_its_camera_was_held(served: Daemon) -> None:
    pixels = np.zeros((32, 48, 3), np.uint8)
    pixels[:16, :, 0], pixels[16:, :, 2] = 255, 255  # red above blue
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it to the right: blue is on the left then

    reply, data = last(
        served, requests.ImagesSegment(model="tiny-mask"), encoded(pixels, exif=exif)
    )

    mask = np.frombuffer(data, np.uint8).reshape(reply.height, reply.width)
    assert mask.shape == (48, 32)
    assert (mask[:, :15] == 2).all()
    assert (mask[:, 17:] == 0).all()


def huge_png() -> bytes:
    """20,000 x 20,000 pixels in a few bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(99)))


BAD: dict[str, tuple[bytes, dict[str, Any], type[Exception], str]] = {
    "nothing": (b"", {}, BadRequest, "no picture came"),
    "no picture": (b"hello" * 100, {}, BadMedia, "no picture"),
    "a bomb": (huge_png(), {}, BadMedia, "more than 64 million pixels"),
    "half a JPEG": (encoded(plain((1, 2, 3), 400, 400), "JPEG")[:900], {}, BadMedia, "damaged|early|head"),
    "a byte too few": (bytes(11), {"image": ImageFormat(width=2, height=2)}, BadRequest, "12 bytes, 11 came"),
    "path and bytes": (b"x", {"path": "/tmp/x.png"}, BadRequest, "either a path or a picture"),
    "a relative path": (b"", {"path": "x.png"}, BadRequest, "not absolute"),
    "no such file": (b"", {"path": "/nowhere/x.png"}, NotFound, "no such file"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_picture_is_refused_and_the_next_one_is_answered(
    served: Daemon, case: str
) -> None:
    data, facts, error, words = BAD[case]

    with pytest.raises(error, match=words):
        classified(served, *([data] if data else []), **facts)

    assert classified(served, encoded(plain((255, 0, 0))))["red"] == 1.0


def test_links_folders_and_files_beyond_the_bound_are_refused(
    served: Daemon, tmp_path: Path
) -> None:
    (tmp_path / "link.png").symlink_to(tmp_path / "real.png")
    with (tmp_path / "large.png").open("wb") as file:
        file.truncate(65 * 2**20)

    with pytest.raises(Denied, match="symlink"):
        classified(served, path=str(tmp_path / "link.png"))
    with pytest.raises(BadMedia, match="directory"):
        classified(served, path=str(tmp_path))
    with pytest.raises(TooLarge, match="more than 67108864"):
        classified(served, path=str(tmp_path / "large.png"))


def test_nothing_of_what_was_sent_is_in_the_log(served: Daemon) -> None:
    served.ask(requests.TextClassify(text="good xylophone", model="tiny-words"), replies.Classes)
    with pytest.raises(BadMedia):
        classified(served, b"xylophone" * 10)

    assert "xylophone" not in served.log()
    assert served.health().status == "ok" or "xylophone" not in repr(served.health())
