// What came after something, or before it, step by step.
import { count } from "../data/format";
import type { PathsQuery } from "../schema.gen";
import { Bars } from "./bars";

type Transition = NonNullable<PathsQuery["app"]>["paths"]["transitions"][number];

const ROOM = 8;

/** The most frequent transitions of each step that lead on. Each count is exact; rarer ones are not there at all. */
function byStep(transitions: Transition[]): Transition[][] {
  const steps = new Map<number, Transition[]>();
  for (const transition of transitions) {
    if (transition.to !== null) steps.set(transition.step, [...(steps.get(transition.step) ?? []), transition]);
  }
  return [...steps].sort(([a], [b]) => a - b).map(([, transitions]) => transitions.slice(0, ROOM));
}

/** Where all come from the same, only where they went is worth saying. */
function nameOf({ from, to }: Transition, alone: boolean, before: boolean): string {
  return alone || from === null ? (to ?? "") : `${from} ${before ? "←" : "→"} ${to}`;
}

export function PathSteps({ transitions, before }: { transitions: Transition[]; before: boolean }) {
  const steps = byStep(transitions);
  const most = Math.max(1, ...steps.flat().map(({ sessions }) => sessions));
  return (
    <div class="steps" tabIndex={0} role="region" aria-label="Steps">
      {steps.map((transitions, index) => {
        const alone = new Set(transitions.map(({ from }) => from)).size === 1;
        return (
          <section key={index} aria-label={`Step ${index + 1}`}>
            <h2>
              {count(index + 1, "step")} {before ? "before" : "after"}
            </h2>
            <Bars
              most={most}
              rows={transitions.map((one) => ({
                key: `${one.from} ${one.to}`,
                name: nameOf(one, alone, before),
                value: one.sessions,
                share: one.share,
              }))}
            />
          </section>
        );
      })}
    </div>
  );
}
