// A subscription of a component, for as long as it shows and somebody looks.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Operation } from "../schema.gen";
import type { Failure } from "./ask";
import { type LiveState, subscribe } from "./live";
import { session } from "./use-question";

export type LiveAnswer<A> = {
  /** The newest answer there is. */
  data: A | undefined;
  state: LiveState | "paused";
  failure: Failure | undefined;
  /** Tries again after a failure. */
  retry: () => void;
};

/** A page that nobody looks at for so long lets go of its socket. */
const UNSEEN_MS = 60_000;

/** Whether somebody looks, or did a moment ago. */
function useSeen(): boolean {
  const [seen, setSeen] = useState(true);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = () => {
      clearTimeout(timer);
      if (document.hidden) timer = setTimeout(() => setSeen(false), UNSEEN_MS);
      else setSeen(true);
    };
    document.addEventListener("visibilitychange", look);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, []);
  return seen;
}

/** Follows `operation`, unless `variables` is null; `each` is given every answer. */
export function useLive<A, V>(
  operation: Operation<A, V>,
  variables: V | null,
  each?: (answer: A) => void,
): LiveAnswer<A> {
  const key = variables === null ? null : JSON.stringify(variables);
  const seen = useSeen();
  const [round, setRound] = useState(0);
  const [got, setGot] = useState<{ key: string | null; data?: A }>({ key: null });
  const [now, setNow] = useState<{ state: LiveState; failure?: Failure }>({ state: "connecting" });
  const latest = useRef({ key, each });
  latest.current = { key, each };
  useEffect(() => {
    if (key === null || variables === null || !seen) return;
    return subscribe(operation, variables, {
      answer: (data) => {
        // What comes in the moment after something else was asked is the answer to what was asked before.
        if (latest.current.key !== key) return;
        setGot({ key, data });
        latest.current.each?.(data);
      },
      state: (state, failure) => {
        if (failure?.code === "UNAUTHENTICATED") session.dispatchEvent(new Event("end"));
        setNow({ state, ...(failure && { failure }) });
      },
    });
  }, [operation, key, seen, round]);
  return {
    data: key === null || got.key === key ? got.data : undefined,
    state: key === null || !seen ? "paused" : now.state,
    failure: key === null ? undefined : now.failure,
    retry: () => setRound(round + 1),
  };
}
