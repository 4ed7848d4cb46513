import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { alias: { "@edged/client": fileURLToPath(new URL("client/src/index.ts", import.meta.url)) } },
  define: { BROWSER: JSON.stringify("chromium") },
  test: {
    include: ["client/test/**/*.test.ts", "test/**/*.test.ts"],
    setupFiles: ["test/setup.ts"],
    testTimeout: 10_000,
    restoreMocks: true,
  },
});
