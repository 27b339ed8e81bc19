/* global WORKERS -- the built files by kind, put here by build.js */

globalThis.MonacoEnvironment = {
  getWorker: (_id, label) => new Worker(WORKERS[label] ?? WORKERS.editor, { type: "module" }),
};
