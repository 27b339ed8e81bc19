// A forgotten password: asking for a link, and setting another by the token that the link brings behind its #.
import { useEffect, useState } from "preact/hooks";
import { useChange } from "../data/use-question";
import { Logo } from "../layout/icons";
import { Wrong } from "../layout/states";
import { RequestPasswordReset, ResetPassword as ResetChange } from "../schema.gen";

const field = (event: SubmitEvent, name: string) =>
  String(new FormData(event.currentTarget as HTMLFormElement).get(name) ?? "");

export function ResetPassword({ changed }: { changed: () => Promise<void> }) {
  const token = location.hash.slice(1);
  useEffect(() => {
    document.title = "Set a new password · Event Analytics";
  }, []);
  return (
    <main class="door">
      <div class="card">
        <Logo />
        <h1>Set a new password</h1>
        {token ? <Set token={token} changed={changed} /> : <Ask />}
        <p class="muted">
          <a href="/sign-in">Sign in</a>
        </p>
      </div>
    </main>
  );
}

function Ask() {
  const ask = useChange(RequestPasswordReset);
  const [said, say] = useState("");
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const done = await ask.run({ input: { email: field(event, "email").trim() } });
    if (!done) return;
    say(
      done.requestPasswordReset.sendsMail
        ? "If there is an account with this address, a link is on its way to it. It works for an hour."
        : "This server sends no mail. Ask whoever runs it for a link.",
    );
  };
  return (
    <form onSubmit={submit}>
      <label>
        Email
        <input name="email" type="email" autocomplete="email" required />
      </label>
      <Wrong error={ask.error} />
      {said && <p role="status">{said}</p>}
      <button type="submit" class="primary wide" disabled={ask.busy}>
        Send a link
      </button>
    </form>
  );
}

function Set({ token, changed }: { token: string; changed: () => Promise<void> }) {
  const reset = useChange(ResetChange);
  const [done, finish] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (!(await reset.run({ input: { token, newPassword: field(event, "password") } }))) return;
    finish(true);
    await changed();
  };
  if (done) return <p role="status">The new password is set, and every sign-in with the old one has ended.</p>;
  return (
    <form onSubmit={submit}>
      <label>
        New password
        <input name="password" type="password" required minLength={12} maxLength={128} autocomplete="new-password" />
      </label>
      <Wrong error={reset.error} />
      <button type="submit" class="primary wide" disabled={reset.busy}>
        Set it
      </button>
    </form>
  );
}
