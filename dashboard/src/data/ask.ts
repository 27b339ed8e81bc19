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

type Problem = {
  message: string;
  path?: (string | number)[];
  extensions?: { code?: string; field?: string };
};

export type Answer<A> = { data?: A | null; errors?: Problem[]; status: number; retryAfter: number };

/** What a problem of an answer means. */
export function failureOf({ message, extensions }: Problem, retryAfter: number): Failure {
  const { code = "INTERNAL", field } = extensions ?? {};
  return new Failure(message, code, field, retryAfter);
}

/** The answer as it comes, problems and all. */
export async function send<A>(
  query: string,
  variables: unknown,
  signal?: AbortSignal,
  /** What opens a dashboard, or nothing yet; then no cookie goes along. */
  link?: string,
): Promise<Answer<A>> {
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
      body: JSON.stringify({ query, variables }),
      ...(signal && { signal }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Failure("The server cannot be reached.", "OFFLINE");
  }
  const answer = (await response.json().catch(() => ({}))) as { data?: A | null; errors?: Problem[] };
  return { ...answer, status: response.status, retryAfter: Number(response.headers.get("retry-after") ?? 0) };
}

export async function ask<A, V>(
  operation: Operation<A, V>,
  variables: V,
  signal?: AbortSignal,
  link?: string,
): Promise<A> {
  const { data, errors, status, retryAfter } = await send<A>(operation.text, variables, signal, link);
  const [problem] = errors ?? [];
  if (problem) throw failureOf(problem, retryAfter);
  if (!data) throw new Failure(`The server answered with status ${status}.`, "INTERNAL");
  return data;
}
