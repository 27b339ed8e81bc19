// The GraphQL behind a panel: what it asks, to be read, taken along, or asked anew in the playground.
import { Snippet } from "../layout/copy";
import { Icon } from "../layout/icons";
import { Window } from "../layout/window";
import type { Operation } from "../schema.gen";

/** A question that can be shown. */
export type Shown = { operation: Operation<unknown, unknown>; variables: unknown };

export function Explorer({ title, shown, close }: { title: string; shown: Shown; close: () => void }) {
  const query = shown.operation.text;
  const variables = JSON.stringify(shown.variables, null, 2);
  return (
    <Window title={`The GraphQL of ${title}`} close={close}>
      <div class="stack explorer">
        <p class="muted">
          The panel shows the answer to this. Whoever may see the app may ask it as well, at <code>/graphql</code>.
        </p>
        <p>
          <a
            class="button"
            href={`/playground#${new URLSearchParams({ query, variables })}`}
            target="_blank"
            rel="noopener"
          >
            Open in the playground <Icon name="link" />
          </a>
        </p>
        <Snippet label="Query" text={query} />
        <Snippet label="Variables" text={variables} />
      </div>
    </Window>
  );
}
