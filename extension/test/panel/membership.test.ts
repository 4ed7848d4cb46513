import { afterEach, describe, expect, it, vi } from "vitest";
import { Edged, EdgedError, fingerprint } from "../../client/src";
import type { FakeHost } from "../../client/test/host";
import { Membership, type Phase } from "../../src/panel/membership";
import { FakeBrowser } from "./browser";
import { CLIENT, client, sampleHost, type Script } from "./sample";

const NONCE = "00112233445566778899aabbccddeeff";
const IDENTITY = "chrome-extension://abcdefghijklmnopabcdefghijklmnop/";
let edged: Edged | undefined;

function membership(script: Script): { host: FakeHost; member: Membership; phases: Phase[] } {
  const host = sampleHost(script);
  new FakeBrowser().install(host.connect);
  edged = new Edged({ name: "panel" });
  const phases: Phase[] = [];
  const application = { name: "panel", scopes: ["speech"], nonce: NONCE } as const;
  const member = new Membership(
    edged,
    () => application,
    (phase) => phases.push(phase),
  );
  return { host, member, phases };
}

/** A daemon that has the request, and decides when the test says so. */
function pairing(): { script: Script; decide: (status: "approved" | "denied") => void } {
  let decide: (status: "approved" | "denied") => void = () => undefined;
  const pair: Script["pair"] = (port, asked) => {
    void fingerprint(IDENTITY, NONCE).then((words) => {
      const pending = { ...CLIENT, status: "pending", fingerprint: words } as const;
      port.reply(asked, { type: "pairing", client: pending }, { more: true });
    });
    decide = (status) => port.reply(asked, { type: "paired", client: { ...CLIENT, status }, token: "" });
  };
  return {
    script: { pair, "clients.self": (port, asked) => port.fail(asked, "not_paired") },
    decide: (how) => decide(how),
  };
}

afterEach(() => {
  edged?.close();
  vi.unstubAllGlobals();
});

describe("membership", () => {
  it("knows an approved client", async () => {
    const { member } = membership({});

    await member.look();

    expect(member.phase).toMatchObject({ at: "paired", client: { client_id: CLIENT.client_id } });
  });

  it("calls a stranger one", async () => {
    const { member } = membership({ "clients.self": (port, asked) => port.fail(asked, "not_paired") });

    await member.look();

    expect(member.phase.at).toBe("stranger");
  });

  it("shows the words while it waits, and is in when it was approved", async () => {
    const { script, decide } = pairing();
    const { member } = membership(script);

    const asked = member.ask();
    await vi.waitFor(() => expect(member.phase.at).toBe("asking"));
    const shown = member.phase;
    decide("approved");
    await asked;

    expect(shown).toMatchObject({ at: "asking", words: await fingerprint(IDENTITY, NONCE) });
    expect(member.phase.at).toBe("paired");
  });

  it("goes on waiting when the panel is opened again", async () => {
    const { script } = pairing();
    const { member } = membership({
      ...script,
      "clients.self": (port, asked) => port.reply(asked, client("pending")),
    });

    await member.look();

    await vi.waitFor(() => expect(member.phase.at).toBe("asking"));
  });

  it("says when it was denied", async () => {
    const { script, decide } = pairing();
    const { member } = membership(script);

    const asked = member.ask();
    await vi.waitFor(() => expect(member.phase.at).toBe("asking"));
    decide("denied");
    await asked;

    expect(member.phase).toMatchObject({ at: "ended", client: { status: "denied" } });
  });

  it("does not show words that the daemon does not show", async () => {
    const pair: Script["pair"] = (port, asked) =>
      port.reply(
        asked,
        { type: "pairing", client: { ...CLIENT, fingerprint: "other words" } },
        { more: true },
      );
    const { member } = membership({ pair });

    await member.ask();

    expect(member.phase).toMatchObject({ at: "trouble", trouble: { code: "denied" } });
  });

  it("is out at once when its grants are taken back", async () => {
    const { host, member } = membership({});
    await member.look();
    await vi.waitFor(() => expect(host.port.asked.some(({ body }) => body.type === "subscribe")).toBe(true));
    const subscribed = host.port.asked.find(({ body }) => body.type === "subscribe");
    if (subscribed === undefined) throw new Error("nobody follows the client");
    const revoked = client("revoked");

    host.port.reply(
      subscribed,
      { type: "event", event_seq: 42, at: "", body: { event: "client.changed", client: revoked.client } },
      { more: true },
    );

    const asked = (): string[] =>
      host.port.asked.map(({ body }) => body.type).filter((type) => type === "clients.self");
    await vi.waitFor(() => expect(asked()).toHaveLength(2));
  });

  it("asks who it is when a request is refused, and only then", async () => {
    const { host, member } = membership({});
    await member.look();
    await vi.waitFor(() => expect(host.asked.body.type).toBe("subscribe"));
    const before = host.port.asked.length;

    member.doubt(new EdgedError("busy", ""));
    member.doubt(new Error("of another kind"));
    const between = host.port.asked.length;
    member.doubt(new EdgedError("not_paired", ""));

    expect(between).toBe(before);
    await vi.waitFor(() =>
      expect(host.port.asked.slice(before).map(({ body }) => body.type)).toContain("clients.self"),
    );
  });

  it("leaves what is shown alone while the same trouble goes on", () => {
    const { member, phases } = membership({});

    member.lose(new EdgedError("host_not_registered", "one"));
    member.lose(new EdgedError("host_not_registered", "two"));
    member.lose(new EdgedError("daemon_down", "three"));

    expect(phases.map((phase) => phase.at === "trouble" && phase.trouble.code)).toEqual([
      "host_not_registered",
      "daemon_down",
    ]);
  });

  it("stops waiting when it is told to", async () => {
    const { script } = pairing();
    const { host, member } = membership(script);
    void member.ask();
    await vi.waitFor(() => expect(member.phase.at).toBe("asking"));

    member.stop();

    expect(member.phase.at).toBe("stranger");
    await vi.waitFor(() => expect(host.asked.body.type).toBe("cancel"));
  });

  it("has what it had when it asked for more and stops waiting", async () => {
    const pair: Script["pair"] = (port, asked) => {
      void fingerprint(IDENTITY, NONCE).then((words) => {
        const approved = { ...CLIENT, fingerprint: words };
        port.reply(asked, { type: "pairing", client: approved }, { more: true });
      });
    };
    const { member } = membership({ pair });
    await member.look();
    void member.ask();
    await vi.waitFor(() => expect(member.phase.at).toBe("asking"));

    member.stop();

    await vi.waitFor(() => expect(member.phase).toMatchObject({ at: "paired", client: CLIENT }));
  });
});
