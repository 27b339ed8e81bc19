// A list that comes page by page: the first one like every question, further ones when somebody wants them.
import { useEffect, useState } from "preact/hooks";
import type { Operation } from "../schema.gen";
import { Failure, ask } from "./ask";
import { useQuestion } from "./use-question";

export type Connection<Node> = { nodes: Node[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };

type Paged = { after?: string | null | undefined };

export function useList<A, V extends Paged, Node>(
  operation: Operation<A, V>,
  variables: V,
  connectionOf: (answer: A) => Connection<Node> | null | undefined,
) {
  const first = useQuestion(operation, variables);
  const [further, setFurther] = useState<Connection<Node>[]>([]);
  const [state, setState] = useState<{ busy: boolean; error?: Failure }>({ busy: false });
  const begin = first.data && connectionOf(first.data);
  // A first page that was asked anew may have moved, and what followed it does not fit any more.
  useEffect(() => setFurther([]), [first.data]);

  const last = further.at(-1) ?? begin;
  const more = async () => {
    if (!last) return;
    setState({ busy: true });
    try {
      const connection = connectionOf(await ask(operation, { ...variables, after: last.pageInfo.endCursor }));
      if (connection) setFurther([...further, connection]);
      setState({ busy: false });
    } catch (error) {
      setState({ busy: false, error: error instanceof Failure ? error : new Failure(String(error), "INTERNAL") });
    }
  };
  return {
    first,
    nodes: [...(begin?.nodes ?? []), ...further.flatMap(({ nodes }) => nodes)],
    more: last?.pageInfo.hasNextPage ? more : undefined,
    ...state,
  };
}
