// What the pages of settings have around them: a way from one to the next.
import type { ComponentChildren } from "preact";
import { Shell } from "../layout/shell";
import { useScope } from "../viewer";

const PAGES: [path: string, title: string][] = [
  ["settings", "App and keys"],
  ["settings/people", "People"],
  ["settings/data", "Data"],
];

export function SettingsShell({ page, children }: { page: string; children: ComponentChildren }) {
  const { app } = useScope();
  return (
    <Shell page={page} title="Settings">
      <div class="controls">
        <h1>Settings</h1>
        <nav class="tabs" aria-label="Settings">
          {PAGES.map(([path, title]) => (
            <a key={path} href={`/apps/${app.id}/${path}`} aria-current={path === page ? "page" : undefined}>
              {title}
            </a>
          ))}
        </nav>
      </div>
      {children}
    </Shell>
  );
}
