"""The table of devices."""

from edged.cli.devices import row
from edged.messages.sessions import Device

CAMERA = Device(
    id="usb-1",
    name="Front",
    device_type="camera",
    is_default=True,
    sample_rate=0,
    channels=0,
    permission="granted",
    formats=("640x480 30 fps yuyv422", "1x1 1 fps gray", "2x2 2 fps gray", "3x3 3 fps gray"),
)


def test_a_camera_has_formats_and_no_sample_rate() -> None:
    assert row(CAMERA) == [
        "Front", "usb-1", "camera", "yes", "", "", "?",
        "640x480 30 fps yuyv422, 1x1 1 fps gray, 2x2 2 fps gray, and 1 more",
    ]  # fmt: skip


def test_a_device_that_may_not_be_opened_says_why() -> None:
    shut = Device(
        id="a", name="Mic", device_type="microphone", is_default=False, sample_rate=48_000,
        channels=2, in_use=True, permission="denied", reason="not in the group",
    )  # fmt: skip

    assert row(shut) == ["Mic", "a", "microphone", "", "48000", "2", "yes", "not in the group"]
