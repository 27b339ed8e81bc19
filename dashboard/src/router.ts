// The address is the state: its path is the page, its parameters are what the page looks at.
import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";

export type Place = { path: string; params: URLSearchParams };

const here = (): Place => ({ path: location.pathname, params: new URLSearchParams(location.search) });

const changed = new EventTarget();

/** Whether something on the page would be lost with it. */
let isUnsaved = false;

const mayLeave = () => !isUnsaved || confirm("Leave this page without saving what you changed?");

/** Asks before the page is left, for as long as something on it is not saved. */
export function useUnsaved(unsaved: boolean) {
  useEffect(() => {
    if (!unsaved) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    isUnsaved = true;
    addEventListener("beforeunload", ask);
    return () => {
      isUnsaved = false;
      removeEventListener("beforeunload", ask);
    };
  }, [unsaved]);
}

/** Only a path of this page, as whoever wrote the link may be anybody. */
export function ownPath(next: string | null): string {
  return next && /^\/(?![/\\])/.test(next) ? next : "/";
}

export function navigate(to: string, { replace = false } = {}) {
  const before = location.pathname;
  if (new URL(to, location.href).pathname !== before && !mayLeave()) return;
  history[replace ? "replaceState" : "pushState"](null, "", to);
  changed.dispatchEvent(new Event("change"));
  if (location.pathname !== before) scrollTo(0, 0);
}

/** Paths that the server answers itself. */
const OTHERS = /^\/(playground|api-docs|auth|api|graphql|sdk)\b/;

/** Follows links of this page without loading it anew. */
function follow(event: MouseEvent) {
  const link = (event.target as Element | null)?.closest?.("a[href]");
  const ordinary = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!(link instanceof HTMLAnchorElement) || !ordinary || event.defaultPrevented) return;
  if (link.origin !== location.origin || link.target || link.download || OTHERS.test(link.pathname)) return;
  event.preventDefault();
  // A place on this page; the address stays, as what stands behind its # may be a secret that the page needs.
  const isHere = link.pathname === location.pathname && link.search === location.search;
  if (isHere && link.hash) document.getElementById(link.hash.slice(1))?.focus();
  else navigate(link.pathname + link.search + link.hash);
}

/** Where we are; the component that calls it is drawn anew when that changes. */
export function useAddress(): Place {
  const [place, setPlace] = useState(here);
  useEffect(() => {
    let at = location.href;
    const update = () => {
      at = location.href;
      setPlace(here());
    };
    const back = () => {
      // The address has changed by now: whoever stays gets it back.
      if (location.pathname !== new URL(at).pathname && !mayLeave()) history.pushState(null, "", at);
      else update();
    };
    changed.addEventListener("change", update);
    addEventListener("popstate", back);
    document.addEventListener("click", follow);
    return () => {
      changed.removeEventListener("change", update);
      removeEventListener("popstate", back);
      document.removeEventListener("click", follow);
    };
  }, []);
  return place;
}

export const PlaceContext = createContext<Place>(here());

export const usePlace = () => useContext(PlaceContext);

/** One parameter of the address that only the page itself knows, and how to change it. */
export function useParam(
  name: string,
  options?: { replace: boolean },
): [string | null, (value: string | null) => void] {
  const { path, params } = usePlace();
  const set = (value: string | null) => {
    const next = new URLSearchParams(params);
    if (value === null) next.delete(name);
    else next.set(name, value);
    navigate(withParams(path, next), options);
  };
  return [params.get(name), set];
}

/** Colons and slashes may stand in a query as they are, and are then easier to read. */
export function withParams(path: string, params: URLSearchParams): string {
  const text = params.toString().replaceAll("%3A", ":").replaceAll("%2F", "/");
  return text ? `${path}?${text}` : path;
}
