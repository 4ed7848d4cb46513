"""The command line of `see`: what it asks for, and what it refuses."""

import argparse
import io
import os
import sys

import pytest

from edged.cli.main import parser
from edged.cli.seeing import wanted
from edged.errors import BadRequest

COMMANDS = parser()


def parsed(*words: str) -> argparse.Namespace:
    return COMMANDS.parse_args(["see", *words])


def test_a_file_is_looked_at_for_everything_by_default() -> None:
    request, parts = wanted.see_of(parsed("me.jpg"))

    assert request.path == os.path.abspath("me.jpg")
    assert request.look.task == "holistic"
    assert (request.look.complexity, request.look.effect, request.fps) == ("full", "mask", None)
    assert parts == ()


def test_what_is_looked_for_reaches_the_daemon() -> None:
    words = (
        "clip.mp4 --task pose --complexity lite --fps 5 --most 2 --min-detection 0.7 "
        "--min-tracking 0.6 --model pose-x"
    )

    request, _ = wanted.see_of(parsed(*words.split()))

    look = request.look
    assert (look.task, look.complexity, look.most, look.model) == ("pose", "lite", 2, "pose-x")
    assert (look.min_detection_confidence, look.min_tracking_confidence) == (0.7, 0.6)
    assert request.fps == 5.0


def test_a_picture_may_come_on_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"picture")))

    request, parts = wanted.see_of(parsed("-"))

    assert request.path is None
    assert b"".join(parts) == b"picture"


def test_an_empty_stdin_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))

    with pytest.raises(BadRequest, match="no bytes"):
        wanted.see_of(parsed("-"))


def test_a_background_stands_for_the_effect_that_needs_it() -> None:
    look = wanted.look_of(parsed("me.jpg", "--task", "segment", "--background", "#00ff00"))

    assert (look.effect, look.background) == ("replace", "#00ff00")


def test_a_camera_is_a_stream_with_its_source() -> None:
    words = "camera --task hands --device desk --size 1280x720 --fps 15 --motion"

    request = wanted.stream_of(parsed(*words.split()))

    assert (request.kind, request.fps) == ("camera", 15.0)
    assert request.look is not None
    assert request.look.task == "hands"
    assert request.source is not None
    assert (request.source.kind, request.source.device) == ("camera", "desk")
    assert (request.source.width, request.source.height) == (1280, 720)
    assert request.source.motion


def test_a_screen_has_its_region_and_what_must_not_be_seen() -> None:
    words = ("screen", "--region", "0,10,640,480", "--deny", "Bank", "--deny", "Mail")

    request = wanted.stream_of(parsed(*words))

    assert request.source is not None
    assert request.source.region == (0, 10, 640, 480)
    assert request.source.deny == ("Bank", "Mail")
    assert request.source.width is None


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("me.jpg --jsonl --json", "contradict"),
        ("me.jpg --task hands --effect blur", "effects"),
        ("me.jpg --task segment --effect blur --background #000000", "background"),
        ("me.jpg --device desk", "--device is for"),
        ("me.jpg --for 3", "--for is for"),
        ("me.jpg --deny Bank", "--deny is for"),
        ("me.jpg --draw out.tiff", "ends in .png"),
        ("me.jpg --task embed --draw out.png", "embed finds nothing"),
        ("camera --draw out.png", "ends in .mp4"),
        ("camera --task segment --effect blur --draw out.mp4", "pixels of a camera"),
    ],
)
def test_options_that_do_not_go_together_are_refused(words: str, why: str) -> None:
    arguments = parsed(*words.split())

    with pytest.raises(BadRequest, match=why):
        wanted.check(arguments, as_json=arguments.json)


@pytest.mark.parametrize(
    "words",
    ["me.jpg --fps 0", "me.jpg --fps 1000", "me.jpg --most 0", "me.jpg --min-detection 2"],
)
def test_numbers_out_of_their_range_are_refused(words: str) -> None:
    with pytest.raises(BadRequest, match="out of its range"):
        wanted.see_of(parsed(*words.split()))


@pytest.mark.parametrize("words", ["camera --size 640", "camera --size axb", "screen --region 1,2"])
def test_sizes_that_cannot_be_read_are_refused(words: str) -> None:
    with pytest.raises(BadRequest, match="whole numbers"):
        wanted.stream_of(parsed(*words.split()))


@pytest.mark.parametrize(
    "words", ["me.jpg", "me.jpg --draw out.png", "camera --for 2 --draw o.mp4"]
)
def test_options_that_go_together_pass(words: str) -> None:
    wanted.check(parsed(*words.split()), as_json=True)
