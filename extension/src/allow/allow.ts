/** A page in a tab where the browser asks for the microphone, since it does not ask in a side panel. */

import { text } from "../text/text";
import { el, fill } from "../ui/dom";
import { brand } from "../ui/icons";
import { button, notice } from "../ui/parts";
import { readSettings, wear } from "../ui/settings";

const answer = el("div");

async function ask(): Promise<void> {
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    for (const track of stream.getTracks()) track.stop();
    fill(answer, notice("good", text("allow.given")));
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    fill(answer, notice("bad", text("allow.refused"), el("p", { class: "reason" }, error.name)));
  }
}

async function start(): Promise<void> {
  wear((await readSettings()).look);
  document.title = `${text("allow.title")} · ${text("name")}`;
  const page = el(
    "main",
    { class: "allow" },
    el("p", { class: "brand" }, brand(26), text("name")),
    el("h1", {}, text("allow.title")),
    el("p", { class: "soft" }, text("allow.text")),
    button(text("allow.ask"), () => void ask(), { kind: "primary", icon: "mic", wide: true }),
    answer,
  );
  fill(document.body, page);
  await ask();
}

void start();
