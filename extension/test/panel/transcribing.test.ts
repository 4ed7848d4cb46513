import { afterEach, describe, expect, it, vi } from "vitest";
import { Edged, type JobsSubmit } from "../../client/src";
import type { FakeHost } from "../../client/test/host";
import { Transcribing, type UploadIds, type Work } from "../../src/panel/transcribing";
import { FakeBrowser } from "./browser";
import { job, sampleHost, type Script } from "./sample";

const WISH = { language: "de", diarize: true, keepAudio: false };
let edged: Edged | undefined;

class Ids implements UploadIds {
  readonly known = new Map<string, string>();
  readonly get = (file: string): Promise<string | undefined> => Promise.resolve(this.known.get(file));
  readonly set = (file: string, id: string | null): Promise<void> => {
    if (id === null) this.known.delete(file);
    else this.known.set(file, id);
    return Promise.resolve();
  };
}

function opened(id: string): {
  type: "upload_opened";
  upload_id: string;
  received: number;
  size_bytes: number;
  part_bytes: number;
  window: number;
  expires_at: string;
} {
  return {
    type: "upload_opened",
    upload_id: id,
    received: 0,
    size_bytes: 4,
    part_bytes: 4,
    window: 2,
    expires_at: "",
  };
}

const UPLOADS: Script = {
  "upload.open": (port, asked) => port.reply(asked, opened("u1")),
  "upload.part": (port, asked) => port.reply(asked, { type: "upload_taken", upload_id: "u1", received: 4 }),
  "upload.close": (port, asked) =>
    port.reply(asked, { type: "uploaded", upload_id: "u1", size_bytes: 4, sha256: "" }),
  "jobs.submit": (port, asked) =>
    port.reply(asked, { type: "job", job: job({ state: "queued", name: "a.wav" }) }),
};

interface Seen {
  readonly host: FakeHost;
  readonly files: Transcribing;
  readonly works: Work[];
  readonly gone: string[];
  readonly last: () => Work | undefined;
  readonly ids: Ids;
}

function transcribing(script: Script = UPLOADS): Seen {
  const host = sampleHost(script);
  new FakeBrowser().install(host.connect);
  edged = new Edged({ name: "panel" });
  const works: Work[] = [];
  const gone: string[] = [];
  const ids = new Ids();
  const viewer = { onWork: (work: Work) => works.push(work), onGone: (key: string) => gone.push(key) };
  const files = new Transcribing(edged, ids, viewer);
  return { host, files, works, gone, last: () => works.at(-1), ids };
}

function file(name = "a.wav"): File {
  return new File([new Uint8Array([1, 2, 3, 4])], name, { lastModified: 7 });
}

function submitted(host: FakeHost): JobsSubmit | undefined {
  return host.port.asked.map(({ body }) => body).find((body) => body.type === "jobs.submit");
}

/** Let the daemon say something to whoever follows. */
function tell(host: FakeHost, body: object): void {
  const subscribed = host.port.asked.find((asked) => asked.body.type === "subscribe");
  if (subscribed === undefined) throw new Error("nobody follows");
  host.port.reply(subscribed, { type: "event", event_seq: null, at: "", body } as never, { more: true });
}

afterEach(() => {
  edged?.close();
  vi.unstubAllGlobals();
});

describe("transcribing", () => {
  it("sends a file, then queues it as it was wished", async () => {
    const { host, files, works, last } = transcribing();

    files.add(file(), WISH);
    await vi.waitFor(() => expect(last()?.step).toBe("queued"));

    expect(submitted(host)).toMatchObject({
      upload_id: "u1",
      name: "a.wav",
      language: "de",
      diarize: true,
      keep_audio: false,
    });
    expect([...new Set(works.map((work) => work.step))]).toEqual(["waiting", "sending", "queued"]);
    expect(new Set(works.map((work) => work.key)).size).toBe(1);
  });

  it("sends one file after the other", async () => {
    const { files, works } = transcribing();

    files.add(file("one.wav"), WISH);
    files.add(file("two.wav"), WISH);

    await vi.waitFor(() =>
      expect(works.filter((work) => work.step === "sending").map((work) => work.name)).toContain("two.wav"),
    );
    const first = works.findIndex((work) => work.step === "queued");
    const second = works.findIndex((work) => work.step === "sending" && work.name === "two.wav");
    expect(first).toBeLessThan(second);
  });

  it("follows the job to its end", async () => {
    const { host, files, last } = transcribing();
    const stop = new AbortController();
    files.add(file(), WISH);
    await vi.waitFor(() => expect(last()?.step).toBe("queued"));
    void files.follow(stop.signal);
    await vi.waitFor(() => expect(host.asked.body.type).toBe("subscribe"));

    tell(host, { event: "job.progress", job_id: "2c3d4e5f60718a9b", stage: "transcribe", progress: 0.5 });
    await vi.waitFor(() => expect(last()).toMatchObject({ step: "running", fraction: 0.5 }));
    tell(host, { event: "job.changed", job: job({ state: "done", updated_at: "2026-11-21T14:06:00.000Z" }) });

    await vi.waitFor(() => expect(last()).toMatchObject({ step: "done", recordingId: "0a1b2c3d4e5f6071" }));
    stop.abort();
  });

  it("shows how a job ended whose end was told before the reply that queued it", async () => {
    const problem = { code: "bad_media", message: "no audio track", fix: "give a file with an audio track" };
    const { host, files, last, works } = transcribing({
      ...UPLOADS,
      "jobs.submit": (port, asked) => {
        const at = "2026-11-21T14:09:00.000Z";
        const progress = { job_id: "2c3d4e5f60718a9b", stage: "join", progress: 0 };
        tell(host, { event: "job.changed", job: job({ updated_at: "2026-11-21T14:08:59.000Z" }) });
        tell(host, { event: "job.progress", ...progress });
        tell(host, { event: "job.changed", job: job({ state: "failed", error: problem, updated_at: at }) });
        queueMicrotask(() =>
          port.reply(asked, {
            type: "job",
            job: job({ state: "queued", updated_at: "2026-11-21T14:08:58.000Z" }),
          }),
        );
      },
    });
    const stop = new AbortController();
    void files.follow(stop.signal);
    await vi.waitFor(() => expect(host.asked.body.type).toBe("subscribe"));

    files.add(file("cat.jpg"), WISH);

    await vi.waitFor(() => expect(submitted(host)).toBeDefined());
    await vi.waitFor(() => expect(last()?.key.startsWith("file-") && last()?.step).toBe("failed"));
    expect(last()).toMatchObject({ trouble: { code: "bad_media" }, jobId: "2c3d4e5f60718a9b" });
    expect(works.length).toBeGreaterThan(3);
    stop.abort();
  });

  it("does not let older news undo newer ones", async () => {
    const { host, files, last } = transcribing();
    const stop = new AbortController();
    void files.follow(stop.signal);
    await vi.waitFor(() => expect(host.asked.body.type).toBe("subscribe"));

    tell(host, { event: "job.changed", job: job({ state: "done", updated_at: "2026-11-21T14:06:00.000Z" }) });
    tell(host, { event: "job.changed", job: job({ state: "running" }) });
    tell(host, { event: "job.progress", job_id: "2c3d4e5f60718a9b", stage: "transcribe", progress: 0.1 });
    tell(host, { event: "job.changed", job: job({ job_id: "another" }) });

    await vi.waitFor(() => expect(last()?.jobId).toBe("another"));
    expect(host.port.asked).toHaveLength(1);
    stop.abort();
  });

  it("shows a file once, even when its job was known before", async () => {
    const { files, gone, last } = transcribing();
    await files.list();

    files.add(file(), WISH);
    await vi.waitFor(() => expect(last()).toMatchObject({ jobId: "2c3d4e5f60718a9b", name: "a.wav" }));

    expect(gone).toEqual(["2c3d4e5f60718a9b"]);
  });

  it("lists what is under way and what ended lately, newest last", async () => {
    const lately = new Date(Date.now() - 60_000).toISOString();
    const jobs = [
      job({ job_id: "running" }),
      job({ job_id: "failed", state: "failed", updated_at: "2020-01-01T00:00:00.000Z" }),
      job({ job_id: "lately", state: "done", updated_at: lately }),
      job({ job_id: "old", state: "done", updated_at: "2020-01-01T00:00:00.000Z" }),
      job({ job_id: "other", kind: "session" }),
    ];
    const list: Script["jobs.list"] = (port, asked) => port.reply(asked, { type: "jobs", jobs, counts: {} });
    const { files, works } = transcribing({ "jobs.list": list });

    await files.list();

    expect(works.map((work) => work.jobId)).toEqual(["lately", "failed", "running"]);
  });

  it("shows one that was taken off the list no more", async () => {
    const { files, works } = transcribing();
    await files.list();
    const [first] = works;
    if (first === undefined) throw new Error("nothing was listed");

    files.forget(first.key);
    const before = works.length;
    await files.list();

    expect(works.slice(before).map((work) => work.jobId)).not.toContain(first.jobId);
  });

  it("goes on with an upload that was begun before", async () => {
    const { host, files, last, ids } = transcribing();
    ids.known.set("a.wav:4:7", "u0");

    files.add(file(), WISH);
    await vi.waitFor(() => expect(last()?.step).toBe("queued"));

    const asked = host.port.asked.map(({ body }) => body).find((body) => body.type === "upload.open");
    expect(asked).toMatchObject({ upload_id: "u0" });
    expect(ids.known.size).toBe(0);
  });

  it("begins anew when the upload is not there any more", async () => {
    const open: Script["upload.open"] = (port, asked) => {
      if (asked.body.type === "upload.open" && asked.body.upload_id === "u0") port.fail(asked, "not_found");
      else port.reply(asked, opened("u1"));
    };
    const { files, last, ids } = transcribing({ ...UPLOADS, "upload.open": open });
    ids.known.set("a.wav:4:7", "u0");

    files.add(file(), WISH);

    await vi.waitFor(() => expect(last()?.step).toBe("queued"));
  });

  it("says why a file failed, and tries it again", async () => {
    let full = true;
    const submit: Script["jobs.submit"] = (port, asked) => {
      if (full) port.fail(asked, "disk_full");
      else port.reply(asked, { type: "job", job: job({ state: "queued" }) });
      full = false;
    };
    const { files, last } = transcribing({ ...UPLOADS, "jobs.submit": submit });
    files.add(file(), WISH);
    await vi.waitFor(() => expect(last()).toMatchObject({ step: "failed", trouble: { code: "disk_full" } }));

    await files.retry(last()?.key ?? "");

    await vi.waitFor(() => expect(last()).toMatchObject({ step: "queued", trouble: null }));
  });

  it("stops a file that is being sent", async () => {
    const { files, last } = transcribing({ ...UPLOADS, "upload.part": () => undefined });
    files.add(file(), WISH);
    await vi.waitFor(() => expect(last()?.step).toBe("sending"));

    await files.cancel(last()?.key ?? "");

    expect(last()?.step).toBe("cancelled");
  });
});
