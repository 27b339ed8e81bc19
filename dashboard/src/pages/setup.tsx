// From an app without events to the first one: a key, something to paste, and waiting together.
import { useEffect, useState } from "preact/hooks";
import { count } from "../data/format";
import { useLive } from "../data/use-live";
import { useChange, useQuestion } from "../data/use-question";
import { Snippet } from "../layout/copy";
import { PlainPage } from "../layout/shell";
import { ErrorNote, Wrong } from "../layout/states";
import { CreateApiKey, FirstArrival, type FirstArrivalSubscription, FirstEvent } from "../schema.gen";
import type { App } from "../viewer";

/** Keys made since this page was loaded, by app: the server shows a key only once. */
export const freshKeys = new Map<string, string>();

const POLL_MS = 2_500;

const curl = (key: string) =>
  `curl ${location.origin}/api/v1/events \\
  -H 'X-API-Key: ${key}' \\
  -H 'Content-Type: application/json' \\
  -d '{"event_type":"page_view","user_id":"ada","url":"https://example.com/"}'`;

const script = (key: string) => `<script defer src="${location.origin}/sdk.js" data-key="${key}"></script>`;

type Arrived = FirstArrivalSubscription["live"]["app"]["summary"];

/** Turns up by itself; it is asked for again and again only where nothing can be followed. */
function useFirstEvent(app: string) {
  const asked = useQuestion(FirstEvent, { app });
  const [followed, setFollowed] = useState<Arrived>();
  const summary = followed ?? asked.data?.app?.summary;
  const arrived = summary !== undefined && summary.events > 0;
  const { state } = useLive(FirstArrival, arrived ? null : { app }, ({ live }) => setFollowed(live.app.summary));
  const { retry } = asked;
  const polls = !arrived && (state === "waiting" || state === "failed");
  useEffect(() => {
    if (!polls) return;
    const timer = setInterval(() => !document.hidden && retry(), POLL_MS);
    return () => clearInterval(timer);
  }, [polls, retry]);
  return { summary: arrived ? summary : undefined, error: asked.error, retry };
}

function Waiting({ app }: { app: App }) {
  const { summary, error, retry } = useFirstEvent(app.id);
  if (error && error.code !== "OFFLINE") return <ErrorNote error={error} retry={retry} />;
  if (!summary) {
    return (
      <div class="waiting" role="status">
        <i class="dot" aria-hidden="true" />
        <div>
          <strong>Waiting for your first event</strong>
          <p class="muted">This turns green by itself as soon as something arrives.</p>
        </div>
      </div>
    );
  }
  const [first] = summary.byEventType;
  return (
    <div class="waiting arrived" role="status">
      <i class="dot" aria-hidden="true" />
      <div>
        <strong>Your first event is here</strong>
        <p>
          {count(summary.events, "event")} so far
          {first && (
            <>
              , such as <code>{first.eventType}</code>
            </>
          )}
          .
        </p>
      </div>
      <a class="button primary" href={`/apps/${app.id}?range=TODAY`}>
        See the overview
      </a>
    </div>
  );
}

function NoKey({ app, made }: { app: App; made: (key: string) => void }) {
  const create = useChange(CreateApiKey);
  const run = async () => {
    const answer = await create.run({ input: { appId: app.id, name: "Another key" } });
    if (answer) made(answer.createApiKey.key);
  };
  return (
    <div class="card">
      <p>An API key is shown only once, when it is made. Use one that you kept, or make another.</p>
      <Wrong error={create.error} />
      <button type="button" class="primary" onClick={run} disabled={create.busy}>
        Create an API key
      </button>
    </div>
  );
}

export function Setup({ app }: { app: App }) {
  const [key, setKey] = useState(freshKeys.get(app.id));
  const made = (key: string) => {
    freshKeys.set(app.id, key);
    setKey(key);
  };
  return (
    <PlainPage title={`Send events to ${app.name}`} app={app}>
      <Waiting app={app} />
      {key ? (
        <>
          <Snippet label="Your API key, shown only now: keep it" text={key} />
          <h2>Put it into your pages</h2>
          <Snippet label="Before the end of your page's head" text={script(key)} />
          <h2>Or try it from a terminal</h2>
          <Snippet label="curl" text={curl(key)} />
        </>
      ) : (
        <NoKey app={app} made={made} />
      )}
      <p class="muted">
        Clients made for Segment, PostHog, Umami and Plausible send here as well, with nothing changed but their host
        and key. The <a href="/api-docs">REST documentation</a> describes every field.
      </p>
      <p>
        <a href={`/apps/${app.id}`}>Go to the overview</a>
      </p>
    </PlainPage>
  );
}
