// How many visitors reach each goal, beside the other figures of the overview.
import { keepTable } from "../board/keep";
import { isSame } from "../data/filter";
import { useQuestion } from "../data/use-question";
import { useVariables } from "../data/use-variables";
import { toggled } from "../data/view";
import { OverviewGoals, type OverviewGoalsQuery, PanelGoals } from "../schema.gen";
import { useScope } from "../viewer";
import { Bars } from "./bars";
import { Answered, Panel } from "./panel";

type Goal = NonNullable<OverviewGoalsQuery["app"]>["goals"]["nodes"][number];

const fields = [
  { name: "goal", value: ({ name }: Goal) => name as unknown },
  { name: "completions", value: ({ conversion }: Goal) => conversion.completions },
  { name: "visitors", value: ({ conversion }: Goal) => conversion.visitors },
  { name: "visitor_rate", value: ({ conversion }: Goal) => conversion.visitorRate },
];

const REFRESH_MS = 60_000;

export function GoalsPanel() {
  const { view, setView } = useScope();
  const variables = useVariables();
  const asked = useQuestion(OverviewGoals, variables, REFRESH_MS);
  const goals = asked.data?.app?.goals.nodes;
  const rows = goals?.map(({ id, name, conversion }) => {
    const condition = { column: "goal", operator: "is" as const, value: id };
    return {
      key: id,
      name,
      value: conversion.visitors,
      ...(conversion.visitorRate !== null && { share: conversion.visitorRate }),
      pressed: view.conditions.some((other) => isSame(other, condition)),
      click: () => setView(toggled(view, condition)),
    };
  });
  return (
    <Panel
      title="Goals"
      table={goals && { name: "goals", rows: goals, fields }}
      shown={{ operation: OverviewGoals, variables }}
      keep={keepTable("Goals", PanelGoals, variables)}
    >
      <Answered asked={asked} rows={8}>
        {() => rows && <Bars rows={rows} units="Visitors who reached it" />}
      </Answered>
    </Panel>
  );
}
