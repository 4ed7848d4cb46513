/** The browser's own interface, as far as the panel and the background use it. */
import { vi } from "vitest";
import type { Port } from "../../client/src";

type Listener = (...given: never[]) => void;

/** Something that listeners are added to, and that tests let happen. */
export class FakeEvent {
  readonly listeners = new Set<Listener>();
  readonly addListener = (listener: Listener): unknown => this.listeners.add(listener);
  readonly removeListener = (listener: Listener): unknown => this.listeners.delete(listener);

  emit(...given: unknown[]): void {
    for (const listener of this.listeners) (listener as (...all: unknown[]) => void)(...given);
  }
}

/** A port between pages of the extension. */
export class FakePagePort {
  readonly onDisconnect = new FakeEvent();
  disconnected = false;

  constructor(readonly name: string) {}

  disconnect(): void {
    this.disconnected = true;
  }
}

/** One browser; `install` makes it the one that the code under test finds. */
export class FakeBrowser {
  readonly stored: Record<string, unknown>;
  readonly onChanged = new FakeEvent();
  readonly onConnect = new FakeEvent();
  readonly onClicked = new FakeEvent();
  readonly ports: FakePagePort[] = [];
  readonly opened: string[] = [];
  badge = "";
  title = "";

  constructor(stored: Record<string, unknown> = {}) {
    this.stored = { ...stored };
  }

  install(connectNative: () => Port): this {
    vi.stubGlobal("chrome", {
      runtime: {
        id: "abcdefghijklmnopabcdefghijklmnop",
        getURL: (path: string) => `chrome-extension://abcdefghijklmnopabcdefghijklmnop/${path}`,
        connectNative,
        connect: ({ name }: { name: string }) => this.#connect(name),
        onConnect: this.onConnect,
      },
      storage: { onChanged: this.onChanged, local: this.#local() },
      tabs: { create: ({ url }: { url: string }) => this.opened.push(url) },
      tabCapture: {},
      sidePanel: { setPanelBehavior: () => Promise.resolve() },
      action: {
        onClicked: this.onClicked,
        setBadgeText: ({ text }: { text: string }) => (this.badge = text),
        setBadgeBackgroundColor: () => undefined,
        setTitle: ({ title }: { title: string }) => (this.title = title),
      },
    });
    return this;
  }

  #connect(name: string): FakePagePort {
    const port = new FakePagePort(name);
    this.ports.push(port);
    return port;
  }

  #local(): object {
    return {
      get: (key: string) => Promise.resolve(key in this.stored ? { [key]: this.stored[key] } : {}),
      set: (values: Record<string, unknown>) => {
        for (const [key, newValue] of Object.entries(values)) {
          this.stored[key] = newValue;
          this.onChanged.emit({ [key]: { newValue } }, "local");
        }
        return Promise.resolve();
      },
      remove: (key: string) => {
        Reflect.deleteProperty(this.stored, key);
        return Promise.resolve();
      },
    };
  }
}
