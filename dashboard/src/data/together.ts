// Asks what is asked at the same moment in few requests: a dashboard of thirty panels is not thirty requests a minute.
import type { Operation } from "../schema.gen";
import { Failure, type Answer, ask, failureOf, send } from "./ask";
import { type Part, alias, cut, merged } from "./merge";

type Waiting = {
  operation: Operation<unknown, unknown>;
  variables: unknown;
  part: Part;
  signal: AbortSignal | undefined;
  done: (answer: unknown) => void;
  fail: (error: unknown) => void;
};

/** What is asked within so many milliseconds goes together. */
const MOMENT_MS = 20;
/** Bounds of a request: what costs too much all the same is asked one by one. */
const MOST = 8;
const MOST_NAMED = 100;
const MOST_BYTES = 48 * 1024;
/** Failures that asking one by one would only repeat. */
const COMMON = ["OFFLINE", "UNAUTHENTICATED", "RATE_LIMITED", "UNAVAILABLE"];

/** Failures that say nothing about the documents. */
const PASSING = ["TIMEOUT", "INTERNAL"];

/** Documents that a request with others was refused for. */
const alone = new Set<string>();

let waiting: Waiting[] = [];

/** Like `ask`, for questions about an app. Whoever has but a link may ask each panel only as it stands. */
export const askTogether: typeof ask = <A, V>(
  operation: Operation<A, V>,
  variables: V,
  signal?: AbortSignal,
  link?: string,
) => {
  const part = link === undefined && !alone.has(operation.text) ? cut(operation.text) : undefined;
  if (!part) return ask(operation, variables, signal, link);
  return new Promise<A>((done, fail) => {
    if (waiting.length === 0) setTimeout(go, MOMENT_MS);
    waiting.push({ operation, variables, part, signal, done: done as (answer: unknown) => void, fail });
  });
};

function go() {
  const asking = waiting.filter(({ signal }) => !signal?.aborted);
  waiting = [];
  let group: Waiting[] = [];
  let [variables, directives, bytes] = [0, 0, 0];
  for (const one of asking) {
    const own = one.operation.text.length + JSON.stringify(one.variables ?? {}).length;
    variables += one.part.variables;
    directives += one.part.directives;
    bytes += own;
    const isFull = group.length >= MOST || Math.max(variables, directives) > MOST_NAMED || bytes > MOST_BYTES;
    if (isFull && group.length > 0) {
      void answer(group);
      group = [];
      [variables, directives, bytes] = [one.part.variables, one.part.directives, own];
    }
    group.push(one);
  }
  if (group.length > 0) void answer(group);
}

const single = ({ operation, variables, signal, done, fail }: Waiting) =>
  ask(operation, variables, signal).then(done, fail);

async function answer(group: Waiting[]) {
  if (group.length === 1) return single(group[0]!);
  const { text, variables } = merged(group);
  let answer: Answer<Record<string, unknown>>;
  try {
    answer = await send(text, variables);
  } catch (error) {
    for (const { fail } of group) fail(error);
    return;
  }
  const { data, errors = [], status, retryAfter } = answer;
  const [refusal] = errors.filter(({ path }) => !path);
  if (!data || refusal) {
    const failure = refusal
      ? failureOf(refusal, retryAfter)
      : new Failure(`The server answered with status ${status}.`, "INTERNAL");
    if (COMMON.includes(failure.code)) {
      for (const { fail } of group) fail(failure);
      return;
    }
    if (!PASSING.includes(failure.code)) for (const { operation } of group) alone.add(operation.text);
    for (const one of group) void single(one);
    return;
  }
  group.forEach(({ part, done, fail }, place) => {
    const problem = errors.find(({ path }) => path?.[0] === alias(place));
    if (problem) fail(failureOf(problem, retryAfter));
    else done({ [part.name]: data[alias(place)] });
  });
}
