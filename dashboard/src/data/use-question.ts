// A question of a component: asked when it changes, kept while the next answer is on its way.
import { createContext } from "preact";
import { useCallback, useContext, useEffect, useRef, useState } from "preact/hooks";
import type { Operation } from "../schema.gen";
import { Failure, ask } from "./ask";

export type Asked<A> = {
  /** The newest answer there is; of the question before while `loading`. */
  data: A | undefined;
  /** Whether that is of this very question. */
  isCurrent: boolean;
  /** When it came. */
  at?: number | undefined;
  error: Failure | undefined;
  loading: boolean;
  retry: () => void;
};

/** Says so when the server knows nobody by the cookie any more. */
export const session = new EventTarget();

/** What opens the dashboard that is looked at by a link; who is signed in asks by the cookie. */
export const LinkContext = createContext<string | undefined>(undefined);

/** Answers that were seen a moment ago, for whoever goes back. */
const seen = new Map<string, unknown>();
const REMEMBERED = 40;
/** A page that was hidden longer than this asks anew when it is looked at again. */
const FRESH_MS = 60_000;

function remember(key: string, answer: unknown) {
  seen.delete(key);
  seen.set(key, answer);
  for (const oldest of seen.keys()) {
    if (seen.size <= REMEMBERED) break;
    seen.delete(oldest);
  }
}

/** Forgets all answers, as somebody else may be signed in. */
export function forget() {
  seen.clear();
}

/**
 * Asks `operation`, unless `variables` is null, and again when they change or `retry` is called; while somebody looks
 * also every so many milliseconds, if that is said.
 */
export function useQuestion<A, V>(
  operation: Operation<A, V>,
  variables: V | null,
  every?: number,
  /** How it is asked. */
  by: typeof ask = ask,
): Asked<A> {
  const link = useContext(LinkContext);
  const key = variables === null ? null : operation.text + JSON.stringify(variables);
  const [state, setState] = useState<{ key: string | null; data?: A; error?: Failure; at?: number }>({ key: null });
  const [round, setRound] = useState(0);
  const askedAt = useRef(0);
  const retry = useCallback(() => setRound((round) => round + 1), []);

  useEffect(() => {
    if (key === null || variables === null) return;
    const stop = new AbortController();
    askedAt.current = Date.now();
    let again: ReturnType<typeof setTimeout> | undefined;
    const known = seen.get(key) as A | undefined;
    if (known) setState({ key, data: known });
    // What failed is being tried again: that shows.
    else setState((before) => (before.error ? { key: null } : before));
    by(operation, variables, stop.signal, link).then(
      (data) => {
        if (stop.signal.aborted) return;
        remember(key, data);
        setState({ key, data, at: Date.now() });
      },
      (error: unknown) => {
        if (stop.signal.aborted) return;
        const failure = error instanceof Failure ? error : new Failure(String(error), "INTERNAL");
        if (failure.code === "RATE_LIMITED" && failure.retryAfter > 0) {
          again = setTimeout(retry, failure.retryAfter * 1000);
        }
        if (failure.code === "UNAUTHENTICATED") session.dispatchEvent(new Event("end"));
        setState((before) => ({ key, error: failure, ...(before.key === key && { data: before.data as A }) }));
      },
    );
    return () => {
      stop.abort();
      clearTimeout(again);
    };
  }, [key, round, link]);

  useEffect(() => {
    const look = () => {
      if (!document.hidden && Date.now() - askedAt.current > FRESH_MS) retry();
    };
    document.addEventListener("visibilitychange", look);
    const timer = every === undefined ? undefined : setInterval(() => !document.hidden && retry(), every);
    return () => {
      document.removeEventListener("visibilitychange", look);
      clearInterval(timer);
    };
  }, [retry, every]);

  const current = state.key === key;
  return {
    data: state.data,
    isCurrent: current && state.data !== undefined,
    at: state.at,
    error: current ? state.error : undefined,
    loading: key !== null && !current,
    retry,
  };
}

/** A change that somebody asks for: `run` answers null when it failed, and `error` says why. */
export function useChange<A, V>(operation: Operation<A, V>) {
  const [state, setState] = useState<{ busy: boolean; answer?: A; error?: Failure }>({ busy: false });
  const run = useCallback(async (variables: V): Promise<A | null> => {
    setState({ busy: true });
    try {
      const answer = await ask(operation, variables);
      setState({ busy: false, answer });
      return answer;
    } catch (error) {
      setState({ busy: false, error: error instanceof Failure ? error : new Failure(String(error), "INTERNAL") });
      return null;
    }
  }, []);
  /** Forgets what came of it. */
  const reset = useCallback(() => setState({ busy: false }), []);
  return { ...state, run, reset };
}
