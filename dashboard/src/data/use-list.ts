// A list that comes page by page: the first one like every question, further ones when somebody wants them.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Operation } from "../schema.gen";
import { Failure, ask } from "./ask";
import { useQuestion } from "./use-question";

export type Connection<Node> = { nodes: Node[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };

/** The pages that were read of a question, the first of which came with the answer `of`. */
type List<A, Node> = { key: string; of?: A | undefined; pages: Connection<Node>[] };

type Paged = { after?: string | null | undefined };

export function useList<A, V extends Paged, Node>(
  operation: Operation<A, V>,
  variables: V | null,
  connectionOf: (answer: A) => Connection<Node> | null | undefined,
) {
  const first = useQuestion(operation, variables);
  const key = JSON.stringify(variables);
  const [list, setList] = useState<List<A, Node>>({ key, pages: [] });
  const [state, setState] = useState<{ busy: boolean; error?: Failure }>({ busy: false });
  const asked = useRef(key);
  asked.current = key;

  /** Reads on behind these pages, until there are so many; null when something else is looked at by then. */
  const read = async (pages: Connection<Node>[], until: number): Promise<Connection<Node>[] | null> => {
    const last = pages.at(-1)?.pageInfo;
    if (!variables || !last?.hasNextPage || pages.length >= until) return pages;
    const page = connectionOf(await ask(operation, { ...variables, after: last.endCursor }));
    if (asked.current !== key) return null;
    return page ? read([...pages, page], until) : pages;
  };
  const grow = async (of: A | undefined, pages: Connection<Node>[], until: number) => {
    setState({ busy: true });
    try {
      const all = await read(pages, until);
      if (all) setList({ key, of, pages: all });
      setState({ busy: false });
    } catch (error) {
      setState({ busy: false, error: error instanceof Failure ? error : new Failure(String(error), "INTERNAL") });
    }
  };

  const begin = first.data && connectionOf(first.data);
  // What was asked anew is read as far as it was before, and shows when all of it is there.
  const isBehind = first.isCurrent && list.of !== first.data && list.key === key && list.pages.length > 1;
  useEffect(() => {
    if (isBehind && begin) void grow(first.data, [begin], list.pages.length);
  }, [isBehind, first.data]);

  const pages = isBehind || list.of === first.data ? list.pages : begin ? [begin] : [];
  const more = () => void grow(first.data, pages, pages.length + 1);
  return {
    first,
    nodes: pages.flatMap(({ nodes }) => nodes),
    more: first.isCurrent && pages.at(-1)?.pageInfo.hasNextPage ? more : undefined,
    ...state,
  };
}
