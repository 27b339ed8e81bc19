// The API keys of an app: made, shown once, replaced, revoked.
import { useState } from "preact/hooks";
import { useList } from "../data/use-list";
import { useChange } from "../data/use-question";
import { Snippet } from "../layout/copy";
import { Wrong } from "../layout/states";
import { More } from "../panels/more";
import { Panel } from "../panels/panel";
import { type ApiKeyScope, CreateApiKey, Settings, type SettingsQuery } from "../schema.gen";
import { mayChange, useScope } from "../viewer";
import { type Key, KeyLine, SCOPES, listed } from "./settings-key";

type App = NonNullable<SettingsQuery["app"]>;

const fields = [
  { name: "key", value: ({ name }: Key) => name as unknown },
  { name: "prefix", value: ({ prefix }: Key) => prefix },
  { name: "scope", value: ({ scope }: Key) => scope },
  { name: "status", value: ({ status }: Key) => status },
  { name: "created_at", value: ({ createdAt }: Key) => createdAt },
  { name: "expires_at", value: ({ expiresAt }: Key) => expiresAt },
  { name: "last_used_at", value: ({ lastUsedAt }: Key) => lastUsedAt },
  { name: "uses", value: ({ usageCount }: Key) => usageCount },
  { name: "origins", value: ({ allowedOrigins }: Key) => allowedOrigins },
];

function NewKey({ app, made }: { app: App; made: (secret: string) => void }) {
  const create = useChange(CreateApiKey);
  const [scope, setScope] = useState<ApiKeyScope>("INGEST");
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const data = new FormData(form);
    const number = (name: string) => Number(data.get(name) || 0) || null;
    const days = number("days");
    const input = {
      appId: app.id,
      name: String(data.get("name")).trim(),
      expiresAt: days ? new Date(Date.now() + days * 86_400_000).toISOString() : null,
      scope,
      requestsPerMinute: number("requests"),
      ...(scope === "INGEST" && { eventsPerMinute: number("events"), allowedOrigins: listed(data.get("origins")) }),
    };
    const answer = await create.run({ input });
    if (!answer) return;
    form.reset();
    made(answer.createApiKey.key);
  };
  const limit = (name: string, title: string, placeholder: string) => (
    <label>
      {title}
      <input name={name} type="number" min={1} max={1_000_000} placeholder={placeholder} />
    </label>
  );
  return (
    <form onSubmit={submit}>
      <div class="sentence">
        <label>
          Name of a new key
          <input name="name" required maxLength={100} autocomplete="off" />
        </label>
        <label>
          What for
          <select value={scope} onChange={({ currentTarget }) => setScope(currentTarget.value as ApiKeyScope)}>
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
      </div>
      <details class="values">
        <summary>Limits{scope === "INGEST" && " and origins"}</summary>
        <div class="two">
          {limit("requests", "Requests a minute", "as the server is set up")}
          {scope === "INGEST" && limit("events", "Events a minute", "no limit")}
          {scope === "INGEST" && (
            <label>
              Origins whose pages may use the new key
              <textarea name="origins" rows={2} />
              <small>One a line, such as https://shop.example; any may when this is empty.</small>
            </label>
          )}
        </div>
      </details>
      <Wrong error={create.error} />
    </form>
  );
}

/** The settings of an app, and its keys as a list. */
export function useKeys(app: string) {
  return useList(Settings, { app }, (answer) => answer.app?.apiKeys);
}

export function ApiKeys({ app, keys }: { app: App; keys: ReturnType<typeof useKeys> }) {
  const { app: scope } = useScope();
  const [fresh, setFresh] = useState<string>();
  return (
    <Panel
      title="API keys"
      class="apart"
      table={{ name: "keys", rows: keys.nodes, fields }}
      shown={{ operation: Settings, variables: { app: app.id } }}
    >
      <p class="muted">A key sends events for this app and sees nothing, or asks about it and changes nothing.</p>
      {fresh && <Snippet label="The new key, shown only now: keep it" text={fresh} />}
      <ul class="list">
        {keys.nodes.map((key) => (
          <KeyLine key={key.id} apiKey={key} changed={keys.first.retry} shown={setFresh} />
        ))}
      </ul>
      <More {...keys} />
      {mayChange(scope) && (
        <NewKey
          app={app}
          made={(secret) => {
            setFresh(secret);
            keys.first.retry();
          }}
        />
      )}
    </Panel>
  );
}
