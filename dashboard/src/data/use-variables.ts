// What every question of a page has in common.
import { useMemo } from "preact/hooks";
import { useScope } from "../viewer";
import { toFilter } from "./filter";
import { rangeOf } from "./view";

export function useVariables() {
  const { app, view, goals } = useScope();
  return useMemo(
    () => ({
      app: app.id,
      range: rangeOf(view, app.timezone),
      filter: toFilter(view.conditions, goals),
      bots: view.bots,
      timezone: app.timezone,
    }),
    [app, view, goals],
  );
}
