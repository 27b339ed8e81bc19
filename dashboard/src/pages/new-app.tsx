// Making an app, and its first key with it.
import { useChange, useQuestion } from "../data/use-question";
import { isZone } from "../data/zone";
import { PlainPage } from "../layout/shell";
import { Wrong } from "../layout/states";
import { CreateApiKey, CreateApp, Organizations } from "../schema.gen";
import { navigate } from "../router";
import { mayChange, useViewer } from "../viewer";
import { freshKeys } from "./setup";

const ZONES = Intl.supportedValuesOf("timeZone");

export function ZoneField({ value }: { value: string }) {
  const check = (event: Event) => {
    const field = event.currentTarget as HTMLInputElement;
    field.setCustomValidity(isZone(field.value) ? "" : "Choose a time zone such as Europe/Berlin.");
  };
  return (
    <label>
      Time zone
      <input name="timezone" list="zones" required defaultValue={value} onInput={check} autocomplete="off" />
      <datalist id="zones">
        {ZONES.map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
      <small>Days begin and end by its clocks.</small>
    </label>
  );
}

export function NewApp() {
  const { viewer, again } = useViewer();
  const create = useChange(CreateApp);
  const createKey = useChange(CreateApiKey);
  const { data } = useQuestion(Organizations, {});
  const organizations = data?.viewer?.organizations.nodes.filter(mayChange) ?? [];
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const input = {
      name: String(form.get("name")).trim(),
      timezone: String(form.get("timezone")),
      organizationId: form.get("organization") as string | null,
    };
    const created = await create.run({ input });
    if (!created) return;
    const { id } = created.createApp.app;
    const made = await createKey.run({ input: { appId: id, name: "First key" } });
    if (made) freshKeys.set(id, made.createApiKey.key);
    await again();
    navigate(`/apps/${id}/setup`);
  };
  return (
    <PlainPage title={viewer.apps.length === 0 ? "Your first app" : "New app"}>
      <p class="muted">An app is one site, one product or one server: whatever you want to look at by itself.</p>
      <form class="card form" onSubmit={submit}>
        <label>
          Name
          <input name="name" required maxLength={100} placeholder="My site" autocomplete="off" />
        </label>
        {organizations.length > 1 && (
          <label>
            Organization
            <select name="organization">
              {organizations.map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </select>
            <small>Its members have their role in the app as well.</small>
          </label>
        )}
        <ZoneField value={Intl.DateTimeFormat().resolvedOptions().timeZone} />
        <Wrong error={create.error ?? createKey.error} />
        <button type="submit" class="primary" disabled={create.busy || createKey.busy}>
          Create app
        </button>
      </form>
    </PlainPage>
  );
}
