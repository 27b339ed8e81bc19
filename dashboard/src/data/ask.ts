// One operation to the server this page came from: with its cookie, or by a link to a dashboard and nothing else.
import type { Operation } from "../schema.gen";

/** Why there is no answer: a sentence for a person, a code for us, and when to try again. */
export class Failure extends Error {
  constructor(
    message: string,
    readonly code: string,
    readonly field: string | undefined = undefined,
    readonly retryAfter = 0,
  ) {
    super(message);
  }
}

type Problem = { message: string; extensions?: { code?: string; field?: string } };

export async function ask<A, V>(
  operation: Operation<A, V>,
  variables: V,
  signal?: AbortSignal,
  /** What opens a dashboard, or nothing yet; then no cookie goes along. */
  link?: string,
): Promise<A> {
  let response: Response;
  try {
    response = await fetch("/graphql", {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json",
        ...(link && { authorization: `Bearer ${link}` }),
      },
      credentials: link === undefined ? "same-origin" : "omit",
      body: JSON.stringify({ query: operation.text, variables }),
      ...(signal && { signal }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Failure("The server cannot be reached.", "OFFLINE");
  }
  const answer = (await response.json().catch(() => ({}))) as { data?: A; errors?: Problem[] };
  const [problem] = answer.errors ?? [];
  if (problem) {
    const { code = "INTERNAL", field } = problem.extensions ?? {};
    throw new Failure(problem.message, code, field, Number(response.headers.get("retry-after") ?? 0));
  }
  if (!answer.data) throw new Failure(`The server answered with status ${response.status}.`, "INTERNAL");
  return answer.data;
}
