// Saved panels on a grid, each with the answer to what it asks; and the same being rearranged.
import { useContext, useMemo, useRef } from "preact/hooks";
import { askTogether } from "../data/together";
import { LinkContext, useQuestion } from "../data/use-question";
import { Icon } from "../layout/icons";
import { Mishap } from "../layout/mishap";
import { Answered, PanelMenu } from "../panels/panel";
import type { Operation } from "../schema.gen";
import { tableOf } from "./any-table";
import { DISPLAYS } from "./displays";
import type { StoredPanel } from "./keep";
import { GAP, ROW, inOrder, moved, nudged, resized } from "./place";

/** Whoever looks on sees it go on. */
const REFRESH_MS = 60_000;
/** Pixels of a panel that are not for its answer: its title and its edges. */
const FRAME = 78;

const STEPS: Record<string, [columns: number, rows: number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Where the pointer went down, how wide a column was, and how the panels stood. */
type Start = { x: number; y: number; column: number; before: StoredPanel[]; panel: StoredPanel };

type Change = (panels: StoredPanel[]) => void;

/** What is done to a panel while its dashboard is edited. */
function Tools({ panel, panels, change }: { panel: StoredPanel; panels: StoredPanel[]; change: Change }) {
  const start = useRef<Start>(null);
  const drag = (how: typeof moved, byKey: typeof moved) => ({
    onPointerDown: (event: PointerEvent) => {
      const handle = event.currentTarget as HTMLElement;
      const width = handle.closest(".board")?.clientWidth ?? 0;
      handle.setPointerCapture(event.pointerId);
      start.current = { x: event.clientX, y: event.clientY, column: (width + GAP) / 12, before: panels, panel };
    },
    onPointerMove: (event: PointerEvent) => {
      if (!start.current) return;
      const { x, y, column, before, panel } = start.current;
      const columns = Math.round((event.clientX - x) / column);
      change(how(before, panel, columns, Math.round((event.clientY - y) / (ROW + GAP))));
    },
    onPointerUp: () => (start.current = null),
    onPointerCancel: () => (start.current = null),
    onKeyDown: (event: KeyboardEvent) => {
      const step = STEPS[event.key];
      if (!step) return;
      event.preventDefault();
      change(byKey(panels, panel, ...step));
    },
  });
  const { title } = panel;
  return (
    <>
      <button
        type="button"
        class="quiet icon grip"
        aria-label={`Move ${title}`}
        title="Drag it, or use the arrow keys"
        {...drag(moved, nudged)}
      >
        <Icon name="move" />
      </button>
      <button
        type="button"
        class="quiet icon"
        aria-label={`Remove ${title}`}
        onClick={() => change(panels.filter((other) => other !== panel))}
      >
        <Icon name="trash" />
      </button>
      <button
        type="button"
        class="quiet icon corner-grip"
        aria-label={`Resize ${title}`}
        title="Drag it, or use the arrow keys"
        {...drag(resized, resized)}
      >
        <Icon name="resize" />
      </button>
    </>
  );
}

/** A panel with the answer to what it asks. */
function Stored({ panel, panels, timezone, change }: Props & { panel: StoredPanel }) {
  const operation: Operation<unknown, unknown> = { text: panel.document };
  const asked = useQuestion(operation, panel.variables, REFRESH_MS, askTogether);
  const Display = DISPLAYS[panel.display];
  const isMember = useContext(LinkContext) === undefined;
  const height = Math.max(80, panel.height * (ROW + GAP) - GAP - FRAME);
  const { title } = panel;
  const table = useMemo(
    () => (asked.data === undefined ? undefined : { name: title, ...tableOf(asked.data) }),
    [asked.data],
  );
  const rename = (text: string) =>
    change?.(panels.map((other) => (other === panel ? { ...panel, title: text.trim() || title } : other)));
  return (
    <section
      class="card panel"
      aria-label={title}
      style={{ gridColumn: `${panel.x + 1} / span ${panel.width}`, gridRow: `${panel.y + 1} / span ${panel.height}` }}
    >
      <header>
        {change ? (
          <input
            aria-label={`Title of ${title}`}
            // An answer that comes while somebody writes must not take away what is written.
            defaultValue={title}
            maxLength={100}
            onChange={(event) => rename(event.currentTarget.value)}
          />
        ) : (
          <h2>{title}</h2>
        )}
        <span class="fill" />
        {change ? (
          <Tools panel={panel} panels={panels} change={change} />
        ) : (
          <PanelMenu
            title={title}
            table={table}
            shown={isMember ? { operation, variables: panel.variables } : undefined}
          />
        )}
      </header>
      <div class="body" tabIndex={0} role="group" aria-label={`${title}, content`}>
        <Mishap instead={<p class="none muted">This answer can not be shown.</p>}>
          <Answered asked={asked} rows={Math.max(1, Math.floor(height / 40))}>
            {(answer) => (
              <Display
                answer={answer}
                variables={(panel.variables ?? {}) as Record<string, unknown>}
                title={title}
                zone={timezone}
                height={height}
              />
            )}
          </Answered>
        </Mishap>
      </div>
    </section>
  );
}

type Props = {
  panels: StoredPanel[];
  timezone: string;
  /** Called with the panels as they are to be, while they may be rearranged. */
  change?: Change | undefined;
};

export function Board(props: Props) {
  const { panels, change } = props;
  // While it is edited the order stays: an element that is put elsewhere loses hold of the pointer.
  return (
    <div class={change ? "board editing" : "board"}>
      {(change ? panels : inOrder(panels)).map((panel) => (
        <Stored key={panel.key} panel={panel} {...props} />
      ))}
    </div>
  );
}
