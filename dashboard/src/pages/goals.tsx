// What visitors are meant to do, and how many do; and the filters that the app keeps.
import { useState } from "preact/hooks";
import { keepTable } from "../board/keep";
import { Sparkline } from "../charts/sparkline";
import { hasBegun } from "../charts/timeline";
import { money, share, whole } from "../data/format";
import { type Condition, toFilter } from "../data/filter";
import { changeOf } from "../data/metrics";
import { useList } from "../data/use-list";
import { useChange } from "../data/use-question";
import { useVariables } from "../data/use-variables";
import { comparisonOf, toggled } from "../data/view";
import { Controls } from "../layout/controls";
import { EditKept } from "../layout/edit-kept";
import { Icon } from "../layout/icons";
import { Shell } from "../layout/shell";
import { Empty, Wrong } from "../layout/states";
import { StepField, useChoices } from "../layout/step-field";
import { Change } from "../panels/change";
import { More } from "../panels/more";
import { Answered, Panel } from "../panels/panel";
import { CreateGoal, DeleteGoal, Goals as Question, type GoalsQuery, PanelGoals, UpdateGoal } from "../schema.gen";
import { mayEdit, useScope } from "../viewer";
import { Segments } from "./goals-segments";

type Goal = NonNullable<GoalsQuery["app"]>["goals"]["nodes"][number];

const fields = [
  { name: "goal", value: (goal: Goal) => goal.name },
  { name: "completions", value: (goal: Goal) => goal.conversion.completions },
  { name: "visitors", value: (goal: Goal) => goal.conversion.visitors },
  { name: "visitor_rate", value: (goal: Goal) => goal.conversion.visitorRate },
  { name: "revenue", value: (goal: Goal) => goal.conversion.revenue },
];

function NewGoal({ made }: { made: () => void }) {
  const { app } = useScope();
  const choices = useChoices();
  const create = useChange(CreateGoal);
  const [step, setStep] = useState<Condition | null>(null);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const filter = step && toFilter([step]);
    if (!filter) return;
    const name = String(new FormData(form).get("name")).trim();
    if (!(await create.run({ input: { appId: app.id, name, filter } }))) return;
    form.reset();
    setStep(null);
    made();
  };
  return (
    <Panel title="A new goal" class="apart">
      <form class="sentence" onSubmit={submit}>
        <label>
          <span class="unseen">Name</span>
          <input name="name" required maxLength={100} placeholder="Name" autocomplete="off" />
        </label>
        <span>is reached by</span>
        <StepField label="Reached by" value={step} choices={choices} change={setStep} />
        <button type="submit" class="primary" disabled={create.busy}>
          Create goal
        </button>
      </form>
      <Wrong error={create.error} />
      <p class="muted small">
        For anything finer, filter any page and keep the filters as a goal. Goals count the past as well.
      </p>
    </Panel>
  );
}

function GoalLine({ goal, comparing, changed }: { goal: Goal; comparing: boolean; changed: () => void }) {
  const { app, view, setView } = useScope();
  const remove = useChange(DeleteGoal);
  const update = useChange(UpdateGoal);
  const [editing, setEditing] = useState(false);
  const { conversion } = goal;
  const condition: Condition = { column: "goal", operator: "is", value: goal.id };
  return (
    <li class="goal">
      <div class="what">
        <strong>{goal.name}</strong>
        <p class="muted small">{goal.description || `${whole(conversion.completions)} times`}</p>
      </div>
      <Sparkline values={conversion.timeline.buckets.filter((bucket) => hasBegun(bucket)).map(({ events }) => events)} label={`${goal.name} over time`} />
      <dl class="figures">
        <div>
          <dt>Visitors</dt>
          <dd>{whole(conversion.visitors)}</dd>
        </div>
        <div>
          <dt>Conversion</dt>
          <dd>
            {share(conversion.visitorRate)}{" "}
            {comparing && <Change value={changeOf(conversion.visitorRate, conversion.previous?.visitorRate)} />}
          </dd>
        </div>
        {conversion.revenue.map(({ amount, currency }) => (
          <div key={currency}>
            <dt>Revenue</dt>
            <dd>{money(amount, currency)}</dd>
          </div>
        ))}
      </dl>
      <div class="row end">
        <button type="button" class="quiet" onClick={() => setView(toggled(view, condition))}>
          <Icon name="filter" /> Filter
        </button>
        {mayEdit(app) && (
          <>
            <button
              type="button"
              class="quiet icon"
              aria-label={`Edit the goal ${goal.name}`}
              aria-expanded={editing}
              onClick={() => setEditing(!editing)}
            >
              <Icon name="edit" />
            </button>
            <button
              type="button"
              class="quiet icon"
              aria-label={`Delete the goal ${goal.name}`}
              disabled={remove.busy}
              onClick={async () =>
                confirm(`Delete the goal “${goal.name}”?`) &&
                (await remove.run({ input: { id: goal.id } })) &&
                changed()
              }
            >
              <Icon name="trash" />
            </button>
          </>
        )}
      </div>
      <Wrong error={remove.error} />
      {editing && (
        <EditKept
          kind="goal"
          kept={goal}
          busy={update.busy}
          error={update.error}
          close={() => setEditing(false)}
          save={async (changes) => {
            if (!(await update.run({ input: { id: goal.id, ...changes } }))) return;
            setEditing(false);
            changed();
          }}
        />
      )}
    </li>
  );
}

export function Goals() {
  const { app, view, renew } = useScope();
  const compare = comparisonOf(view);
  const shared = useVariables();
  const variables = { ...shared, compare };
  const list = useList(Question, variables, (answer) => answer.app?.goals);
  const goals = list.nodes;
  const changed = () => {
    list.first.retry();
    renew();
  };
  return (
    <Shell page="goals" title="Goals">
      <Controls title="Goals" comparing />
      <Answered asked={list.first} rows={6}>
        {() => {
          if (goals.length === 0) {
            return (
              <div class="card">
                <Empty title="No goals yet.">
                  <p class="muted">A goal is an event or a page that visitors should reach, such as a purchase.</p>
                </Empty>
              </div>
            );
          }
          return (
            <Panel
              title="Goals"
              table={{ name: "goals", rows: goals, fields }}
              shown={{ operation: Question, variables }}
              keep={keepTable("Goals", PanelGoals, shared)}
            >
              <ul>
                {goals.map((goal) => (
                  <GoalLine key={goal.id} goal={goal} comparing={compare !== null} changed={changed} />
                ))}
              </ul>
              <More {...list} />
            </Panel>
          );
        }}
      </Answered>
      {mayEdit(app) && <NewGoal made={changed} />}
      <Segments />
    </Shell>
  );
}
