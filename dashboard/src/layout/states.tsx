// What shows where there is no answer: not yet, not at all, or nothing in it.
import type { ComponentChildren } from "preact";
import type { Failure } from "../data/ask";
import { count } from "../data/format";

export function ErrorNote({ error, retry }: { error: Failure; retry: () => void }) {
  const wait = error.code === "RATE_LIMITED" && error.retryAfter > 0;
  return (
    <div class="note bad" role="alert">
      <p>
        {error.message}
        {wait && ` It is asked again in ${count(error.retryAfter, "second")}.`}
      </p>
      <button type="button" onClick={retry}>
        Try again
      </button>
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="lead">{title}</p>
      {children}
    </div>
  );
}

/** Lines where rows will be, of the height that these will have. */
export function Skeleton({ rows }: { rows: number }) {
  return (
    <div class="skeleton" aria-hidden="true">
      {Array.from({ length: rows }, (_, index) => (
        <i key={index} />
      ))}
    </div>
  );
}

/** A message under a form field or a button. */
export function Wrong({ error }: { error: Failure | undefined }) {
  if (!error) return null;
  return (
    <p class="wrong" role="alert">
      {error.message}
    </p>
  );
}
