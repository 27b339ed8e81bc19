import type { Failure } from "../data/ask";
import { Wrong } from "../layout/states";

/** The way to the next page of a list, where there is one. */
export function More({
  more,
  busy,
  error,
}: {
  more: (() => void) | undefined;
  busy: boolean;
  error?: Failure | undefined;
}) {
  return (
    <>
      <Wrong error={error} />
      {more && (
        <p class="further">
          <button type="button" class="button" onClick={more} disabled={busy}>
            Show more
          </button>
        </p>
      )}
    </>
  );
}
