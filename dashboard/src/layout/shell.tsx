// What stands around every page of an app: its name, the way to the other pages, who is signed in.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ask } from "../data/ask";
import { forget } from "../data/use-question";
import { writeView } from "../data/view";
import { navigate, usePlace, withParams } from "../router";
import { SignOut } from "../schema.gen";
import { type App, useScope, useViewer } from "../viewer";
import { Icon, type IconName, Logo } from "./icons";
import { Popover } from "./popover";
import { ThemeButton } from "./theme";

const PAGES: [path: string, title: string, icon: IconName][] = [
  ["", "Overview", "overview"],
  ["dashboards", "Dashboards", "dashboards"],
  ["live", "Live", "live"],
  ["sessions", "Sessions", "sessions"],
  ["users", "Users", "users"],
  ["events", "Events", "events"],
  ["properties", "Properties", "properties"],
  ["funnels", "Funnels", "funnels"],
  ["retention", "Retention", "retention"],
  ["paths", "Paths", "paths"],
  ["goals", "Goals", "goals"],
  ["settings", "Settings", "settings"],
];

function AppSwitcher({ app }: { app: App | null }) {
  const { viewer } = useViewer();
  return (
    <Popover
      class="switcher"
      face={
        <>
          <strong>{app?.name ?? "Choose an app"}</strong>
          <Icon name="down" />
        </>
      }
    >
      {(close) => (
        <ul class="menu" aria-label="Apps">
          {viewer.apps.map(({ id, name }) => (
            <li key={id}>
              <a href={`/apps/${id}`} aria-current={id === app?.id} onClick={close}>
                {name}
              </a>
            </li>
          ))}
          <li class="apart">
            <a href="/new" onClick={close}>
              <Icon name="plus" /> New app
            </a>
          </li>
        </ul>
      )}
    </Popover>
  );
}

function AccountMenu() {
  const { viewer, again } = useViewer();
  const signOut = async () => {
    await ask(SignOut, {}).catch(() => undefined);
    forget();
    navigate("/");
    await again();
  };
  return (
    <Popover class="quiet icon" label="Your account" side="right" face={<Icon name="account" />}>
      {(close) => (
        <ul class="menu">
          <li class="who">
            <strong>{viewer.name}</strong>
            <span>{viewer.email}</span>
          </li>
          <li>
            <a href="/account" onClick={close}>
              Account
            </a>
          </li>
          <li>
            <a href="/organizations" onClick={close}>
              Organizations
            </a>
          </li>
          <li>
            <a href="/playground">GraphQL playground</a>
          </li>
          <li>
            <a href="/api-docs">REST documentation</a>
          </li>
          <li class="apart">
            <button type="button" onClick={signOut}>
              Sign out
            </button>
          </li>
        </ul>
      )}
    </Popover>
  );
}

/** The bar on top, the same everywhere. */
function TopBar({ app, children }: { app: App | null; children?: ComponentChildren }) {
  return (
    <header class="top">
      {children}
      <a href="/" class="brand" aria-label="Event Analytics">
        <Logo />
      </a>
      <AppSwitcher app={app} />
      <span class="fill" />
      <ThemeButton />
      <AccountMenu />
    </header>
  );
}

function Navigation({ page }: { page: string }) {
  const { app, view } = useScope();
  // The other pages look at the same events.
  const params = writeView(view);
  return (
    <nav class="side" aria-label="Pages">
      <ul>
        {PAGES.map(([path, title, icon]) => (
          <li key={path}>
            <a
              href={withParams(`/apps/${app.id}${path && `/${path}`}`, params)}
              aria-current={path === page.split("/")[0] ? "page" : undefined}
            >
              <Icon name={icon} />
              {title}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** Moves the focus to the new page, so that a screen reader reads on there. */
function useArrival(title: string) {
  const main = useRef<HTMLElement>(null);
  const { path } = usePlace();
  const first = useRef(true);
  useEffect(() => {
    document.title = `${title} · Event Analytics`;
  }, [title]);
  useEffect(() => {
    if (!first.current) main.current?.focus({ preventScroll: true });
    first.current = false;
  }, [path]);
  return main;
}

export function Shell({ page, title, children }: { page: string; title: string; children: ComponentChildren }) {
  const { app } = useScope();
  const { path } = usePlace();
  const main = useArrival(`${title} · ${app.name}`);
  const [open, setOpen] = useState(false);
  useEffect(() => setOpen(false), [path]);
  return (
    <div class={open ? "shell open" : "shell"}>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <TopBar app={app}>
        <button
          type="button"
          class="quiet icon narrow"
          aria-expanded={open}
          aria-label="Pages"
          onClick={() => setOpen(!open)}
        >
          <Icon name={open ? "close" : "menu"} />
        </button>
      </TopBar>
      <Navigation page={page} />
      <main id="main" ref={main} tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

/** A page without a range and filters. */
export function PlainPage({
  title,
  app = null,
  children,
}: {
  title: string;
  app?: App | null;
  children: ComponentChildren;
}) {
  const main = useArrival(title);
  return (
    <div class="plain">
      <TopBar app={app} />
      <main ref={main} tabIndex={-1}>
        <h1>{title}</h1>
        {children}
      </main>
    </div>
  );
}
