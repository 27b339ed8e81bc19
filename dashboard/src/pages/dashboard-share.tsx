// The links by which a dashboard is shown to whoever has one.
import { useState } from "preact/hooks";
import { day } from "../data/format";
import { useChange, useQuestion } from "../data/use-question";
import { addDays, dayOf, startOfDay } from "../data/zone";
import { Snippet } from "../layout/copy";
import { Icon } from "../layout/icons";
import { Popover } from "../layout/popover";
import { Wrong } from "../layout/states";
import { Answered } from "../panels/panel";
import { DashboardShares, RevokeDashboardShare, ShareDashboard } from "../schema.gen";
import { useScope } from "../viewer";
import type { Found } from "./dashboard";

/** What a page of others needs to show the dashboard. */
const frameOf = (url: string, name: string) => {
  const title = name.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
  return `<iframe src="${url.replace("/shared#", "/embed#")}" title="${title}" width="100%" height="800" loading="lazy"></iframe>`;
};

function Links({ board }: { board: Found }) {
  const { app } = useScope();
  const asked = useQuestion(DashboardShares, { app: app.id, dashboard: board.id });
  const share = useChange(ShareDashboard);
  const revoke = useChange(RevokeDashboardShare);
  const [url, setUrl] = useState<string>();
  const withheld = board.panels.filter(({ listsPeople }) => listsPeople).map(({ title }) => `“${title}”`);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const text = (name: string) => String(new FormData(form).get(name) ?? "");
    const until = text("until");
    const done = await share.run({
      input: {
        dashboardId: board.id,
        name: text("name").trim(),
        password: text("password") || null,
        // That day is part of it.
        expiresAt: until ? startOfDay(addDays(until, 1), app.timezone).toISOString() : null,
      },
    });
    if (!done) return;
    setUrl(done.shareDashboard.url);
    form.reset();
    asked.retry();
  };
  return (
    <div class="adding wide">
      <p class="muted small">
        Whoever has a link sees this dashboard as it is at the time, without an account, and can ask nothing else.
        {withheld.length > 0 && ` Not shown, as they list single people: ${withheld.join(", ")}.`}
      </p>
      {url && (
        <>
          <Snippet label="The link, shown only now" text={url} />
          <Snippet label="For a page of your own" text={frameOf(url, board.name)} />
        </>
      )}
      <form onSubmit={submit} class="adding">
        <label>
          For whom
          <input name="name" required maxLength={100} autocomplete="off" />
        </label>
        <label>
          Password, if it shall take one
          <input name="password" type="password" minLength={12} maxLength={128} autocomplete="new-password" />
        </label>
        <label>
          Last day, if it shall end
          <input name="until" type="date" min={dayOf(new Date(), app.timezone)} />
        </label>
        <Wrong error={share.error ?? revoke.error} />
        <button type="submit" class="primary" disabled={share.busy}>
          Make a link
        </button>
      </form>
      <Answered asked={asked} rows={1}>
        {(data) => (
          <ul class="list">
            {data.app?.dashboardShares.nodes.map(({ id, name, hasPassword, expiresAt, createdAt }) => (
              <li key={id}>
                <div>
                  <strong>{name}</strong> {hasPassword && <span class="badge">password</span>}
                  <p class="muted small">
                    since {day(createdAt, app.timezone)}
                    {expiresAt && `, until ${day(new Date(Date.parse(expiresAt) - 1), app.timezone)}`}
                  </p>
                </div>
                <button
                  type="button"
                  class="button danger"
                  aria-label={`Revoke the link ${name}`}
                  disabled={revoke.busy}
                  onClick={async () => (await revoke.run({ input: { id } })) && asked.retry()}
                >
                  Revoke
                </button>
              </li>
            ))}
          </ul>
        )}
      </Answered>
    </div>
  );
}

export function Sharing({ board }: { board: Found }) {
  return (
    <Popover
      side="right"
      face={
        <>
          <Icon name="link" /> Share
        </>
      }
    >
      {() => <Links board={board} />}
    </Popover>
  );
}
