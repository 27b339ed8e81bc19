// The door: signing in, or making an account.
import { useEffect, useState } from "preact/hooks";
import { useChange, useQuestion } from "../data/use-question";
import { Logo } from "../layout/icons";
import { Wrong } from "../layout/states";
import { ThemeButton } from "../layout/theme";
import { ownPath, usePlace } from "../router";
import { Register, RequestRegistration, SignIn as SignInChange, SignInProviders } from "../schema.gen";

/** What shows that somebody may make an account: behind the `#` of a link here, or of an invitation they go on to. */
function tokenOf(next: string): string | undefined {
  const [path, invitation] = next.split("#");
  return location.hash.slice(1) || (path === "/invitation" ? invitation : undefined) || undefined;
}

/** Asks for the link by which an account is made. */
function AskForLink() {
  const ask = useChange(RequestRegistration);
  const [said, say] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const email = String(new FormData(event.currentTarget as HTMLFormElement).get("email")).trim();
    say(!!(await ask.run({ input: { email } })));
  };
  return (
    <form onSubmit={submit}>
      <label>
        Email
        <input name="email" type="email" autocomplete="email" required />
      </label>
      <Wrong error={ask.error} />
      {said && <p role="status">A letter is on its way. The link in it works for a day.</p>}
      <button type="submit" class="primary wide" disabled={ask.busy}>
        Send me a link
      </button>
    </form>
  );
}

export function SignIn({ registering, entered }: { registering: boolean; entered: () => Promise<void> }) {
  const { params } = usePlace();
  const signIn = useChange(SignInChange);
  const register = useChange(Register);
  const { registration, signInProviders: providers = [] } = useQuestion(SignInProviders, {}).data ?? {};
  const { busy, error } = registering ? register : signIn;
  const title = registering ? "Create an account" : "Sign in";
  const next = ownPath(params.get("next"));
  const token = registering ? tokenOf(next) : undefined;
  const closed = registering && !token && registration !== undefined && registration !== "OPEN";
  useEffect(() => {
    document.title = `${title} · Event Analytics`;
  }, [title]);

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(form.get(name) ?? "");
    const input = { email: text("email").trim(), password: text("password") };
    const done = registering
      ? await register.run({ input: { ...input, name: text("name").trim(), token } })
      : await signIn.run({ input });
    // Where they go from here is known once it is known who they are.
    if (done) await entered();
  };

  const rest = params.size > 0 ? `?${params}` : "";
  return (
    <main class="door">
      <div class="corner">
        <ThemeButton />
      </div>
      <div class="card">
        <Logo />
        <h1>{title}</h1>
        <p class="muted">Event Analytics: exact figures about your sites and apps, on your own server.</p>
        {providers.map(({ name, url }) => (
          <a key={url} class="button wide" href={`${url}?return_to=${encodeURIComponent(next)}`}>
            Continue with {name}
          </a>
        ))}
        {providers.length > 0 && <p class="or">or</p>}
        {closed && registration === "MAIL" && <AskForLink />}
        {closed && registration === "INVITED" && (
          <p>Making an account takes an invitation here. Ask whoever runs this server for one.</p>
        )}
        {!closed && (
          <form onSubmit={submit}>
            {registering && (
              <label>
                Name
                <input name="name" autocomplete="name" required maxLength={100} />
              </label>
            )}
            <label>
              Email
              <input name="email" type="email" autocomplete="email" required />
            </label>
            <label>
              Password
              <input
                name="password"
                type="password"
                required
                minLength={registering ? 12 : 1}
                autocomplete={registering ? "new-password" : "current-password"}
              />
            </label>
            {registering && <p class="muted aside">At least 12 characters, and not easily guessed.</p>}
            <Wrong error={error} />
            <button type="submit" class="primary wide" disabled={busy}>
              {title}
            </button>
          </form>
        )}
        {!registering && (
          <p class="muted">
            <a href="/reset-password">Forgot your password?</a>
          </p>
        )}
        <p class="muted">
          {registering ? "You have an account already? " : "You are new here? "}
          <a href={(registering ? "/sign-in" : "/register") + rest}>{registering ? "Sign in" : "Create an account"}</a>
        </p>
      </div>
    </main>
  );
}
