/** The icons, drawn in a square of 24 with one stroke; they are decoration, the words stand beside them. */

import { svg } from "./dom";

const DRAWN = {
  alert: ["M12 4 2.8 19.5h18.4z", "M12 10v4.5", "M12 17v.2"],
  arrow: ["M5 12h14", "m13 6 6 6-6 6"],
  back: ["M19 12H5", "m11 6-6 6 6 6"],
  camera: [
    "M3 8.5A1.5 1.5 0 0 1 4.5 7H7l1.6-2.5h6.8L17 7h2.5A1.5 1.5 0 0 1 21 8.5v9a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 17.5z",
    "M15.6 12.8a3.6 3.6 0 1 1-7.2 0 3.6 3.6 0 0 1 7.2 0z",
  ],
  captions: [
    "M4.5 5h15A1.5 1.5 0 0 1 21 6.5v9a1.5 1.5 0 0 1-1.5 1.5H13l-4.5 3.5V17h-4A1.5 1.5 0 0 1 3 15.5v-9A1.5 1.5 0 0 1 4.5 5z",
    "M7 9.5h10",
    "M7 12.8h6",
  ],
  check: ["m4.5 12.5 5 5 10-11"],
  clock: ["M20.5 12a8.5 8.5 0 1 1-17 0 8.5 8.5 0 0 1 17 0z", "M12 7v5l3.3 2"],
  close: ["m6 6 12 12", "M18 6 6 18"],
  copy: ["M9 9h10.5v10.5H9z", "M15 9V4.5H4.5V15H9"],
  cpu: ["M7 7h10v10H7z", "M10 3.5V7m4-3.5V7m-4 10v3.5m4-3.5v3.5M3.5 10H7m-3.5 4H7m10-4h3.5M17 14h3.5"],
  down: ["m6 9.5 6 6 6-6"],
  download: ["M12 4v11", "m7 10.5 5 5 5-5", "M4.5 19.5h15"],
  file: ["M6 3.5h8l4.5 4.5v12.5H6z", "M13.5 3.5v5h5"],
  gear: [
    "M15 12a3 3 0 1 1-6 0 3 3 0 0 1 6 0z",
    "M12 3v3m0 12v3M3 12h3m12 0h3M5.6 5.6l2.2 2.2m8.4 8.4 2.2 2.2m0-12.8-2.2 2.2m-8.4 8.4-2.2 2.2",
  ],
  globe: [
    "M20.5 12a8.5 8.5 0 1 1-17 0 8.5 8.5 0 0 1 17 0z",
    "M3.5 12h17",
    "M12 3.5c5 5 5 12 0 17-5-5-5-12 0-17z",
  ],
  key: ["M11.5 15.5a4 4 0 1 1-8 0 4 4 0 0 1 8 0z", "m10.4 12.7 8.1-8.2 2.5 2.5m-5 0 2.3 2.3"],
  link: [
    "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7l-1 1",
    "M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7l1-1",
  ],
  lock: ["M5.5 10.5h13v9.5h-13z", "M8.5 10.5V7.5a3.5 3.5 0 0 1 7 0v3"],
  mic: ["M9 6.5a3 3 0 0 1 6 0v5a3 3 0 0 1-6 0z", "M5.5 11.5a6.5 6.5 0 0 0 13 0", "M12 18v3"],
  pause: ["M8 5.5v13", "M16 5.5v13"],
  people: [
    "M12.5 8a3.5 3.5 0 1 1-7 0 3.5 3.5 0 0 1 7 0z",
    "M2.5 19.5c.5-4 3-6 6.5-6s6 2 6.5 6",
    "M15.5 4.8a3.5 3.5 0 0 1 0 6.4",
    "M17.5 14c2.3.7 3.6 2.5 4 5.5",
  ],
  play: ["M8 5.2v13.6L19 12z"],
  pulse: ["M3 12.5h4l2.5-7 4.5 13 2.5-6H21"],
  retry: ["M19.5 12a7.5 7.5 0 1 1-2.3-5.4", "M17.5 3v4h-4"],
  search: ["M17 10.500a6.5 6.5 0 1 1-13 0 6.5 6.5 0 0 1 13 0z", "m15.3 15.3 5.2 5.2"],
  stop: ["M6.5 6.500h11v11h-11z"],
  tab: ["M3.5 5.500h17v13h-17z", "M3.5 9.500h17", "M10.5 5.500v4"],
  trash: ["M4.5 7h15", "M9.5 7V4h5v3", "m6.5 7 1 13h9l1-13"],
  upload: ["M12 16V5", "m7 9.5 5-5 5 5", "M4.5 19.500h15"],
} as const;

export type IconName = keyof typeof DRAWN;

/** An icon; hidden from screen readers. */
export function icon(name: IconName, size = 18): SVGElement {
  const outline = {
    viewBox: "0 0 24 24",
    width: size,
    height: size,
    class: "icon",
    "aria-hidden": "true",
    focusable: "false",
  };
  return svg("svg", outline, ...DRAWN[name].map((d) => svg("path", { d })));
}

/** The sign of the extension: a voice that meets an edge. */
export function brand(size = 22): SVGElement {
  const bars = [
    [6, 10, 14],
    [10, 6.5, 17.5],
    [14, 8.5, 15.5],
  ] as const;
  return svg(
    "svg",
    {
      viewBox: "0 0 24 24",
      width: size,
      height: size,
      class: "brand-sign",
      "aria-hidden": "true",
      focusable: "false",
    },
    svg("rect", { x: 1, y: 1, width: 22, height: 22, rx: 6.5, class: "brand-ground" }),
    ...bars.map(([x, from, to]) => svg("path", { d: `M${String(x)} ${String(from)}V${String(to)}` })),
    svg("path", { d: "M18 5v14", class: "brand-edge" }),
  );
}
