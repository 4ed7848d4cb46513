/**
 * Builds the extension: `node build.mjs` makes dist/chromium and dist/firefox, a package of each, and
 * client/dist, the library for other extensions.
 *
 * A page is a folder src/NAME with NAME.html, NAME.ts and NAME.css, each named by the one before. What
 * lies in src/icons is copied. The same sources give the same packages, byte by byte.
 */
import { execFileSync } from "node:child_process";
import { cp, mkdir, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { zip } from "./zip.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const SOURCE = join(HERE, "src");
const PACKAGES = { chromium: "edged-chromium.zip", firefox: "edged-firefox.xpi" };

/** Scripts that no page names: the background, and what runs beside a page. */
const SCRIPTS = ["background.ts", "sound/worklet.ts"];

/** What only one of the browsers takes. */
const DIFFERENCES = {
  chromium: (identity) => ({
    key: identity.chromium_key,
    // The first that knows `light-dark()`, which the style sheets are made of.
    minimum_chrome_version: "123",
    extra_permissions: ["sidePanel", "tabCapture"],
    background: { service_worker: "background.js", type: "module" },
    side_panel: { default_path: "panel/panel.html" },
  }),
  firefox: (identity) => ({
    browser_specific_settings: {
      gecko: {
        id: identity.firefox_id,
        strict_min_version: "140.0",
        data_collection_permissions: { required: ["none"] },
      },
    },
    extra_permissions: [],
    background: { scripts: ["background.js"], type: "module" },
    sidebar_action: {
      default_panel: "panel/panel.html",
      default_title: "__MSG_open__",
      default_icon: { 16: "icons/16.png", 32: "icons/32.png" },
      open_at_install: false,
    },
  }),
};

async function exists(path) {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function readJson(path) {
  return JSON.parse(await readFile(path, "utf8"));
}

/** The manifest for one browser. */
async function manifestFor(browser) {
  const [shared, identity] = await Promise.all([
    readJson(join(HERE, "manifest.json")),
    readJson(join(HERE, "identity.json")),
  ]);
  const { extra_permissions: more, ...own } = DIFFERENCES[browser](identity);
  return {
    ...shared,
    ...own,
    version: identity.version,
    permissions: [...shared.permissions, ...more].sort(),
  };
}

/** The folders of src that are pages. */
async function pages() {
  const entries = await readdir(SOURCE, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const found = await Promise.all(folders.map((name) => exists(join(SOURCE, name, `${name}.html`))));
  return folders.filter((_, index) => found[index]).sort();
}

/** Scripts and style sheets to bundle. */
async function entryPoints() {
  const named = (await pages()).flatMap((page) => [`${page}/${page}.ts`, `${page}/${page}.css`]);
  const paths = [...SCRIPTS, ...named].map((path) => join(SOURCE, path));
  const found = await Promise.all(paths.map(exists));
  return paths.filter((_, index) => found[index]);
}

async function buildExtension(browser) {
  const out = join(HERE, "dist", browser);
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  await build({
    absWorkingDir: HERE,
    entryPoints: await entryPoints(),
    outbase: SOURCE,
    outdir: out,
    bundle: true,
    format: "esm",
    target: browser === "chromium" ? "chrome116" : "firefox140",
    define: { BROWSER: JSON.stringify(browser) },
    charset: "utf8",
    legalComments: "none",
    minifySyntax: true,
    logLevel: "warning",
  });
  for (const page of await pages()) {
    await cp(join(SOURCE, page, `${page}.html`), join(out, page, `${page}.html`));
  }
  await cp(join(SOURCE, "icons"), join(out, "icons"), { recursive: true });
  await writeMessages(out);
  await writeFile(join(out, "manifest.json"), `${JSON.stringify(await manifestFor(browser), null, 2)}\n`);
  await pack(out, join(HERE, "dist", PACKAGES[browser]));
}

/** The manifest's own words, in the form in which browsers want them; all words lie in one file. */
async function writeMessages(out) {
  const texts = Object.entries(await readJson(join(SOURCE, "text", "en.json")));
  const own = texts.filter(([name]) => name.startsWith("manifest."));
  const messages = own.map(([name, message]) => [name.slice("manifest.".length), { message }]);
  await mkdir(join(out, "_locales", "en"), { recursive: true });
  const text = JSON.stringify(Object.fromEntries(messages), null, 2);
  await writeFile(join(out, "_locales", "en", "messages.json"), `${text}\n`);
}

/** Every file below a folder, in order. */
async function filesBelow(folder) {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => join(entry.parentPath ?? entry.path, entry.name)).sort();
}

async function pack(folder, target) {
  const paths = await filesBelow(folder);
  const contents = await Promise.all(paths.map((path) => readFile(path)));
  const named = paths.map((path, index) => ({
    name: relative(folder, path).split("\\").join("/"),
    bytes: contents[index],
  }));
  const bytes = zip(named);
  await writeFile(target, bytes);
  console.log(`${relative(HERE, target)}: ${paths.length} files, ${bytes.length} bytes`);
}

/** The library as one module and its types, for extensions that are not built here. */
async function buildClient() {
  await rm(join(HERE, "client", "dist"), { recursive: true, force: true });
  await build({
    absWorkingDir: HERE,
    entryPoints: ["client/src/index.ts"],
    outfile: "client/dist/index.js",
    bundle: true,
    format: "esm",
    target: ["chrome116", "firefox140"],
    charset: "utf8",
    logLevel: "warning",
  });
  execFileSync(
    process.execPath,
    [join(HERE, "node_modules/typescript/bin/tsc"), "-p", "client/tsconfig.json"],
    {
      cwd: HERE,
      stdio: "inherit",
    },
  );
}

try {
  await buildClient();
  for (const browser of Object.keys(PACKAGES)) await buildExtension(browser);
} catch (error) {
  // esbuild and tsc have said by then what is wrong, and where.
  console.error(error.message);
  process.exitCode = 1;
}
