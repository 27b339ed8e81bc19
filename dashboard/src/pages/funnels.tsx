// How far visitors come on a way, whose steps stand in the address.
import { duration, share, whole } from "../data/format";
import { type Condition, read, toFilter, write } from "../data/filter";
import { useQuestion } from "../data/use-question";
import { useVariables } from "../data/use-variables";
import { COLUMNS } from "../data/columns";
import { Choice, Controls } from "../layout/controls";
import { Icon } from "../layout/icons";
import { Shell } from "../layout/shell";
import { Empty } from "../layout/states";
import { type Choices, StepField, useChoices } from "../layout/step-field";
import { Answered, Panel, PanelMenu } from "../panels/panel";
import { FunnelGroups, FunnelSteps, groupFields, stepFields } from "../panels/funnel-steps";
import { navigate, usePlace, withParams } from "../router";
import { type Dimension, Funnel as Question } from "../schema.gen";

const MOST_STEPS = 10;

const WINDOWS: Record<string, string> = {
  "3600": "within an hour",
  "86400": "within a day",
  "604800": "within a week",
  "2592000": "within 30 days",
};

const GROUPS = {
  "": "not divided",
  country: "by country",
  device: "by device",
  browser: "by browser",
  referrerDomain: "by referrer",
  utmCampaign: "by campaign",
} as const;

const nameOf = ({ value }: Condition) => value;

function useSteps() {
  const { path, params } = usePlace();
  const steps = params
    .getAll("step")
    .map(read)
    .filter((step) => step !== undefined);
  const change = (name: string, values: string[]) => {
    const next = new URLSearchParams(params);
    next.delete(name);
    for (const value of values) next.append(name, value);
    navigate(withParams(path, next));
  };
  const window = params.get("window") ?? "604800";
  const by = params.get("by") ?? "";
  return {
    steps,
    setSteps: (steps: Condition[]) => change("step", steps.map(write)),
    window: Object.hasOwn(WINDOWS, window) ? window : "604800",
    setWindow: (value: string) => change("window", value === "604800" ? [] : [value]),
    by: (Object.hasOwn(GROUPS, by) ? by : "") as keyof typeof GROUPS,
    setBy: (value: string) => change("by", value ? [value] : []),
  };
}

function Builder({
  steps,
  setSteps,
  choices,
}: {
  steps: Condition[];
  setSteps: (steps: Condition[]) => void;
  choices: Choices | undefined;
}) {
  const next = choices?.types.find((type) => !steps.some(({ value }) => value === type)) ?? choices?.types[0];
  return (
    <ol class="builder">
      {steps.map((step, index) => (
        <li key={`${index} ${write(step)}`}>
          <span class="number">{index + 1}</span>
          <StepField
            label={`Step ${index + 1}`}
            value={step}
            choices={choices}
            change={(changed) => changed && setSteps(steps.map((old, at) => (at === index ? changed : old)))}
          />
          <button
            type="button"
            class="quiet icon"
            aria-label={`Remove step ${index + 1}`}
            onClick={() => setSteps(steps.filter((_, at) => at !== index))}
          >
            <Icon name="close" />
          </button>
        </li>
      ))}
      {steps.length < MOST_STEPS && (
        <li>
          <button
            type="button"
            class="button"
            disabled={!next}
            onClick={() => next && setSteps([...steps, { column: "eventType", operator: "is", value: next }])}
          >
            <Icon name="plus" /> Add a step
          </button>
        </li>
      )}
    </ol>
  );
}

function Answer({ steps, window, by }: { steps: Condition[]; window: string; by: keyof typeof GROUPS }) {
  const dimension: Dimension | null = by ? COLUMNS[by].dimension : null;
  const variables = {
    ...useVariables(),
    steps: steps.map((step) => ({ name: nameOf(step), filter: toFilter([step]) ?? {} })),
    windowSeconds: Number(window),
    by: dimension,
  };
  const names = steps.map(nameOf);
  const asked = useQuestion(Question, variables);
  const funnel = asked.data?.app?.funnel;
  const [first, last] = [funnel?.steps[0], funnel?.steps.at(-1)];
  return (
    <Panel
      title="Funnel"
      head={
        <h2>
          {first && last && first.users > 0
            ? `${share(last.conversion)} of ${whole(first.users)} visitors came to the end`
            : "Funnel"}
        </h2>
      }
      table={funnel && { name: "funnel", rows: funnel.steps, fields: stepFields }}
      shown={{ operation: Question, variables }}
      keep={{ title: names.join(" → ").slice(0, 100), display: "FUNNEL", operation: Question, variables }}
    >
      <Answered asked={asked} rows={6}>
        {() =>
          funnel && first && first.users > 0 ? (
            <>
              <FunnelSteps steps={funnel.steps} />
              {last?.medianSeconds != null && (
                <p class="muted">Half of them took less than {duration(last.medianSeconds)}.</p>
              )}
              {by && (
                <>
                  <div class="row stretch apart">
                    <h3>By {GROUPS[by].replace("by ", "")}</h3>
                    <span class="fill" />
                    <PanelMenu
                      title="the groups"
                      table={{ name: "funnel-groups", rows: funnel.rows, fields: groupFields(by, names) }}
                    />
                  </div>
                  <FunnelGroups column={by} rows={funnel.rows} names={names} />
                </>
              )}
            </>
          ) : (
            <Empty title="Nobody took the first step in this range." />
          )
        }
      </Answered>
    </Panel>
  );
}

export function Funnels() {
  const { steps, setSteps, window, setWindow, by, setBy } = useSteps();
  const choices = useChoices();
  const suggested =
    choices?.types.slice(0, 3).map((value): Condition => ({ column: "eventType", operator: "is", value })) ?? [];
  return (
    <Shell page="funnels" title="Funnels">
      <Controls title="Funnels" />
      <Panel
        title="Steps"
        head={
          <div class="sentence">
            <h2>Steps, one after the other</h2>
            <Choice label="Time to the last step" value={window} options={WINDOWS} choose={setWindow} />
            <Choice label="Divide" value={by} options={GROUPS} choose={setBy} />
          </div>
        }
      >
        <Builder steps={steps} setSteps={setSteps} choices={choices} />
      </Panel>
      <div class="apart">
        {steps.length >= 2 ? (
          <Answer steps={steps} window={window} by={by} />
        ) : (
          <div class="card">
            <Empty title="A funnel has two steps or more.">
              <p class="muted">It counts visitors who did one after the other, and where the rest were lost.</p>
              {suggested.length >= 2 && (
                <button type="button" class="primary" onClick={() => setSteps(suggested)}>
                  Try {suggested.map(nameOf).join(" → ")}
                </button>
              )}
            </Empty>
          </div>
        )}
      </div>
    </Shell>
  );
}
