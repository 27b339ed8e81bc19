import { getOperationAST } from "graphql";

/** Sends an operation to the server this page came from, with its cookie. A subscription is answered again and again. */
export async function ask(operation, { headers, documentAST } = {}) {
  const isLive = documentAST && getOperationAST(documentAST, operation.operationName)?.operation === "subscription";
  const abort = new AbortController();
  const response = await fetch("/graphql", {
    method: "POST",
    headers: {
      ...headers,
      "content-type": "application/json",
      accept: isLive ? "text/event-stream" : "application/json",
    },
    credentials: "same-origin",
    body: JSON.stringify(operation),
    signal: abort.signal,
  });
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream");
  return isStream ? answers(response.body, abort) : response.json();
}

/** The answers in a stream of server-sent events. Whoever stops listening hangs up. */
async function* answers(body, abort) {
  let text = "";
  try {
    for await (const piece of body.pipeThrough(new TextDecoderStream())) {
      const events = (text + piece).split("\n\n");
      text = events.pop();
      for (const event of events) {
        if (event.startsWith("event: next")) yield JSON.parse(event.slice(event.indexOf("data: ") + 6));
        if (event.startsWith("event: complete")) return;
      }
    }
  } finally {
    abort.abort();
  }
}
