// Events as they arrive, in a box of its own, so that nothing else on the page moves.
import { exactly, timeOf } from "../data/format";
import { useScope } from "../viewer";
import { EventLine, type EventRow } from "./event-line";

/** What was sent long after it happened says on which day that was. */
const LONG_MS = 12 * 3_600_000;

const when = (at: string, zone: string) =>
  Date.now() - Date.parse(at) > LONG_MS ? exactly(at, zone) : timeOf(Date.parse(at), zone);

type Props = {
  events: EventRow[];
  /** Those that were there already are not shown as news. */
  old: ReadonlySet<string>;
  /** Whether they came so fast that only the newest of them are listed. */
  isSample: boolean;
};

export function LiveLog({ events, old, isSample }: Props) {
  const { app } = useScope();
  return (
    <>
      <div class="live-log" tabIndex={0} role="region" aria-label="Events as they arrive, newest first">
        {events.length === 0 ? (
          <p class="none muted">Nothing yet. What arrives shows up here by itself.</p>
        ) : (
          <ol class="log days">
            {events.map((event) => (
              <li key={event.eventId} class={old.has(event.eventId) ? undefined : "fresh"}>
                <EventLine event={event} time={when(event.timestamp, app.timezone)} />
              </li>
            ))}
          </ol>
        )}
      </div>
      <p class="muted small foot">
        {isSample ? "They come faster than they can be listed: these are a part of them." : " "}
      </p>
    </>
  );
}
