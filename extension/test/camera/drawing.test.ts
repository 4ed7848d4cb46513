import type { Face, Hand, Pose, Seen } from "@edged/client";
import { expect, test } from "vitest";
import { draw } from "../../src/camera/drawing";
import { FACE_LINES, HAND_LINES, MESH_POINTS, POSE_LINES, POSE_SIDES } from "../../src/camera/points";

/** A context that notes what is drawn. */
class Notes {
  readonly points: (readonly [number, number])[] = [];
  readonly dots: (readonly [number, number])[] = [];
  readonly boxes: (readonly number[])[] = [];
  readonly words: { text: string; x: number; y: number }[] = [];
  cleared = 0;
  strokeStyle = "";
  fillStyle = "";
  lineWidth = 0;
  lineCap = "butt" as const;
  font = "";
  textBaseline = "middle" as const;

  readonly clearRect = (): void => void (this.cleared += 1);
  readonly beginPath = (): void => undefined;
  readonly moveTo = (x: number, y: number): void => void this.points.push([x, y]);
  readonly lineTo = (x: number, y: number): void => void this.points.push([x, y]);
  readonly arc = (x: number, y: number): void => void this.dots.push([x, y]);
  readonly rect = (...box: number[]): void => void this.boxes.push(box);
  readonly stroke = (): void => undefined;
  readonly fill = (): void => undefined;
  readonly fillRect = (): void => undefined;
  readonly fillText = (text: string, x: number, y: number): void => void this.words.push({ text, x, y });
  readonly measureText = (text: string): TextMetrics => ({ width: text.length * 8 }) as TextMetrics;
}

const STAGE = { width: 640, height: 480, mirrored: false };

function seen(more: Partial<Seen>): Seen {
  const empty = { faces: [], hands: [], poses: [], objects: [], classes: [], masks: [], parts: [] };
  return { type: "seen", width: 640, height: 480, ...empty, ...more } as unknown as Seen;
}

function drawn(more: Partial<Seen>, stage = STAGE): Notes {
  const notes = new Notes();
  draw(notes, stage, seen(more));
  return notes;
}

const HAND = {
  handedness: "Left",
  gesture: "Thumb_Up",
  landmarks: Array.from({ length: 21 }, (_, at) => [at / 100, 0.5, 0]),
} as unknown as Hand;

function pose(visibility: number): Pose {
  return {
    landmarks: Array.from({ length: 33 }, (_, at) => [at / 100, at / 100, 0, visibility]),
    classification: "",
  } as unknown as Pose;
}

test("nothing seen wipes what was drawn before", () => {
  const notes = drawn({});

  expect(notes.cleared).toBe(1);
  expect([notes.points, notes.dots, notes.boxes, notes.words].flat()).toEqual([]);
});

test("a hand has 21 points, its lines, and its gesture in words", () => {
  const notes = drawn({ hands: [HAND] });

  expect(notes.dots).toHaveLength(21);
  expect(notes.dots[10]).toEqual([64, 240]);
  expect(notes.points).toHaveLength(2 * HAND_LINES.length);
  expect(notes.words.map(({ text }) => text)).toEqual(["Left Thumb Up"]);
});

test("on a mirrored stage points and boxes change sides, and words stay readable", () => {
  const mirrored = { ...STAGE, mirrored: true };
  const object = { label: "cup", score: 0.9, index: 0, left: 0, top: 0, width: 64, height: 48 };

  const notes = drawn({ hands: [HAND], objects: [object] }, mirrored);

  expect(notes.dots[10]).toEqual([576, 240]);
  expect(notes.boxes).toEqual([[576, 0, 64, 48]]);
  expect(notes.words.at(-1)?.text).toBe("cup 0.90");
});

test("what is hardly visible of a body is not drawn", () => {
  expect(drawn({ poses: [pose(0.4)] }).dots).toEqual([]);
  expect(drawn({ poses: [pose(0.6)] }).dots).toHaveLength(33);
});

test("a body's head is left to the mesh of its face", () => {
  const landmarks = Array.from({ length: MESH_POINTS }, () => [0.5, 0.5, 0]);
  const face = { box: null, score: null, landmarks, eyes: null } as unknown as Face;

  const notes = drawn({ poses: [pose(1)], faces: [face] });

  expect(notes.dots).toHaveLength(33 - 11);
  const below = POSE_LINES.filter(([from, to]) => from >= 11 && to >= 11);
  expect(notes.points).toHaveLength(2 * (below.length + FACE_LINES.length));
});

test("a face without a mesh is its box, its score and its points", () => {
  const landmarks = [
    [0.4, 0.4],
    [0.6, 0.4],
  ];
  const face = { box: [0.25, 0.25, 0.5, 0.5], score: 0.97, landmarks, eyes: null } as unknown as Face;

  const notes = drawn({ faces: [face] });

  expect(notes.boxes).toEqual([[160, 120, 320, 240]]);
  expect(notes.dots).toHaveLength(2);
  expect(notes.words[0]?.text).toBe("face 0.97");
});

test("a label at the edge stays inside of the picture", () => {
  const object = {
    label: "a long name of a thing",
    score: 0.5,
    index: 0,
    left: 630,
    top: 0,
    width: 10,
    height: 10,
  };

  const [word] = drawn({ objects: [object] }).words;

  expect(word!.x + word!.text.length * 8).toBeLessThanOrEqual(640);
  expect(word!.y).toBeGreaterThan(0);
});

test("every point of a body has its side", () => {
  expect(POSE_SIDES).toHaveLength(33);
  expect([POSE_SIDES[0], POSE_SIDES[11], POSE_SIDES[12], POSE_SIDES[9]]).toEqual([
    "",
    "left",
    "right",
    "left",
  ]);
});
