// Who is signed in, which apps they see, and the app that a page is about.
import { createContext } from "preact";
import { useCallback, useContext, useEffect, useState } from "preact/hooks";
import { Failure, ask } from "./data/ask";
import type { Goals } from "./data/filter";
import { forget, session } from "./data/use-question";
import type { View } from "./data/view";
import { Viewer as ViewerQuestion, type Role, type ViewerQuery } from "./schema.gen";

export type App = { id: string; name: string; timezone: string; myRole: Role };

export type Viewer = { id: string; email: string; name: string; apps: App[] };

export const ViewerContext = createContext<{ viewer: Viewer; again: () => Promise<void> } | null>(null);

/** With all apps, which come in pages. */
async function whole(viewer: ViewerQuery["viewer"], before: App[] = []): Promise<Viewer | null> {
  if (!viewer) return null;
  const { nodes, pageInfo } = viewer.apps;
  const apps = [...before, ...nodes];
  if (!pageInfo.hasNextPage) return { ...viewer, apps };
  return whole((await ask(ViewerQuestion, { after: pageInfo.endCursor })).viewer, apps);
}

/** The account of the cookie: undefined while that is being asked, null for a stranger. */
export function useSignedIn() {
  const [state, setState] = useState<{ signedIn?: Viewer | null; error?: Failure }>({});
  const again = useCallback(async () => {
    try {
      const { viewer } = await ask(ViewerQuestion, {});
      if (!viewer) forget();
      setState({ signedIn: await whole(viewer) });
    } catch (error) {
      const failure = error instanceof Failure ? error : new Failure(String(error), "INTERNAL");
      setState(failure.code === "UNAUTHENTICATED" ? { signedIn: null } : { error: failure });
    }
  }, []);
  useEffect(() => {
    void again();
    const ended = () => {
      forget();
      setState({ signedIn: null });
    };
    session.addEventListener("end", ended);
    return () => session.removeEventListener("end", ended);
  }, [again]);
  return { ...state, again };
}

export function useViewer() {
  const context = useContext(ViewerContext);
  if (!context) throw new Error("Nobody is signed in here.");
  return context;
}

/** The app a page is about, how it is looked at, and how to look at it otherwise. */
export type Scope = {
  app: App;
  view: View;
  setView: (view: View) => void;
  goals: Goals;
  /** The saved segments by their ids. */
  segments: Map<string, { name: string; description: string | null; filter: unknown }>;
  /** Reads goals and segments anew, after they changed. */
  renew: () => void;
  /** Whether what is looked at is a filter being edited, and not the page. */
  drafting?: boolean;
};

export const ScopeContext = createContext<Scope | null>(null);

export function useScope(): Scope {
  const scope = useContext(ScopeContext);
  if (!scope) throw new Error("No app is open here.");
  return scope;
}

type InRole = { myRole: Role };

/** May change an app, its keys, its people and their data. */
export const mayChange = ({ myRole }: InRole) => myRole === "OWNER" || myRole === "ADMIN";
/** May keep goals and segments. */
export const mayEdit = ({ myRole }: InRole) => myRole !== "VIEWER";
