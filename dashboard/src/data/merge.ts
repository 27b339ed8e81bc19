// Questions about one app, each a document of its own, put together as one.

/** A document whose only field is `app`, cut into what is needed to put it beside others. */
export type Part = {
  /** What stands between the brackets behind the operation's name. */
  definitions: string[];
  /** The name under which the answer stands. */
  name: string;
  /** From `app` to the end of its selection. */
  field: string[];
  /** The fragments, which are spread by name. */
  fragments: string[];
  /** How many variables and directives it brings, of which a request may hold a hundred each. */
  variables: number;
  directives: number;
};

const TOKEN = /"""(?:\\"""|[\s\S])*?"""|"(?:\\.|[^"\\\n])*"|#[^\n]*|\.\.\.|[$@]?[A-Za-z_]\w*|-?\d[\w.+-]*|[^\s,]/g;
const OPENING = "([{";
const CLOSING = ")]}";

/** The place behind the bracket that closes the one at `from`. */
function behind(tokens: string[], from: number): number {
  let depth = 0;
  for (let at = from; at < tokens.length; at++) {
    const token = tokens[at]!;
    if (OPENING.includes(token)) depth++;
    else if (CLOSING.includes(token) && --depth === 0) return at + 1;
  }
  return tokens.length;
}

/** Undefined where a document has another shape than ours; it is then asked alone. */
export function cut(text: string): Part | undefined {
  const tokens = (text.match(TOKEN) ?? []).filter((token) => !token.startsWith("#"));
  let at = 0;
  if (tokens[at++] !== "query") return undefined;
  if (/^\w/.test(tokens[at] ?? "")) at++;
  const ends = tokens[at] === "(" ? behind(tokens, at) : at;
  const definitions = tokens.slice(at + 1, Math.max(at, ends - 1));
  at = ends;
  if (tokens[at++] !== "{") return undefined;
  const name = tokens[at + 1] === ":" ? tokens[at]! : "app";
  if (tokens[at + 1] === ":") at += 2;
  if (tokens[at] !== "app" || tokens[at + 1] !== "(") return undefined;
  const selection = behind(tokens, at + 1);
  const end = behind(tokens, selection);
  if (tokens[selection] !== "{" || tokens[end] !== "}") return undefined;
  const fragments = tokens.slice(end + 1);
  if (fragments.length > 0 && fragments[0] !== "fragment") return undefined;
  const count = (sign: string, of: string[]) => of.filter((token) => token.startsWith(sign)).length;
  return {
    definitions,
    name,
    field: tokens.slice(at, end),
    fragments,
    variables: count("$", definitions),
    directives: count("@", tokens),
  };
}

/** With other names for variables and fragments, so that those of another part are not meant. */
function renamed(tokens: string[], suffix: string): string {
  const isName = (token: string, before: string | undefined) =>
    token.startsWith("$") || before === "fragment" || (before === "..." && /^\w/.test(token) && token !== "on");
  const named = tokens.map((token, at) => (isName(token, tokens[at - 1]) ? token + suffix : token));
  return named.map((token, at) => (isClose(tokens[at - 1], token) ? token : ` ${token}`)).join("");
}

/** Whether two words stand without room between them, as the server wants some of them to. */
const isClose = (before: string | undefined, token: string) =>
  "!:)]".includes(token) || "([".includes(before ?? " ") || (before === "..." && token !== "on");

/** One document of all, in which the answer to each stands under `alias` of its place, and its variables. */
export function merged(parts: readonly { part: Part; variables: unknown }[]): { text: string; variables: object } {
  const suffixed = parts.map(({ part, variables }, place) => {
    const suffix = `_${place}`;
    const own = Object.entries((variables ?? {}) as Record<string, unknown>);
    return {
      definitions: renamed(part.definitions, suffix),
      field: `${alias(place)}: ${renamed(part.field, suffix)}`,
      fragments: renamed(part.fragments, suffix),
      variables: own.map(([name, value]) => [name + suffix, value]),
    };
  });
  const definitions = suffixed.map(({ definitions }) => definitions).join(" ").trim();
  const fields = suffixed.map(({ field }) => field).join(" ");
  const fragments = suffixed.map(({ fragments }) => fragments).join(" ");
  return {
    text: `query Panels${definitions && `(${definitions})`} { ${fields} } ${fragments}`.trim(),
    variables: Object.fromEntries(suffixed.flatMap(({ variables }) => variables)),
  };
}

export const alias = (place: number) => `panel${place}`;
