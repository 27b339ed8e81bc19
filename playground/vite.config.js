import { defineConfig } from "vite";

export default defineConfig({
  base: "/playground/",
  esbuild: { jsx: "automatic" },
  build: {
    target: "es2022",
    // Everything is a file of its own, as the server's content security policy wants it.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 8000,
    rollupOptions: {
      // Some packages mark modules for servers that render React; there is none here.
      onwarn: (warning, warn) => warning.code === "MODULE_LEVEL_DIRECTIVE" || warn(warning),
    },
  },
  worker: { format: "es" },
});
