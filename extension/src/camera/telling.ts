/** What a frame shows, in words: for those who do not see the drawing, and for all who read faster. */
import type { Hand, Seen } from "@edged/client";
import { text } from "../text/text";

/** Things that are named at once. */
const MOST_NAMED = 6;

/** One line; the same as long as the same is seen. */
export function told(seen: Seen): string {
  const found = [
    seen.faces.length > 0 ? text("looking.faces", { count: seen.faces.length }) : "",
    seen.poses.length > 0 ? text("looking.bodies", { count: seen.poses.length }) : "",
    ...seen.hands.map(handOf),
    ...namesOf(seen),
  ].filter((words) => words !== "");
  return found.length === 0 ? text("looking.nothing") : found.join(" · ");
}

function handOf(hand: Hand): string {
  return text("looking.hand", { side: hand.handedness, gesture: hand.gesture.replace("_", " ") }).trim();
}

/** Each thing once, with how many there are of it. */
function namesOf(seen: Seen): string[] {
  const counts = new Map<string, number>();
  for (const { label } of [...seen.objects, ...seen.classes]) counts.set(label, (counts.get(label) ?? 0) + 1);
  const names = [...counts].slice(0, MOST_NAMED);
  return names.map(([name, number]) => (number > 1 ? `${name} × ${number}` : name));
}
