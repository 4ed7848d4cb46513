// @vitest-environment happy-dom
import type { Description } from "@edged/client";
import { describe, expect, it, vi } from "vitest";
import { Edged } from "../../client/src";
import { cameraScreen, lookers } from "../../src/panel/camera";
import type { Panel } from "../../src/panel/context";
import english from "../../src/text/en.json";
import { FakeBrowser } from "./browser";
import { sampleHost } from "./sample";

function described(tasks: Readonly<Record<string, readonly string[]>>): Description {
  const told = Object.entries(tasks).map(([task, models]) => [
    task,
    { default: models[0] ?? null, reason: "", models, languages: [] },
  ]);
  return { type: "description", tasks: Object.fromEntries(told) as object } as Description;
}

describe("the way to the camera", () => {
  it("knows the models by the names that the daemon gives their tasks", () => {
    const found = lookers(
      described({
        face_detect: ["face-detector-short-range"],
        face_landmarks: ["face-mesh"],
        hand_landmarks: ["hand-landmarker"],
        iris_landmarks: ["face-iris"],
        pose_landmarks: ["pose-landmarker-full"],
        image_detect: [],
      }),
    );

    expect(found).toEqual([
      ["hands", "hand-landmarker"],
      ["face_mesh", "face-mesh"],
      ["iris", "face-iris"],
      ["pose", "pose-landmarker-full"],
    ]);
  });

  it("finds nobody who looks among models that hear", () => {
    expect(lookers(described({ transcribe: ["m"], hand_landmarks: [] }))).toEqual([]);
  });

  it("has words for what it names", () => {
    const everything = described({
      hand_landmarks: ["a"],
      iris_landmarks: ["b"],
      pose_landmarks: ["c"],
      holistic_landmarks: ["d"],
      image_detect: ["e"],
    });

    for (const [task] of lookers(everything)) expect(english).toHaveProperty([`looking.${task}`]);
  });

  it("lists the models that look", async () => {
    const host = sampleHost();
    new FakeBrowser().install(host.connect);
    const edged = new Edged({ name: "panel" });
    const panel = { edged, can: () => true, doubt: () => undefined } as unknown as Panel;

    const screen = cameraScreen(panel);
    screen.show?.();

    await vi.waitFor(() => expect(screen.element.textContent).toContain("pose-landmarker-full"));
    expect(screen.element.textContent).not.toContain(english["camera.models.none"]);
    edged.close();
    vi.unstubAllGlobals();
  });
});
