// What can be set of an app, and its keys.
import { useChange } from "../data/use-question";
import { Wrong } from "../layout/states";
import { Answered } from "../panels/panel";
import { navigate } from "../router";
import { type BotPolicy, DeleteApp, type IpMode, type SettingsQuery, UpdateApp } from "../schema.gen";
import { mayChange, useScope, useViewer } from "../viewer";
import { listed } from "./settings-key";
import { ApiKeys, useKeys } from "./settings-keys";
import { ZoneField } from "./new-app";
import { SettingsShell } from "./settings-shell";

type App = NonNullable<SettingsQuery["app"]>;

const IP_MODES: Record<IpMode, string> = {
  SERVER_DEFAULT: "As the server is set up",
  FULL: "Keep whole addresses",
  NETWORK: "Keep only the network",
  NONE: "Keep nothing of them",
};

const BOT_POLICIES: Record<BotPolicy, string> = {
  MARK: "Keep and mark them, leave them out of figures",
  DROP: "Throw them away",
  COUNT: "Count them like everybody",
};

function AppForm({ app, saved }: { app: App; saved: () => void }) {
  const { app: scope } = useScope();
  const update = useChange(UpdateApp);
  const owner = scope.myRole === "OWNER";
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(form.get(name) ?? "").trim();
    const input = {
      id: app.id,
      name: text("name"),
      timezone: text("timezone"),
      ipMode: text("ipMode") as IpMode,
      botPolicy: text("botPolicy") as BotPolicy,
      allowedOrigins: listed(text("allowedOrigins")),
      excludedIps: listed(text("excludedIps")),
      excludedPaths: listed(text("excludedPaths")),
      ...(owner && { retentionDays: Number(text("retentionDays") || 0) }),
    };
    if (await update.run({ input })) saved();
  };
  const area = (name: "allowedOrigins" | "excludedIps" | "excludedPaths", title: string, hint: string) => (
    <label>
      {title}
      <textarea name={name} rows={2} defaultValue={app[name].join("\n")} />
      <small>{hint}</small>
    </label>
  );
  return (
    <form class="card form two" onSubmit={submit}>
      <h2>App</h2>
      <label>
        Name
        <input name="name" required maxLength={100} defaultValue={app.name} />
      </label>
      <ZoneField value={app.timezone} />
      <label>
        Visitors’ addresses
        <select name="ipMode" defaultValue={app.ipMode} value={app.ipMode}>
          {Object.entries(IP_MODES).map(([value, title]) => (
            <option key={value} value={value}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <label>
        Bots
        <select name="botPolicy" value={app.botPolicy}>
          {Object.entries(BOT_POLICIES).map(([value, title]) => (
            <option key={value} value={value}>
              {title}
            </option>
          ))}
        </select>
      </label>
      {area(
        "allowedOrigins",
        "Origins that may send",
        "One a line, such as https://shop.example; any may when this is empty.",
      )}
      {area("excludedIps", "Addresses left out", "Addresses and networks, such as 203.0.113.0/24.")}
      {area("excludedPaths", "Pages left out", "Such as /admin/*.")}
      {owner && (
        <label>
          Keep events for days
          <input
            name="retentionDays"
            type="number"
            min={0}
            max={36500}
            defaultValue={app.retentionDays ?? ""}
            placeholder="for ever"
          />
          <small>Older ones are removed for good within the hour. Empty keeps them for ever.</small>
        </label>
      )}
      <div class="end">
        <Wrong error={update.error} />
        {update.answer && !update.busy && <p role="status">Saved.</p>}
        <button type="submit" class="primary" disabled={update.busy}>
          Save
        </button>
      </div>
    </form>
  );
}

function Danger({ app }: { app: App }) {
  const { again } = useViewer();
  const remove = useChange(DeleteApp);
  const run = async () => {
    if (prompt(`This deletes “${app.name}” with all its events, for good. Type its name to go on.`) !== app.name)
      return;
    if (!(await remove.run({ input: { id: app.id } }))) return;
    // Only then is it clear what the first page is.
    await again();
    navigate("/");
  };
  return (
    <section class="card panel apart" aria-label="Delete the app">
      <h2>Delete the app</h2>
      <p class="muted">All its events, keys, goals and segments go with it, and cannot be brought back.</p>
      <Wrong error={remove.error} />
      <p>
        <button type="button" class="button danger" disabled={remove.busy} onClick={run}>
          Delete {app.name}
        </button>
      </p>
    </section>
  );
}

export function Settings() {
  const { app } = useScope();
  const { again } = useViewer();
  const keys = useKeys(app.id);
  const saved = () => {
    keys.first.retry();
    void again();
  };
  return (
    <SettingsShell page="settings">
      <Answered asked={keys.first} rows={12}>
        {(data) =>
          data.app && (
            <>
              {mayChange(app) && <AppForm app={data.app} saved={saved} key={app.id} />}
              <ApiKeys app={data.app} keys={keys} />
              {app.myRole === "OWNER" && <Danger app={data.app} />}
            </>
          )
        }
      </Answered>
    </SettingsShell>
  );
}
