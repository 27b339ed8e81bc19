// By how much a figure changed, for the eye and for the ear.
import { difference } from "../data/format";

export function Change({ value, inverse = false }: { value: number | null; inverse?: boolean | undefined }) {
  if (value === null) return <span class="change muted">–</span>;
  const level = Math.abs(value) < 0.005;
  const good = value > 0 !== inverse;
  const arrow = level ? "" : value > 0 ? "↑ " : "↓ ";
  return (
    <span class={`change ${level ? "muted" : good ? "good" : "bad"}`}>
      <span aria-hidden="true">{arrow}</span>
      <span class="unseen">{level ? "" : value > 0 ? "up " : "down "}</span>
      {difference(value)}
    </span>
  );
}
