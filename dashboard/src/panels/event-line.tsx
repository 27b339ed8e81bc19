// One event as a line that opens: what happened, to whom, and everything it says.
import { money, valueName } from "../data/format";
import type { EventsQuery } from "../schema.gen";

export type EventRow = NonNullable<EventsQuery["app"]>["events"]["nodes"][number];

const NAMES: [keyof EventRow, string][] = [
  ["eventId", "Id"],
  ["timestamp", "Happened"],
  ["receivedAt", "Received"],
  ["userId", "User"],
  ["anonymousId", "Anonymous id"],
  ["sessionId", "Session"],
  ["url", "URL"],
  ["pageTitle", "Page title"],
  ["referrerDomain", "Referrer"],
  ["utmSource", "Campaign source"],
  ["utmMedium", "Campaign medium"],
  ["utmCampaign", "Campaign"],
  ["country", "Country"],
  ["region", "Region"],
  ["city", "City"],
  ["language", "Language"],
  ["device", "Device"],
  ["browser", "Browser"],
  ["browserVersion", "Browser version"],
  ["os", "System"],
  ["osVersion", "System version"],
];

export const eventFields = [
  { name: "event_type", value: (event: EventRow) => event.eventType as unknown },
  ...NAMES.map(([name]) => ({
    name: name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    value: (event: EventRow) => event[name] as unknown,
  })),
  { name: "is_bot", value: (event: EventRow) => event.isBot },
  { name: "revenue", value: (event: EventRow) => event.revenue?.amount },
  { name: "currency", value: (event: EventRow) => event.revenue?.currency },
  { name: "metadata", value: (event: EventRow) => event.metadata },
];

export function EventLine({ event, time }: { event: EventRow; time: string }) {
  const { revenue, metadata } = event;
  const who = event.userId ?? event.anonymousId;
  const where = [event.country && valueName("country", event.country), event.browser, event.os]
    .filter(Boolean)
    .join(" · ");
  return (
    <details class="event">
      <summary>
        <time dateTime={event.timestamp}>{time}</time>
        <span class="type">
          <code>{event.eventType}</code>
        </span>
        <span class="page">{event.pagePath ?? ""}</span>
        {revenue && <strong>{money(revenue.amount, revenue.currency)}</strong>}
        {event.isBot && <span class="badge">bot</span>}
        <span class="who muted">{who}</span>
        <span class="where muted">{where}</span>
      </summary>
      <div class="about">
        <dl>
          {NAMES.filter(([name]) => event[name] !== null).map(([name, title]) => (
            <div key={name}>
              <dt>{title}</dt>
              <dd>{String(event[name])}</dd>
            </div>
          ))}
        </dl>
        {metadata !== null && metadata !== undefined && (
          <pre tabIndex={0} aria-label="Custom properties">
            <code>{JSON.stringify(metadata, null, 2)}</code>
          </pre>
        )}
      </div>
    </details>
  );
}
