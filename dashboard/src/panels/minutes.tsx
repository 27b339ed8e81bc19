// The last minutes, a bar for each, the present one to the right.
import { count, whole } from "../data/format";

export type Minute = { start: string; events: number; uniqueUsers: number };

export function Minutes({ minutes, zone }: { minutes: Minute[]; zone: string }) {
  const most = Math.max(1, ...minutes.map(({ events }) => events));
  const time = new Intl.DateTimeFormat(undefined, { timeZone: zone, hour: "numeric", minute: "2-digit" });
  const name = (start: string) => time.format(new Date(start));
  const [first, last] = [minutes[0], minutes.at(-1)];
  return (
    <figure class="minutes">
      <ol aria-label="Events by minute">
        {minutes.map(({ start, events, uniqueUsers }, index) => {
          const title = `${name(start)}: ${count(events, "event")} of ${count(uniqueUsers, "visitor")}`;
          return (
            // By place and not by time, so that bars change their height and nothing moves.
            <li key={index} title={title}>
              <i style={{ transform: `scaleY(${Math.max(events / most, 1 / 150)})` }} />
              <span class="unseen">{title}</span>
            </li>
          );
        })}
      </ol>
      <figcaption class="muted small">
        <span>{first && name(first.start)}</span>
        <span>at most {whole(most)} events a minute</span>
        <span>{last && name(last.start)}</span>
      </figcaption>
    </figure>
  );
}
