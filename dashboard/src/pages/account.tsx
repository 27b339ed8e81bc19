// The account of whoever is signed in, and where else they are.
import { ago, moment } from "../data/format";
import { useChange, useQuestion } from "../data/use-question";
import { PlainPage } from "../layout/shell";
import { Wrong } from "../layout/states";
import { Answered } from "../panels/panel";
import { ChangePassword, Account as Question, RevokeOtherSessions, RevokeSession } from "../schema.gen";

/** What people call a browser, by what it says of itself. */
function browserName(agent: string | null): string {
  if (agent === null) return "Unknown browser";
  const find = (names: [RegExp, string][]) => names.find(([pattern]) => pattern.test(agent))?.[1];
  const browser = find([
    [/Edg/, "Edge"],
    [/OPR/, "Opera"],
    [/Firefox/, "Firefox"],
    [/Chrom/, "Chrome"],
    [/Safari/, "Safari"],
  ]);
  const system = find([
    [/iPhone|iPad/, "iOS"],
    [/Android/, "Android"],
    [/Windows/, "Windows"],
    [/Mac OS/, "macOS"],
    [/Linux/, "Linux"],
  ]);
  return browser && system ? `${browser} on ${system}` : agent;
}

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

function PasswordForm({ changed }: { changed: () => void }) {
  const change = useChange(ChangePassword);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const text = (name: string) => String(new FormData(form).get(name) ?? "");
    const input = { currentPassword: text("current"), newPassword: text("new") };
    if (!(await change.run({ input }))) return;
    form.reset();
    changed();
  };
  return (
    <form class="card form two apart" onSubmit={submit}>
      <h2>Password</h2>
      <label>
        Until now
        <input name="current" type="password" autocomplete="current-password" required />
      </label>
      <label>
        From now on
        <input name="new" type="password" autocomplete="new-password" required minLength={12} />
        <small>At least 12 characters, and not easily guessed.</small>
      </label>
      <div class="end">
        <Wrong error={change.error} />
        {change.answer && <p role="status">Changed. You are signed out everywhere else.</p>}
        <button type="submit" class="primary" disabled={change.busy}>
          Change the password
        </button>
      </div>
    </form>
  );
}

export function Account() {
  const asked = useQuestion(Question, {});
  const end = useChange(RevokeSession);
  const endOthers = useChange(RevokeOtherSessions);
  return (
    <PlainPage title="Account">
      <p class="muted">Times are those of this browser: {zone}.</p>
      <Answered asked={asked} rows={6}>
        {({ viewer }) =>
          viewer && (
            <>
              <section class="card">
                <h2>{viewer.name}</h2>
                <p>
                  {viewer.email} <span class="muted">since {moment(viewer.createdAt, zone)}</span>
                </p>
              </section>
              <PasswordForm changed={asked.retry} />
              <section class="card apart" aria-label="Sign-ins">
                <div class="row stretch">
                  <h2>Where you are signed in</h2>
                  <span class="fill" />
                  {viewer.sessions.length > 1 && (
                    <button
                      type="button"
                      class="button"
                      disabled={endOthers.busy}
                      onClick={async () => (await endOthers.run({})) && asked.retry()}
                    >
                      Sign out everywhere else
                    </button>
                  )}
                </div>
                <Wrong error={end.error ?? endOthers.error} />
                <ul class="list">
                  {viewer.sessions.map((session) => (
                    <li key={session.id}>
                      <div>
                        <strong title={session.userAgent ?? undefined}>{browserName(session.userAgent)}</strong>
                        <p class="muted small">
                          {session.ipAddress ?? "unknown address"} · since {ago(session.createdAt)}
                        </p>
                      </div>
                      {session.current ? (
                        <span class="badge good">this one</span>
                      ) : (
                        <button
                          type="button"
                          class="button"
                          disabled={end.busy}
                          onClick={async () => (await end.run({ input: { id: session.id } })) && asked.retry()}
                        >
                          Sign out
                        </button>
                      )}
                    </li>
                  ))}
                </ul>
              </section>
            </>
          )
        }
      </Answered>
    </PlainPage>
  );
}
