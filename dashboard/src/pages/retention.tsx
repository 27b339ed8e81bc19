// Who comes back, cohort by cohort.
import { read, toFilter, write } from "../data/filter";
import { useQuestion } from "../data/use-question";
import { useVariables } from "../data/use-variables";
import { Choice, Controls } from "../layout/controls";
import { Shell } from "../layout/shell";
import { StepField, useChoices } from "../layout/step-field";
import { type Cohort, HeatMap } from "../panels/heat-map";
import { Nothing } from "../panels/nothing";
import { Answered, Panel } from "../panels/panel";
import { useParam } from "../router";
import { Retention as Question, type RetentionPeriod } from "../schema.gen";
import { useScope } from "../viewer";

const FITTING = "";
const PERIODS: Record<RetentionPeriod, string> = { DAY: "Days", WEEK: "Weeks", MONTH: "Months" };

function useStep(name: string) {
  const [text, setText] = useParam(name);
  const step = (text && read(text)) || null;
  return { step, filter: step && toFilter([step]), set: (value: typeof step) => setText(value && write(value)) };
}

export function Retention() {
  const { app } = useScope();
  const choices = useChoices();
  const [param, setParam] = useParam("period");
  // The server knows which suit the range, unless somebody chose.
  const period = param !== null && Object.hasOwn(PERIODS, param) ? (param as RetentionPeriod) : null;
  const start = useStep("start");
  const back = useStep("return");
  const variables = { ...useVariables(), period, start: start.filter, return: back.filter };
  const asked = useQuestion(Question, variables);
  const report = asked.data?.app?.retention;
  const fields = [
    { name: "cohort", value: (cohort: Cohort) => cohort.start },
    { name: "users", value: (cohort: Cohort) => cohort.users },
    ...(report?.total ?? []).map(({ offset }) => ({
      name: `${offset}`,
      value: (cohort: Cohort) => cohort.points[offset]?.users,
    })),
  ];
  return (
    <Shell page="retention" title="Retention">
      <Controls title="Retention" />
      <Panel
        title="Retention"
        head={
          <div class="sentence">
            <span>Who did</span>
            <StepField label="First" value={start.step} choices={choices} any="anything" change={start.set} />
            <span>and came back for</span>
            <StepField label="Later" value={back.step} choices={choices} any="anything" change={back.set} />
            <Choice
              label="Period"
              value={period ?? FITTING}
              options={{ [FITTING]: report ? `${PERIODS[report.period]} (fitting)` : "Fitting", ...PERIODS }}
              choose={(value: string) => setParam(value || null)}
            />
          </div>
        }
        table={report && { name: "retention", rows: report.cohorts, fields }}
        shown={{ operation: Question, variables }}
        keep={{ title: "Retention", display: "RETENTION", operation: Question, variables }}
      >
        <Answered asked={asked} rows={10}>
          {() =>
            report && report.cohorts.some(({ users }) => users > 0) ? (
              <HeatMap report={report} zone={app.timezone} />
            ) : (
              <Nothing title="Nobody did this in this range." />
            )
          }
        </Answered>
      </Panel>
    </Shell>
  );
}
