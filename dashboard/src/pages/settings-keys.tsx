// The API keys of an app: made, shown once, replaced, revoked.
import { useState } from "preact/hooks";
import { ago, count, day, moment } from "../data/format";
import { useChange } from "../data/use-question";
import { Snippet } from "../layout/copy";
import { Wrong } from "../layout/states";
import {
  type ApiKeyScope,
  type ApiKeyStatus,
  CreateApiKey,
  RegenerateApiKey,
  RevokeApiKey,
  type SettingsQuery,
} from "../schema.gen";
import { mayChange, useScope } from "../viewer";

type App = NonNullable<SettingsQuery["app"]>;
type Key = App["apiKeys"]["nodes"][number];

const SCOPES: Record<ApiKeyScope, string> = { INGEST: "sends events", READ: "asks, from a server" };

const STATUSES: Record<ApiKeyStatus, string> = { ACTIVE: "active", EXPIRED: "expired", REVOKED: "revoked" };

function KeyLine({ apiKey, changed, shown }: { apiKey: Key; changed: () => void; shown: (key: string) => void }) {
  const { app } = useScope();
  const revoke = useChange(RevokeApiKey);
  const regenerate = useChange(RegenerateApiKey);
  const {
    id,
    name,
    prefix,
    status,
    createdAt,
    expiresAt,
    lastUsedAt,
    usageCount,
    scope,
    isUnusual,
    previousWorksUntil,
  } = apiKey;
  const again = async () => {
    if (!confirm(`Replace “${name}”? The present key stops working at once.`)) return;
    const made = await regenerate.run({ input: { id } });
    if (!made) return;
    shown(made.regenerateApiKey.key);
    changed();
  };
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
          {previousWorksUntil && ` · the key before works until ${moment(previousWorksUntil, app.timezone)}`}
        </p>
        <Wrong error={revoke.error ?? regenerate.error} />
      </div>
      {status === "ACTIVE" && mayChange(app) && (
        <div class="row">
          <button type="button" class="button" onClick={again} disabled={regenerate.busy}>
            Replace
          </button>
          <button type="button" class="button danger" onClick={end} disabled={revoke.busy}>
            Revoke
          </button>
        </div>
      )}
    </li>
  );
}

export function ApiKeys({ app, changed }: { app: App; changed: () => void }) {
  const { app: scope } = useScope();
  const create = useChange(CreateApiKey);
  const [fresh, setFresh] = useState<string>();
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const data = new FormData(form);
    const days = Number(data.get("days") || 0);
    const expiresAt = days > 0 ? new Date(Date.now() + days * 86_400_000).toISOString() : null;
    const made = await create.run({
      input: {
        appId: app.id,
        name: String(data.get("name")).trim(),
        expiresAt,
        scope: data.get("scope") as ApiKeyScope,
      },
    });
    if (!made) return;
    setFresh(made.createApiKey.key);
    form.reset();
    changed();
  };
  return (
    <section class="card panel apart" aria-label="API keys">
      <h2>API keys</h2>
      <p class="muted">A key sends events for this app and sees nothing, or asks about it and changes nothing.</p>
      {fresh && <Snippet label="The new key, shown only now: keep it" text={fresh} />}
      <ul class="list">
        {app.apiKeys.nodes.map((key) => (
          <KeyLine key={key.id} apiKey={key} changed={changed} shown={setFresh} />
        ))}
      </ul>
      {mayChange(scope) && (
        <form class="sentence" onSubmit={submit}>
          <label>
            Name of a new key
            <input name="name" required maxLength={100} autocomplete="off" />
          </label>
          <label>
            What for
            <select name="scope">
              {Object.entries(SCOPES).map(([scope, title]) => (
                <option key={scope} value={scope}>
                  {title}
                </option>
              ))}
            </select>
          </label>
          <label>
            Days until it expires
            <input name="days" type="number" min={1} max={36500} placeholder="never" />
          </label>
          <button type="submit" class="primary" disabled={create.busy}>
            Create key
          </button>
        </form>
      )}
      <Wrong error={create.error} />
    </section>
  );
}
