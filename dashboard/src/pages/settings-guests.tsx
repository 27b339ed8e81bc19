// Those who see one app, and neither its organization nor its other apps.
import { useState } from "preact/hooks";
import { day } from "../data/format";
import { useList } from "../data/use-list";
import { useChange } from "../data/use-question";
import { Snippet } from "../layout/copy";
import { Wrong } from "../layout/states";
import { More } from "../panels/more";
import { Answered } from "../panels/panel";
import { Guests as Question, InviteGuest, LeaveApp, RemoveGuest } from "../schema.gen";
import { navigate } from "../router";
import { useScope, useViewer } from "../viewer";
import { invitationLink } from "./invitation";
import { ROLES } from "./settings-members";

const HAND_OVER = "Hand this link over by a way you trust; it works once, for seven days";

/** For whoever manages the app. */
export function Guests({ invited }: { invited: () => void }) {
  const { app } = useScope();
  const { viewer } = useViewer();
  const list = useList(Question, { app: app.id }, (answer) => answer.app?.guests);
  const invite = useChange(InviteGuest);
  const remove = useChange(RemoveGuest);
  const [made, setMade] = useState<{ link: string; email: string; isMailed: boolean }>();
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const email = String(new FormData(form).get("email")).trim();
    const done = await invite.run({ input: { appId: app.id, email } });
    if (!done) return;
    const { token, isMailed } = done.inviteGuest;
    setMade({ link: invitationLink(token), email, isMailed });
    form.reset();
    invited();
  };
  return (
    <section class="card panel apart" aria-label="Guests">
      <h2>Guests of {app.name}</h2>
      <p class="muted">Guests look at this app alone. They see neither its organization nor other apps.</p>
      {made?.isMailed && <p role="status">A letter with this link is on its way to {made.email}.</p>}
      {made && <Snippet label={HAND_OVER} text={made.link} />}
      <Answered asked={list.first} rows={1}>
        {() => (
          <ul class="list">
            {list.nodes.map(({ userId, name, email, role, createdAt }) => (
              <li key={userId}>
                <div>
                  <strong>{name}</strong> {role !== "VIEWER" && <span class="badge">{ROLES[role]}</span>}{" "}
                  {userId === viewer.id && <span class="badge">you</span>}
                  <p class="muted small">
                    {email} · since {day(createdAt, app.timezone)}
                  </p>
                </div>
                <button
                  type="button"
                  class="button danger"
                  aria-label={`Remove the guest ${name}`}
                  disabled={remove.busy}
                  onClick={async () =>
                    confirm(`Remove ${name}? They see nothing of “${app.name}” any more.`) &&
                    (await remove.run({ input: { appId: app.id, userId } })) &&
                    list.first.retry()
                  }
                >
                  Remove
                </button>
              </li>
            ))}
          </ul>
        )}
      </Answered>
      <More {...list} />
      <form class="sentence" onSubmit={submit}>
        <label>
          E-mail of a new guest
          <input name="email" type="email" required autocomplete="off" />
        </label>
        <button type="submit" class="primary" disabled={invite.busy}>
          Invite as a guest
        </button>
      </form>
      <Wrong error={invite.error ?? remove.error} />
    </section>
  );
}

/** For a guest. */
export function LeaveGuest() {
  const { app } = useScope();
  const { again } = useViewer();
  const leave = useChange(LeaveApp);
  const run = async () => {
    if (!confirm(`Leave “${app.name}”? You see it again only when somebody invites you.`)) return;
    if (!(await leave.run({ input: { appId: app.id } }))) return;
    // Only then is it clear what the first page is.
    await again();
    navigate("/");
  };
  return (
    <section class="card panel apart" aria-label="You are a guest">
      <h2>You are a guest</h2>
      <p class="muted">You see this app, and neither its organization nor other apps.</p>
      <Wrong error={leave.error} />
      <p>
        <button type="button" class="button danger" disabled={leave.busy} onClick={run}>
          Leave {app.name}
        </button>
      </p>
    </section>
  );
}
