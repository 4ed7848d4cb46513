// The examples of the library's README are TypeScript that compiles against it.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const README = readFileSync(join(ROOT, "client", "README.md"), "utf8");
const EXAMPLES = [...README.matchAll(/```ts\n(.*?)```/gs)].map((found) => found[1] ?? "");

const WRONG =
  'import { Edged } from "@edged/client";\nawait new Edged({ name: "x" }).request({ type: "helth" });';

/** What the compiler says about texts that lie beside the library's sources, by text. */
function complaints(texts: readonly string[]): string[][] {
  const { config } = ts.readConfigFile(join(ROOT, "tsconfig.json"), (path) => ts.sys.readFile(path)) as {
    config: unknown;
  };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  const names = texts.map((_, at) => join(ROOT, "client", "src", `example-${at}.ts`));
  const files = new Map(texts.map((text, at) => [names[at] ?? "", text]));
  const host = ts.createCompilerHost(options);
  const read = host.readFile.bind(host);
  const exists = host.fileExists.bind(host);
  host.readFile = (path) => files.get(path) ?? read(path);
  host.fileExists = (path) => files.has(path) || exists(path);
  const program = ts.createProgram(names, { ...options, types: ["chrome"], noEmit: true }, host);
  return names.map((name) => {
    const found = program.getSemanticDiagnostics(program.getSourceFile(name));
    return found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
  });
}

test("every example of the README compiles, and one with a mistake would not", { timeout: 60_000 }, () => {
  const found = complaints([...EXAMPLES, WRONG]);

  expect(EXAMPLES.length).toBeGreaterThan(4);
  expect(found.slice(0, -1).flat()).toEqual([]);
  expect(found.at(-1)?.join()).toContain("helth");
});
