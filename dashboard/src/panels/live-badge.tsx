// Whether what shows is what goes on.
import type { LiveAnswer } from "../data/use-live";

const SAID: Record<LiveAnswer<unknown>["state"], string> = {
  live: "Live",
  connecting: "Connecting",
  waiting: "Connection lost, trying again",
  paused: "Paused",
  failed: "Not live",
};

export function LiveBadge({ state }: { state: LiveAnswer<unknown>["state"] }) {
  return (
    <span class={`live-badge ${state}`} role="status">
      <i class="dot" aria-hidden="true" />
      {SAID[state]}
    </span>
  );
}
