// Who comes back, cohort by cohort.
import { day, share, whole } from "../data/format";
import { read, toFilter, write } from "../data/filter";
import { useQuestion } from "../data/use-question";
import { useVariables } from "../data/use-variables";
import { Choice, Controls } from "../layout/controls";
import { Shell } from "../layout/shell";
import { StepField, useChoices } from "../layout/step-field";
import { Nothing } from "../panels/nothing";
import { Answered, Panel } from "../panels/panel";
import { useParam } from "../router";
import { Retention as Question, type RetentionPeriod, type RetentionQuery } from "../schema.gen";
import { useScope } from "../viewer";

type Report = NonNullable<RetentionQuery["app"]>["retention"];
type Cohort = Report["cohorts"][number];

const PERIODS: Record<RetentionPeriod, string> = { DAY: "Days", WEEK: "Weeks", MONTH: "Months" };
const ONE: Record<RetentionPeriod, string> = { DAY: "Day", WEEK: "Week", MONTH: "Month" };
/** More columns than this are exported, but not drawn. */
const COLUMNS = 16;
const SHADES = 8;

function cohortName(start: string, period: RetentionPeriod, zone: string): string {
  if (period !== "MONTH") return day(start, zone);
  return new Intl.DateTimeFormat(undefined, { timeZone: zone, month: "long", year: "numeric" }).format(new Date(start));
}

/** From 0 to 8, where half is already as dark as it gets: few products keep more. */
const shade = (value: number | null) => (value === null ? undefined : Math.min(SHADES, Math.ceil(value * SHADES * 2)));

function Cell({ point, title }: { point: Cohort["points"][number] | undefined; title: string }) {
  if (!point || point.share === null) return <td class="heat" />;
  return (
    <td
      class="heat"
      data-shade={point.offset === 0 ? "first" : shade(point.share)}
      title={`${title}: ${whole(point.users)}`}
    >
      {share(point.share)}
    </td>
  );
}

function HeatMap({ report }: { report: Report }) {
  const { app } = useScope();
  const width = Math.min(COLUMNS, report.total.length);
  const offsets = Array.from({ length: width }, (_, offset) => offset);
  return (
    <div class="scroll heatmap" tabIndex={0} role="region" aria-label="Cohorts">
      <table>
        <thead>
          <tr>
            <th scope="col">First seen</th>
            <th scope="col" class="right">
              Users
            </th>
            {offsets.map((offset) => (
              <th key={offset} scope="col">
                {ONE[report.period]} {offset}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <tr class="total">
            <th scope="row">All</th>
            <td class="right">{whole(report.total[0]?.users ?? 0)}</td>
            {offsets.map((offset) => (
              <Cell key={offset} point={report.total[offset]} title="All" />
            ))}
          </tr>
          {report.cohorts.map((cohort) => {
            const name = cohortName(cohort.start, report.period, app.timezone);
            return (
              <tr key={cohort.start}>
                <th scope="row">{name}</th>
                <td class="right">{whole(cohort.users)}</td>
                {offsets.map((offset) => (
                  <Cell key={offset} point={cohort.points[offset]} title={name} />
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function useStep(name: string) {
  const [text, setText] = useParam(name);
  const step = (text && read(text)) || null;
  return { step, filter: step && toFilter([step]), set: (value: typeof step) => setText(value && write(value)) };
}

export function Retention() {
  const { view } = useScope();
  const choices = useChoices();
  const [param, setParam] = useParam("period");
  const long = ["LAST_90_DAYS", "THIS_YEAR", "LAST_12_MONTHS", "ALL_TIME"].includes(view.preset ?? "");
  const usual: RetentionPeriod = long ? "WEEK" : "DAY";
  const period = param !== null && Object.hasOwn(PERIODS, param) ? (param as RetentionPeriod) : usual;
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
              value={period}
              options={PERIODS}
              choose={(value) => setParam(value === usual ? null : value)}
            />
          </div>
        }
        table={report && { name: "retention", rows: report.cohorts, fields }}
        shown={{ operation: Question, variables }}
      >
        <Answered asked={asked} rows={10}>
          {() =>
            report && report.cohorts.some(({ users }) => users > 0) ? (
              <HeatMap report={report} />
            ) : (
              <Nothing title="Nobody did this in this range." />
            )
          }
        </Answered>
      </Panel>
    </Shell>
  );
}
