// How many are here now, beside the title of the overview.
import { toFilter } from "../data/filter";
import { count } from "../data/format";
import { useLive } from "../data/use-live";
import { writeView } from "../data/view";
import { withParams } from "../router";
import { LiveVisitors as Question } from "../schema.gen";
import { useScope } from "../viewer";

export function LiveVisitors() {
  const { app, view, goals } = useScope();
  const variables = { app: app.id, filter: toFilter(view.conditions, goals), bots: view.bots };
  const { data, state } = useLive(Question, variables);
  const now = data?.live.app.now.uniqueUsers;
  return (
    <a
      class={`live-badge ${state === "live" ? "live" : "waiting"}`}
      href={withParams(`/apps/${app.id}/live`, writeView(view))}
      title="Visitors in the last 5 minutes"
    >
      <i class="dot" aria-hidden="true" />
      {now === undefined ? "Live" : `${count(now, "visitor")} now`}
    </a>
  );
}
