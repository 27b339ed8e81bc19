// Answers that come by themselves, by the protocol graphql-transport-ws: a socket for each subscription, opened again
// whenever it is lost.
import type { Operation } from "../schema.gen";
import { Failure } from "./ask";

/** `waiting`: it was lost, and is tried again in a moment. */
export type LiveState = "connecting" | "live" | "waiting" | "failed";

type Message<A> =
  | { type: "connection_ack" | "pong" | "complete" }
  | { type: "ping"; payload?: unknown }
  | { type: "next"; payload: { data?: A | null; errors?: Problem[] } }
  | { type: "error"; payload: Problem[] };

type Problem = { message: string; extensions?: { code?: string } };

type Watcher<A> = {
  answer: (answer: A) => void;
  state: (state: LiveState, failure?: Failure) => void;
};

/** What another attempt may mend. */
const PASSING = ["RATE_LIMITED", "UNAVAILABLE", "TIMEOUT", "INTERNAL"];
/** Of the protocol: whoever asks is not known. */
const UNAUTHORIZED = [4401, 4403];

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
/** A socket on which nothing comes, not even the answer to a ping, is dead. */
const PING_MS = 15_000;

/** Answers `operation` until the function that it returns is called. */
export function subscribe<A, V>(operation: Operation<A, V>, variables: V, watcher: Watcher<A>): () => void {
  let [socket, attempts, stopped]: [WebSocket | undefined, number, boolean] = [undefined, 0, false];
  let retry: ReturnType<typeof setTimeout> | undefined;
  let ping: ReturnType<typeof setInterval> | undefined;

  const close = () => {
    clearTimeout(retry);
    clearInterval(ping);
    if (socket) socket.onopen = socket.onmessage = socket.onclose = null;
    socket?.close(1000);
    socket = undefined;
  };
  const stop = () => {
    stopped = true;
    close();
    removeEventListener("online", now);
  };
  const fail = (failure: Failure) => {
    stop();
    watcher.state("failed", failure);
  };
  const later = () => {
    close();
    watcher.state("waiting");
    const most = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** attempts++);
    // All who were cut off together do not come back together.
    retry = setTimeout(connect, most / 2 + (Math.random() * most) / 2);
  };
  const now = () => {
    if (!socket) connect();
  };
  const problem = ({ message, extensions }: Problem) => {
    const code = extensions?.code ?? "INTERNAL";
    if (PASSING.includes(code)) later();
    else fail(new Failure(message, code));
  };

  function connect() {
    if (stopped) return;
    close();
    watcher.state("connecting");
    const address = new URL("/graphql/ws", location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const opened = new WebSocket(address, "graphql-transport-ws");
    socket = opened;
    let heard = true;
    const say = (message: object) => opened.readyState === WebSocket.OPEN && opened.send(JSON.stringify(message));
    opened.onopen = () => {
      say({ type: "connection_init" });
      ping = setInterval(() => {
        if (!heard) return later();
        heard = false;
        say({ type: "ping" });
      }, PING_MS);
    };
    opened.onclose = ({ code }) => {
      if (UNAUTHORIZED.includes(code)) fail(new Failure("You are signed out.", "UNAUTHENTICATED"));
      else later();
    };
    opened.onmessage = ({ data }) => {
      heard = true;
      const message = JSON.parse(String(data)) as Message<A>;
      if (message.type === "connection_ack") {
        say({ id: "1", type: "subscribe", payload: { query: operation.text, variables } });
      } else if (message.type === "ping") say({ type: "pong" });
      else if (message.type === "complete") later();
      else if (message.type === "error") problem(message.payload[0] ?? { message: "The server gave no answer." });
      else if (message.type === "next") {
        const [error] = message.payload.errors ?? [];
        if (error) return problem(error);
        if (!message.payload.data) return;
        attempts = 0;
        watcher.state("live");
        watcher.answer(message.payload.data);
      }
    };
  }

  addEventListener("online", now);
  connect();
  return stop;
}
