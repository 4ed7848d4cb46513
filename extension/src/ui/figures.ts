/** Numbers as people read them: times, sizes, dates. Pure functions. */

import { text } from "../text/text";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** A place in a recording: 0:07, 12:30, 1:02:03. */
export function clock(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / SECOND);
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const end = two(seconds % 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${end}` : `${minutes}:${end}`;
}

/** How long something takes or took: 0.4 s, 12 s, 3 min, 2 h 5 min, 3 d 4 h. */
export function duration(ms: number): string {
  if (ms < 10 * SECOND) return `${(Math.max(0, ms) / SECOND).toFixed(1)} s`;
  if (ms < MINUTE) return `${Math.round(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.round(ms / MINUTE)} min`;
  if (ms < DAY) return pair(ms, HOUR, "h", MINUTE, "min");
  return pair(ms, DAY, "d", HOUR, "h");
}

function pair(ms: number, large: number, largeUnit: string, small: number, smallUnit: string): string {
  const whole = Math.floor(ms / large);
  const rest = Math.floor((ms % large) / small);
  return rest === 0 ? `${whole} ${largeUnit}` : `${whole} ${largeUnit} ${rest} ${smallUnit}`;
}

/** A number of bytes, in decimal units: 81 kB, 20.4 MB. */
export function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"] as const;
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit > 1 && value < 99.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${units[unit] ?? "B"}`;
}

/** A count with its thousands apart: 12,400. */
export function count(value: number): string {
  return value.toLocaleString("en");
}

/** A fraction as a whole percentage; never 100 before the end, nor 0 after the start. */
export function percent(fraction: number): number {
  if (fraction >= 1) return 100;
  if (fraction <= 0) return 0;
  return Math.min(99, Math.max(1, Math.round(fraction * 100)));
}

/** A day and time: Today 14:05, Yesterday 9:30, 3 Nov 14:05, 3 Nov 2025. */
export function moment(iso: string, now: Date = new Date()): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "";
  const time = `${at.getHours()}:${two(at.getMinutes())}`;
  if (sameDay(at, now)) return `${text("today")} ${time}`;
  if (sameDay(at, new Date(now.getTime() - DAY))) return `${text("yesterday")} ${time}`;
  const month = at.toLocaleString("en", { month: "short" });
  const day = `${at.getDate()} ${month}`;
  return at.getFullYear() === now.getFullYear() ? `${day} ${time}` : `${day} ${at.getFullYear()}`;
}

/** A day and time in full, as part of a name that stays: 3 Nov 2026 14:05. */
export function dated(at: Date): string {
  const month = at.toLocaleString("en", { month: "short" });
  return `${at.getDate()} ${month} ${at.getFullYear()} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

function sameDay(one: Date, other: Date): boolean {
  return one.toDateString() === other.toDateString();
}

/** The name of a language in English, or its code. */
export function language(code: string): string {
  if (code === "") return "";
  try {
    return new Intl.DisplayNames("en", { type: "language" }).of(code) ?? code;
  } catch (error) {
    if (error instanceof RangeError) return code;
    throw error;
  }
}

/** A speaker's label as people count: SPEAKER_00 is the first; other labels are names already. */
export function speakerName(label: string): string {
  const found = /^SPEAKER_(\d+)$/u.exec(label);
  return found === null ? label : text("speaker", { number: Number(found[1]) + 1 });
}
