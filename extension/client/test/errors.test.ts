import { expect, test } from "vitest";
import { fromPort, fromReply } from "../src/errors";

// What Chromium 156 and Firefox 153 say; measured, and read in their sources.
test.each([
  ["Specified native messaging host not found.", "host_not_registered"],
  ["Invalid native messaging host name specified.", "host_not_registered"],
  ["Failed to start native messaging host.", "host_not_registered"],
  ["Access to the specified native messaging host is forbidden.", "origin_denied"],
  ["Message exceeded maximum allowed size of 64MiB.", "too_large"],
  ["No such native application org.edged.host", "host_not_registered"],
  ["This extension does not have permission to use native application org.edged.host", "origin_denied"],
  ["File at path /a/b does not exist, or is not executable", "host_not_registered"],
  ["An unexpected error occurred", "host_not_registered"],
  ["WebExtensions portal is not available", "sandboxed_browser"],
])("%s is %s", (said, code) => {
  const error = fromPort(said, false);

  expect(error.code).toBe(code);
  expect(error.fix).not.toBe("");
});

test.each([
  "Native host has exited.",
  "Error when communicating with the native messaging host.",
  "An unexpected error occurred",
  "Attempting to use a disconnected port object",
  undefined,
])("%s may get better by itself", (said) => {
  expect(fromPort(said, true)).toMatchObject({ code: "daemon_down", retryable: true });
});

test("a host that ended before it said anything has the doctor as its fix", () => {
  expect(fromPort("Native host has exited.", false).fix).toContain("edged browser doctor");
  expect(fromPort("Native host has exited.", true).fix).not.toContain("doctor");
});

test("Firefox's one text for two faults names both fixes", () => {
  const { fix } = fromPort("No such native application org.edged.host", false);

  expect(fix).toContain("edged browser install");
  expect(fix).toContain("--extension-id");
});

test("an error reply that lacks everything is internal", () => {
  expect(fromReply({})).toMatchObject({ code: "internal", message: "", retryable: false });
});
