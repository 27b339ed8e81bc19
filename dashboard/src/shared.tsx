// The page behind a link: one dashboard, for whoever has the link, and nothing else. It knows no cookie.
import "uplot/dist/uPlot.min.css";
import "./style/base.css";
import "./style/layout.css";
import "./style/controls.css";
import "./style/panels.css";
import "./style/tables.css";
import "./style/reports.css";
import "./style/world.css";
import "./style/board.css";
import "./style/print.css";
import { render } from "preact";
import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { Board } from "./board/board";
import { keyed } from "./board/keep";
import { Failure, ask } from "./data/ask";
import { moment } from "./data/format";
import { LinkContext, session, useQuestion } from "./data/use-question";
import { Logo } from "./layout/icons";
import { PrintButton } from "./layout/print";
import { Empty, ErrorNote, Wrong } from "./layout/states";
import { applyTheme } from "./layout/theme";
import { OpenSharedDashboard, SharedDashboard } from "./schema.gen";

const REFRESH_MS = 60_000;
const isEmbedded = location.pathname === "/embed";

const failureOf = (error: unknown) => (error instanceof Failure ? error : new Failure(String(error), "INTERNAL"));

function Locked({
  wrong,
  busy,
  open,
}: {
  wrong?: Failure | undefined;
  busy: boolean;
  open: (password: string) => void;
}) {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    open(String(new FormData(event.currentTarget as HTMLFormElement).get("password")));
  };
  return (
    <main class="door">
      <div class="card">
        <Logo />
        <h1>This dashboard takes a password</h1>
        <form onSubmit={submit}>
          <label>
            Password
            <input name="password" type="password" required minLength={12} maxLength={128} autocomplete="off" />
          </label>
          <Wrong error={wrong} />
          <button type="submit" class="primary wide" disabled={busy}>
            Open it
          </button>
        </form>
      </div>
    </main>
  );
}

function Shown() {
  const asked = useQuestion(SharedDashboard, {}, REFRESH_MS);
  const board = asked.data?.sharedDashboard;
  // The same panels keep their answers when the dashboard is read again.
  const read = JSON.stringify(board?.panels);
  const panels = useMemo(() => keyed(board?.panels ?? []), [read]);
  useEffect(() => {
    if (board) document.title = `${board.name} · ${board.appName}`;
  }, [board]);
  if (!board) {
    return asked.error ? (
      <ErrorNote error={asked.error} retry={asked.retry} />
    ) : (
      <p class="loading" role="status" aria-label="Loading" />
    );
  }
  return (
    <main class="shared">
      <header class="row">
        <h1>{board.name}</h1>
        <span class="muted">{board.appName}</span>
        <span class="fill" />
        {!isEmbedded && <PrintButton />}
      </header>
      {panels.length === 0 ? (
        <div class="card">
          <Empty title="Nothing here yet." />
        </div>
      ) : (
        <Board panels={panels} timezone={board.timezone} />
      )}
      <p class="foot muted">
        Days of {board.timezone}; asked again every minute.
        {board.expiresAt && ` This link works until ${moment(board.expiresAt, board.timezone)}.`}
      </p>
    </main>
  );
}

function Root() {
  const [state, setState] = useState<{ bearer?: string; error?: Failure; locked?: boolean; busy?: boolean }>({});
  const open = useCallback(async (password: string | null) => {
    setState((before) => ({ ...before, busy: true }));
    try {
      const input = { token: location.hash.slice(1), password };
      setState({ bearer: (await ask(OpenSharedDashboard, { input }, undefined, "")).openSharedDashboard.bearer });
    } catch (error) {
      const failure = failureOf(error);
      const asks = failure.field === "input.password" && password === null;
      setState(password === null && !asks ? { error: failure } : { locked: true, ...(!asks && { error: failure }) });
    }
  }, []);
  useEffect(() => {
    void open(null);
    const again = () => void open(null);
    const ended = () => setState({ error: new Failure("This link works no longer.", "UNAUTHENTICATED") });
    addEventListener("hashchange", again);
    session.addEventListener("end", ended);
    return () => {
      removeEventListener("hashchange", again);
      session.removeEventListener("end", ended);
    };
  }, [open]);
  if (state.locked) return <Locked wrong={state.error} busy={state.busy ?? false} open={(text) => void open(text)} />;
  if (state.error) {
    return (
      <main class="door">
        <div class="card">
          <Logo />
          <h1>Nothing to see here</h1>
          <p>{state.error.message}</p>
          <p class="muted">Ask whoever gave you the link for another one.</p>
          <button type="button" class="button" onClick={() => void open(null)}>
            Try again
          </button>
        </div>
      </main>
    );
  }
  if (state.bearer === undefined) return <p class="loading" role="status" aria-label="Loading" />;
  return (
    <LinkContext.Provider value={state.bearer}>
      <Shown />
    </LinkContext.Provider>
  );
}

applyTheme();
if (isEmbedded) document.documentElement.classList.add("embedded");
render(<Root />, document.getElementById("root")!);
