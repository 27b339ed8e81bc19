// A funnel as columns that grow smaller, and the same by groups.
import { duration, share, valueName, whole } from "../data/format";
import { titleOf } from "../data/filter";
import type { FunnelQuery } from "../schema.gen";
import { DataTable, type TableColumn } from "./table";

type Report = NonNullable<FunnelQuery["app"]>["funnel"];
type Step = Report["steps"][number];
type Group = Report["rows"][number];

export const stepFields = [
  { name: "step", value: (step: Step) => step.name },
  { name: "users", value: (step: Step) => step.users },
  { name: "conversion", value: (step: Step) => step.conversion },
  { name: "conversion_from_previous", value: (step: Step) => step.conversionFromPrevious },
  { name: "drop_off", value: (step: Step) => step.dropOff },
  { name: "median_seconds", value: (step: Step) => step.medianSeconds },
];

export function FunnelSteps({ steps }: { steps: Step[] }) {
  return (
    <ol class="funnel">
      {steps.map((step, index) => (
        <li key={`${index} ${step.name}`}>
          <div class="pillar" aria-hidden="true">
            <i style={{ height: `${(step.conversion ?? 0) * 100}%` }} />
          </div>
          <p class="name" title={step.name}>
            <span class="number">{index + 1}</span> {step.name}
          </p>
          <p>
            <strong>{whole(step.users)}</strong> <span class="muted">{share(step.conversion)}</span>
          </p>
          {index > 0 && (
            <p class="muted small">
              {share(step.conversionFromPrevious)} of the step before
              <br />
              <span class={step.dropOff > 0 ? "bad" : undefined}>{whole(step.dropOff)} lost</span>
              {step.medianSeconds !== null && ` · ${duration(step.medianSeconds)}`}
            </p>
          )}
        </li>
      ))}
    </ol>
  );
}

/** Columns of the groups: the value of each, and how many took each step. */
export function groupFields(column: string, names: string[]): TableColumn<Group>[] {
  return [
    {
      name: "value",
      title: titleOf(column) || "Group",
      value: (row: Group) => row.value,
      show: (row: Group) => valueName(column, row.value),
    },
    ...names.map((name, index) => ({
      name: `${index + 1} ${name}`,
      title: name,
      right: true,
      value: (row: Group) => row.steps[index]?.users,
      show: (row: Group) => (
        <>
          {whole(row.steps[index]?.users ?? 0)}{" "}
          <span class="muted">{index > 0 && share(row.steps[index]?.conversion)}</span>
        </>
      ),
    })),
  ];
}

export function FunnelGroups({ column, rows, names }: { column: string; rows: Group[]; names: string[] }) {
  const columns = groupFields(column, names);
  return <DataTable label="By group" columns={columns} rows={rows} keyOf={(row) => row.value ?? ""} />;
}
