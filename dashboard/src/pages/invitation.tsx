// Taking an invitation, whose token the link brings behind its #.
import { useChange } from "../data/use-question";
import { PlainPage } from "../layout/shell";
import { Wrong } from "../layout/states";
import { navigate } from "../router";
import { AcceptInvitation } from "../schema.gen";
import { useViewer } from "../viewer";

export const invitationLink = (token: string) => `${location.origin}/invitation#${token}`;

export function Invitation() {
  const { viewer, again } = useViewer();
  const accept = useChange(AcceptInvitation);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const token = String(new FormData(event.currentTarget as HTMLFormElement).get("token")).trim();
    if (!(await accept.run({ input: { token } }))) return;
    await again();
    navigate("/");
  };
  return (
    <PlainPage title="You were invited">
      <p class="muted">An invitation is for one address. You are signed in as {viewer.email}.</p>
      <form class="card form" onSubmit={submit}>
        <label>
          Invitation
          <input name="token" required defaultValue={location.hash.slice(1)} autocomplete="off" />
        </label>
        <Wrong error={accept.error} />
        <button type="submit" class="primary" disabled={accept.busy}>
          Accept
        </button>
      </form>
    </PlainPage>
  );
}
