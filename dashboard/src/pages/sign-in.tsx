// The door: signing in, or making an account.
import { useEffect } from "preact/hooks";
import { useChange, useQuestion } from "../data/use-question";
import { Logo } from "../layout/icons";
import { Wrong } from "../layout/states";
import { ThemeButton } from "../layout/theme";
import { navigate, usePlace } from "../router";
import { Register, SignIn as SignInChange, SignInProviders } from "../schema.gen";

/** Only a path of this page, as whoever wrote the link may be anybody. */
function safe(next: string | null): string {
  return next && /^\/(?![/\\])/.test(next) ? next : "/";
}

export function SignIn({ registering, entered }: { registering: boolean; entered: () => Promise<void> }) {
  const { params } = usePlace();
  const signIn = useChange(SignInChange);
  const register = useChange(Register);
  const providers = useQuestion(SignInProviders, {}).data?.signInProviders ?? [];
  const { busy, error } = registering ? register : signIn;
  const title = registering ? "Create an account" : "Sign in";
  const next = safe(params.get("next"));
  useEffect(() => {
    document.title = `${title} · Event Analytics`;
  }, [title]);

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(form.get(name) ?? "");
    const input = { email: text("email").trim(), password: text("password") };
    const done = registering
      ? await register.run({ input: { ...input, name: text("name").trim() } })
      : await signIn.run({ input });
    if (!done) return;
    navigate(next, { replace: true });
    await entered();
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
