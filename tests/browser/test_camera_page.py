"""The camera page in a real Chromium: frames go to the daemon, landmarks are drawn over them."""

from collections.abc import Iterator

import panels
import pytest
from cdp import Page
from rooms import CAMERA, Room

pytestmark = pytest.mark.timeout(150)

FACE = (281, 137)
"""The middle of the face in the made-up camera's picture of 640 x 480."""

NEAR = 60
DRAWN = """(() => {
  const canvas = document.querySelector('canvas');
  if (!canvas?.width || !canvas.dataset.seen) return null;
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let count = 0, x = 0, y = 0;
  for (let at = 3; at < data.length; at += 4) {
    if (data[at] < 40) continue;
    const pixel = (at - 3) / 4;
    count++; x += pixel % canvas.width; y += Math.floor(pixel / canvas.width);
  }
  return count > 200 ? [x / count, y / count, count] : null;
})()"""
"""The middle of what is drawn over the picture, and how many pixels that is."""


@pytest.fixture
def camera(sighted: Room) -> Iterator[Page]:
    """The camera page of the paired extension."""
    panels.paired(sighted).close()
    page = sighted.browser.open(CAMERA)
    page.size(1000, 800)
    yield page
    page.close()


def test_landmarks_are_drawn_where_the_camera_sees_a_face(camera: Page) -> None:
    camera.click("input[name=task][value=face_mesh]")

    camera.click(".button.primary")

    x, y, _ = camera.wait(DRAWN)
    assert min(abs(x - FACE[0]), abs(640 - x - FACE[0])) <= NEAR
    assert abs(y - FACE[1]) <= NEAR
    camera.wait("/face/i.test(document.querySelector('.told').textContent)")
    assert panels.faults(camera) == []
    assert camera.wait("chrome.action.getBadgeText({})") == "REC"

    camera.click(".button.danger")

    camera.wait("!!document.querySelector('.button.primary')")
    camera.wait("chrome.action.getBadgeText({}).then((words) => words === '')")


def test_the_panel_names_the_models_that_look(sighted: Room) -> None:
    page = panels.paired(sighted)

    panels.go(page, "camera")

    page.wait("document.querySelector('main').innerText.includes('hand-landmarker')")
    assert "face-mesh" in page.text()
    page.close()
