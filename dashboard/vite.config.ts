import { defineConfig } from "vite";

// `npm run dev` asks a server that runs here: SERVER=http://127.0.0.1:8080.
const server = process.env.SERVER ?? "http://127.0.0.1:8080";

export default defineConfig({
  logLevel: "warn",
  // The policy of the server allows files of its own alone, so nothing is inlined.
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // What a link shows is a page of its own, in which nothing else can be reached.
    rolldownOptions: { input: ["index.html", "shared.html"] },
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  server: { proxy: Object.fromEntries(["/graphql", "/auth", "/api", "/playground"].map((path) => [path, { target: server, ws: true }])) },
});
