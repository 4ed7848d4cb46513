"""Which camera is meant, and what is told of it."""

import errno
import os
import stat
from pathlib import Path

import pytest

from edged.capture import cameras
from edged.capture.sight_orders import CameraListed
from edged.errors import BadRequest, DeviceMissing, PermissionDenied

FRONT = CameraListed(
    path="/dev/video0", name="Front", bus="usb-1", formats=("640x480 30 fps mjpeg",)
)
BACK = CameraListed(path="/dev/video2", name="Back", bus="usb-1")
SHUT = CameraListed(path="/dev/video4", refused=errno.EACCES)
TAKEN = CameraListed(path="/dev/video6", name="Taken", bus="usb-3", refused=errno.EBUSY)


def test_cameras_are_told_with_where_they_are_plugged_in_and_who_uses_them() -> None:
    front, back, shut, taken = cameras.devices_of([FRONT, BACK, SHUT, TAKEN], {"/dev/video2"})

    assert (front.id, front.is_default, front.formats) == ("usb-1", True, FRONT.formats)
    assert (back.id, back.is_default, back.in_use) == ("usb-1#2", False, True)
    assert (front.in_use, front.permission) == (None, "granted")
    assert (shut.id, shut.name, shut.permission) == ("/dev/video4", "video4", "denied")
    assert "group `video`" in shut.reason
    assert (taken.in_use, taken.permission) == (True, "unknown")


def test_a_camera_is_chosen_by_its_id_or_name_and_else_the_first_that_may_be_used() -> None:
    devices = cameras.devices_of([SHUT, FRONT, BACK])

    assert cameras.choose(devices, "").name == "Front"
    assert cameras.choose(devices, "usb-1#2").name == "Back"
    assert cameras.choose(devices, "bAcK").name == "Back"
    with pytest.raises(DeviceMissing, match="of that name"):
        cameras.choose(devices, "Side")
    with pytest.raises(DeviceMissing, match="no camera is there"):
        cameras.choose([], "")
    with pytest.raises(PermissionDenied, match="let the daemon use"):
        cameras.choose(cameras.devices_of([SHUT]), "")


def test_nodes_are_found_in_the_kernels_order(tmp_path: Path) -> None:
    for name in ("video10", "video2", "videos", "null", "video"):
        (tmp_path / name).touch()

    assert [os.path.basename(path) for path in cameras.nodes(str(tmp_path))] == [
        "video2",
        "video10",
    ]
    assert cameras.nodes(str(tmp_path / "none")) == []


def test_a_node_that_a_process_has_open_is_in_use(tmp_path: Path) -> None:
    used, free = tmp_path / "video0", tmp_path / "video1"
    used.touch()
    free.touch()

    with used.open():
        found = cameras.open_nodes([str(used), str(free)])

    assert found == {str(used)}


def test_a_path_of_a_pipe_is_opened(tmp_path: Path) -> None:
    pipe = tmp_path / "camera"
    os.mkfifo(pipe)

    found = cameras.open_path(str(pipe))

    assert (found.path, stat.S_ISFIFO(os.fstat(found.pipe).st_mode)) == ("", True)
    assert not os.get_inheritable(found.pipe)
    os.close(found.pipe)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("none", DeviceMissing), ("file", BadRequest), ("link", BadRequest), ("", BadRequest)],
)
def test_any_other_file_is_refused(tmp_path: Path, name: str, kind: type[Exception]) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")

    with pytest.raises(kind):
        cameras.open_path(str(tmp_path / name))


def test_a_device_that_is_no_camera_is_not_even_opened() -> None:
    with pytest.raises(BadRequest, match="neither"):
        cameras.open_path("/dev/null")
