// Cohorts as rows, and how many of each came back as ever darker cells.
import { day, share, whole } from "../data/format";
import type { RetentionPeriod, RetentionQuery } from "../schema.gen";

export type Retained = NonNullable<RetentionQuery["app"]>["retention"];
export type Cohort = Retained["cohorts"][number];

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

export function HeatMap({ report, zone }: { report: Retained; zone: string }) {
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
            const name = cohortName(cohort.start, report.period, zone);
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
