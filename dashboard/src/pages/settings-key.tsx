// One API key: what it is for, how much it was used, and what can be changed of it.
import { useState } from "preact/hooks";
import { ago, count, day, moment, whole } from "../data/format";
import { useChange, useQuestion } from "../data/use-question";
import { Wrong } from "../layout/states";
import { Answered } from "../panels/panel";
import {
  type ApiKeyScope,
  type ApiKeyStatus,
  KeyUsage,
  RegenerateApiKey,
  RevokeApiKey,
  type SettingsQuery,
  UpdateApiKey,
} from "../schema.gen";
import { mayChange, useScope } from "../viewer";

export type Key = NonNullable<SettingsQuery["app"]>["apiKeys"]["nodes"][number];

export const SCOPES: Record<ApiKeyScope, string> = { INGEST: "sends events", READ: "asks, from a server" };

const STATUSES: Record<ApiKeyStatus, string> = { ACTIVE: "active", EXPIRED: "expired", REVOKED: "revoked" };

/** For how many hours the old secret works beside the new one. */
const OVERLAPS: Record<string, string> = {
  "0": "It stops at once",
  "1": "It works for another hour",
  "24": "It works for another day",
  "167": "It works for another week",
};

/** Lines or words as a list. */
export const listed = (text: unknown) => String(text ?? "").split(/\s+/).filter(Boolean);

const USAGE_DAYS = 30;

/** A bar for each day, the latest to the right. */
function Usage({ apiKey }: { apiKey: Key }) {
  const asked = useQuestion(KeyUsage, { key: apiKey.id, days: USAGE_DAYS });
  return (
    <Answered asked={asked} rows={2}>
      {({ node }) => {
        if (!node || !("usage" in node)) return null;
        const days = [...node.usage].reverse();
        const most = Math.max(1, ...days.map(({ uses }) => uses));
        const total = days.reduce((sum, { uses }) => sum + uses, 0);
        return (
          <figure class="usage">
            <ol>
              {days.map(({ start, uses, isUnusual }) => {
                const title = `${day(start, "UTC")}: ${count(uses, "use")}${isUnusual ? ", unusually many" : ""}`;
                return (
                  <li key={start} title={title} class={isUnusual ? "unusual" : undefined}>
                    <i style={{ height: `${(uses / most) * 100}%` }} />
                    <span class="unseen">{title}</span>
                  </li>
                );
              })}
            </ol>
            <figcaption class="muted small">
              {count(total, "use")} in {count(days.length, "day")} (of UTC), at most {whole(most)} a day
            </figcaption>
          </figure>
        );
      }}
    </Answered>
  );
}

function EditKey({ apiKey, close, changed }: { apiKey: Key; close: () => void; changed: () => void }) {
  const update = useChange(UpdateApiKey);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const input = {
      id: apiKey.id,
      name: String(form.get("name")).trim(),
      ...(apiKey.scope === "INGEST" && { allowedOrigins: listed(form.get("origins")) }),
    };
    if (!(await update.run({ input }))) return;
    close();
    changed();
  };
  return (
    <form class="editor two" onSubmit={submit}>
      <label>
        Name of the key
        <input name="name" required maxLength={100} defaultValue={apiKey.name} autocomplete="off" />
      </label>
      {apiKey.scope === "INGEST" && (
        <label>
          Origins whose pages may use it
          <textarea name="origins" rows={2} defaultValue={apiKey.allowedOrigins.join("\n")} />
          <small>One a line, such as https://shop.example; any may when this is empty.</small>
        </label>
      )}
      <div class="row end">
        <Wrong error={update.error} />
        <button type="button" class="button" onClick={close}>
          Cancel
        </button>
        <button type="submit" class="button primary" disabled={update.busy}>
          Save the key
        </button>
      </div>
    </form>
  );
}

function ReplaceKey({
  apiKey,
  close,
  replaced,
}: {
  apiKey: Key;
  close: () => void;
  replaced: (secret: string) => void;
}) {
  const regenerate = useChange(RegenerateApiKey);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const hours = Number(new FormData(event.currentTarget as HTMLFormElement).get("hours"));
    const previousWorksUntil = hours > 0 ? new Date(Date.now() + hours * 3_600_000).toISOString() : null;
    const made = await regenerate.run({ input: { id: apiKey.id, previousWorksUntil } });
    if (!made) return;
    close();
    replaced(made.regenerateApiKey.key);
  };
  return (
    <form class="editor sentence" onSubmit={submit}>
      <label>
        What becomes of the present key
        <select name="hours">
          {Object.entries(OVERLAPS).map(([hours, title]) => (
            <option key={hours} value={hours}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <button type="button" class="button" onClick={close}>
        Cancel
      </button>
      <button type="submit" class="button primary" disabled={regenerate.busy}>
        Make the new key
      </button>
      <Wrong error={regenerate.error} />
    </form>
  );
}

type Props = { apiKey: Key; changed: () => void; shown: (secret: string) => void };

export function KeyLine({ apiKey, changed, shown }: Props) {
  const { app } = useScope();
  const revoke = useChange(RevokeApiKey);
  const [open, setOpen] = useState<"usage" | "edit" | "replace">();
  const close = () => setOpen(undefined);
  const { id, name, prefix, status, createdAt, expiresAt, lastUsedAt, usageCount, scope } = apiKey;
  const { previousWorksUntil, isUnusual, allowedOrigins } = apiKey;
  const face = (what: "usage" | "edit" | "replace", title: string) => (
    <button
      type="button"
      class="button"
      aria-expanded={open === what}
      onClick={() => setOpen(open === what ? undefined : what)}
    >
      {title}
    </button>
  );
  const end = async () => {
    if (confirm(`Revoke “${name}”? Whoever uses it can send no more.`) && (await revoke.run({ input: { id } })))
      changed();
  };
  return (
    <li>
      <div>
        <strong>{name}</strong> <code>{prefix}…</code>{" "}
        <span class={status === "ACTIVE" ? "badge good" : "badge bad"}>{STATUSES[status]}</span>{" "}
        {isUnusual && <span class="badge bad">used unusually often</span>}
        <p class="muted small">
          {SCOPES[scope]} · made {day(createdAt, app.timezone)}
          {expiresAt && `, until ${day(expiresAt, app.timezone)}`} · {count(usageCount, "use")}
          {lastUsedAt ? `, the last one ${ago(lastUsedAt)}` : ""}
          {allowedOrigins.length > 0 && ` · only from ${allowedOrigins.join(", ")}`}
          {previousWorksUntil && ` · the key before works until ${moment(previousWorksUntil, app.timezone)}`}
        </p>
        <Wrong error={revoke.error} />
      </div>
      <div class="row">
        {face("usage", "Usage")}
        {status === "ACTIVE" && mayChange(app) && (
          <>
            {face("edit", "Edit")}
            {face("replace", "Replace")}
            <button type="button" class="button danger" onClick={end} disabled={revoke.busy}>
              Revoke
            </button>
          </>
        )}
      </div>
      {open === "usage" && (
        <div class="stretch">
          <Usage apiKey={apiKey} />
        </div>
      )}
      {open === "edit" && <EditKey apiKey={apiKey} close={close} changed={changed} />}
      {open === "replace" && (
        <ReplaceKey
          apiKey={apiKey}
          close={close}
          replaced={(secret) => {
            shown(secret);
            changed();
          }}
        />
      )}
    </li>
  );
}
