/** What was seen as lines, points, boxes and labels over a picture; the same as the daemon's own drawing. */
import type { Face, Hand, Pose, Seen } from "@edged/client";
import { FACE_LINES, HAND_LINES, IRIS_LINES, MESH_POINTS, POSE_LINES, POSE_SIDES } from "./points";

type Point = readonly number[];
type Lines = readonly (readonly [number, number])[];

const LEFT = "#ff9f1c";
const RIGHT = "#2ec4ff";
const MIDDLE = "#7bd88f";
const FACE = "#ffe45e";
const OBJECT = "#ff6fb5";
const DARK = "#14171c";

/** Less visible points of a body are guesses, and not drawn. Source: docs/SEEING.md. */
const VISIBLE = 0.5;
const VISIBILITY = 3;
/** Of a body whose face has a mesh the points of the head are left to it. */
const BELOW_HEAD = 11;
/** Pixels between which a line is one pixel wide more. */
const LINE_EVERY = 480;

/** What is drawn with: a canvas's context, as far as it is used. */
export type Context = Pick<
  CanvasRenderingContext2D,
  | "clearRect"
  | "beginPath"
  | "moveTo"
  | "lineTo"
  | "arc"
  | "rect"
  | "stroke"
  | "fill"
  | "fillRect"
  | "fillText"
  | "measureText"
  | "strokeStyle"
  | "fillStyle"
  | "lineWidth"
  | "lineCap"
  | "font"
  | "textBaseline"
>;

/** The place to draw: its size in pixels, and whether the picture below is shown as in a mirror. */
export interface Stage {
  readonly width: number;
  readonly height: number;
  readonly mirrored: boolean;
}

/** Draws all of what was seen, instead of what was there before. */
export function draw(context: Context, stage: Stage, seen: Seen): void {
  context.clearRect(0, 0, stage.width, stage.height);
  const pen = new Pen(context, stage);
  const meshed = seen.faces.some((face) => face.landmarks.length >= MESH_POINTS);
  for (const pose of seen.poses) drawPose(pen, pose, meshed ? BELOW_HEAD : 0);
  for (const face of seen.faces) drawFace(pen, face);
  for (const hand of seen.hands) drawHand(pen, hand);
  for (const { label, score, left, top, width, height } of seen.objects) {
    const box = [left / seen.width, top / seen.height, width / seen.width, height / seen.height];
    pen.box(box, `${label} ${score.toFixed(2)}`, OBJECT);
  }
  seen.classes.forEach(({ label, score }, row) => pen.line(`${label} ${score.toFixed(2)}`, row, OBJECT));
}

function drawPose(pen: Pen, pose: Pose, first: number): void {
  const shown = (point: Point, number: number): boolean =>
    number >= first && (point[VISIBILITY] ?? 1) >= VISIBLE;
  const colour = (number: number): string =>
    ({ left: LEFT, right: RIGHT, "": MIDDLE })[POSE_SIDES[number] ?? ""];
  pen.skeleton(pose.landmarks, POSE_LINES, { colour, shown });
  if (pose.classification !== "") pen.above(pose.landmarks, pose.classification.replace("_", " "), MIDDLE);
}

function drawFace(pen: Pen, face: Face): void {
  const meshed = face.landmarks.length >= MESH_POINTS;
  if (face.box !== null) pen.box(face.box, face.score === null ? "" : `face ${face.score.toFixed(2)}`, FACE);
  if (!meshed) {
    pen.skeleton(face.landmarks, [], { colour: () => FACE });
    return;
  }
  pen.mesh(face.landmarks, FACE_LINES, FACE);
  if (face.landmarks.length > MESH_POINTS) pen.mesh(face.landmarks, IRIS_LINES, RIGHT);
  const gaze = face.eyes?.gaze;
  if (gaze) pen.above(face.landmarks, `gaze ${gaze.direction}`, FACE);
}

function drawHand(pen: Pen, hand: Hand): void {
  const colour = hand.handedness === "Left" ? LEFT : RIGHT;
  pen.skeleton(hand.landmarks, HAND_LINES, { colour: () => colour });
  pen.above(hand.landmarks, `${hand.handedness} ${hand.gesture.replace("_", " ")}`.trim(), colour);
}

interface SkeletonLook {
  readonly colour: (number: number) => string;
  readonly shown?: (point: Point, number: number) => boolean;
}

/** Draws in fractions of the picture, with strokes that suit its size. */
class Pen {
  readonly #context: Context;
  readonly #stage: Stage;
  readonly #stroke: number;
  readonly #letters: number;

  constructor(context: Context, stage: Stage) {
    this.#context = context;
    this.#stage = stage;
    this.#stroke = 1.5 + stage.width / LINE_EVERY;
    this.#letters = Math.max(12, Math.round(stage.width / 45));
    context.lineCap = "round";
    context.textBaseline = "middle";
    context.font = `600 ${this.#letters}px system-ui, sans-serif`;
  }

  #x(point: Point): number {
    const fraction = point[0] ?? 0;
    return (this.#stage.mirrored ? 1 - fraction : fraction) * this.#stage.width;
  }

  #y(point: Point): number {
    return (point[1] ?? 0) * this.#stage.height;
  }

  /** Lines first, then the points on top of them. */
  skeleton(points: readonly Point[], lines: Lines, { colour, shown = () => true }: SkeletonLook): void {
    this.#context.lineWidth = this.#stroke;
    for (const [from, to] of lines) {
      const [one, other] = [points[from], points[to]];
      if (one === undefined || other === undefined || !shown(one, from) || !shown(other, to)) continue;
      this.#context.strokeStyle = colour(to);
      this.#path([one, other]);
    }
    points.forEach((point, number) => {
      if (shown(point, number)) this.#dot(point, colour(number));
    });
  }

  /** Thin lines alone: a mesh has too many points to show each. */
  mesh(points: readonly Point[], lines: Lines, colour: string): void {
    this.#context.lineWidth = this.#stroke / 2;
    this.#context.strokeStyle = colour;
    this.#context.beginPath();
    for (const [from, to] of lines) {
      const [one, other] = [points[from], points[to]];
      if (one === undefined || other === undefined) continue;
      this.#context.moveTo(this.#x(one), this.#y(one));
      this.#context.lineTo(this.#x(other), this.#y(other));
    }
    this.#context.stroke();
  }

  /** A box [left, top, width, height] with its label at the upper edge. */
  box(box: readonly number[], label: string, colour: string): void {
    const [left = 0, top = 0, width = 0, height = 0] = box;
    const x = this.#stage.mirrored ? 1 - left - width : left;
    this.#context.lineWidth = this.#stroke;
    this.#context.strokeStyle = colour;
    this.#context.beginPath();
    const { width: across, height: down } = this.#stage;
    this.#context.rect(x * across, top * down, width * across, height * down);
    this.#context.stroke();
    if (label !== "") this.#label(label, x * across, top * down - this.#letters, colour);
  }

  /** A label above the highest point. */
  above(points: readonly Point[], label: string, colour: string): void {
    const [first, ...others] = points;
    if (first === undefined) return;
    const highest = others.reduce((best, point) => (this.#y(point) < this.#y(best) ? point : best), first);
    this.#label(label, this.#x(highest), this.#y(highest) - 1.5 * this.#letters, colour);
  }

  /** A line of text in the upper corner. */
  line(label: string, row: number, colour: string): void {
    this.#label(label, this.#letters, this.#letters * (1 + 1.7 * row), colour);
  }

  #path(points: readonly Point[]): void {
    this.#context.beginPath();
    points.forEach((point, at) => {
      if (at === 0) this.#context.moveTo(this.#x(point), this.#y(point));
      else this.#context.lineTo(this.#x(point), this.#y(point));
    });
    this.#context.stroke();
  }

  #dot(point: Point, colour: string): void {
    this.#context.fillStyle = colour;
    this.#context.beginPath();
    this.#context.arc(this.#x(point), this.#y(point), this.#stroke * 1.2, 0, 2 * Math.PI);
    this.#context.fill();
  }

  /** Kept inside of the picture, on a ground that every picture lets it be read on. */
  #label(label: string, x: number, y: number, colour: string): void {
    const width = this.#context.measureText(label).width + this.#letters;
    const left = Math.max(0, Math.min(x, this.#stage.width - width));
    const middle = Math.max(this.#letters, Math.min(y, this.#stage.height - this.#letters));
    this.#context.fillStyle = DARK;
    this.#context.fillRect(left, middle - 0.8 * this.#letters, width, 1.6 * this.#letters);
    this.#context.fillStyle = colour;
    this.#context.fillText(label, left + this.#letters / 2, middle);
  }
}
