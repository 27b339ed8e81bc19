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
  return (
    <Popover
      class="switcher"
      face={
        <>
          <span class="names">
            <strong>{app?.name ?? "Choose an app"}</strong>
            {app && <small title="Days and times are those of this zone">{app.timezone}</small>}
          </span>
          <Icon name="down" />
        </>
      }
    >
      {(close) => <Apps app={app} close={close} />}
    </Popover>
  );
}

/** So many apps are looked through, more of them searched. */
const FEW_APPS = 10;

function Apps({ app, close }: { app: App | null; close: () => void }) {
  const { apps } = useViewer().viewer;
  const [sought, setSought] = useState("");
  const found = apps.filter(({ name }) => name.toLowerCase().includes(sought.trim().toLowerCase()));
  return (
    <>
      {apps.length > FEW_APPS && (
        <input
          type="search"
          placeholder="Find"
          aria-label="Find an app"
          value={sought}
          onInput={(event) => setSought(event.currentTarget.value)}
        />
      )}
      <ul class="menu" aria-label="Apps">
        {found.map(({ id, name }) => (
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
    </>
  );
}

function AccountMenu() {
  const { viewer, again } = useViewer();
  const signOut = async () => {
    await ask(SignOut, {}).catch(() => undefined);
    forget();
    await again();
    // Whoever signs in next need not go where this one was.
    navigate("/");
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

const SkipLink = () => (
  <a class="skip" href="#main">
    Skip to the content
  </a>
);

/** The page that was arrived at last. The first one has been read out by itself. */
let arrivedAt = location.pathname;

/** Moves the focus to a new page, so that a screen reader reads on there and the next key goes there. */
function useArrival(title: string) {
  const main = useRef<HTMLElement>(null);
  const { path } = usePlace();
  useEffect(() => {
    document.title = `${title} · Event Analytics`;
  }, [title]);
  useEffect(() => {
    if (path !== arrivedAt) main.current?.focus({ preventScroll: true });
    arrivedAt = path;
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
      <SkipLink />
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
      <SkipLink />
      <TopBar app={app} />
      <main id="main" ref={main} tabIndex={-1}>
        <h1>{title}</h1>
        {children}
      </main>
    </div>
  );
}
