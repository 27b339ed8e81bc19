// What visitors did after something, or before it.
import { count, share, whole } from "../data/format";
import { read, toFilter, write } from "../data/filter";
import { useQuestion } from "../data/use-question";
import { useVariables } from "../data/use-variables";
import { Choice, Controls } from "../layout/controls";
import { Shell } from "../layout/shell";
import { StepField, useChoices } from "../layout/step-field";
import { Nothing } from "../panels/nothing";
import { Answered, Panel } from "../panels/panel";
import { PathSteps } from "../panels/path-steps";
import { useParam } from "../router";
import { type PathDirection, type PathUnit, Paths as Question, type PathsQuery } from "../schema.gen";

type Report = NonNullable<PathsQuery["app"]>["paths"];
type Path = Report["paths"][number];

const DIRECTIONS: Record<PathDirection, string> = { AFTER: "after", BEFORE: "before" };
const UNITS: Record<PathUnit, string> = { PAGE_PATH: "Pages", EVENT_TYPE: "Events" };
const SHOWN = 25;

const fields = [
  { name: "path", value: (path: Path) => path.steps.join(" > ") },
  { name: "sessions", value: (path: Path) => path.sessions },
  { name: "share", value: (path: Path) => path.share },
];

function Sequences({ paths }: { paths: Path[] }) {
  return (
    <ol class="sequences">
      {paths.map((path) => (
        <li key={path.steps.join(" ")}>
          <span class="sequence">
            {path.steps.length === 0 && <span class="muted">nothing more</span>}
            {path.steps.map((step, index) => (
              <code key={index}>{step}</code>
            ))}
          </span>
          <span class="muted">{share(path.share)}</span>
          <strong>{whole(path.sessions)}</strong>
        </li>
      ))}
    </ol>
  );
}

export function Paths() {
  const choices = useChoices();
  const [anchorText, setAnchor] = useParam("anchor");
  const [directionText, setDirection] = useParam("direction");
  const [unitText, setUnit] = useParam("unit");
  const anchor = (anchorText && read(anchorText)) || null;
  const direction: PathDirection = directionText === "BEFORE" ? "BEFORE" : "AFTER";
  const unit: PathUnit = unitText === "EVENT_TYPE" ? "EVENT_TYPE" : "PAGE_PATH";
  const variables = { ...useVariables(), anchor: (anchor && toFilter([anchor])) ?? {}, direction, unit };
  const asked = useQuestion(Question, variables);
  const report = asked.data?.app?.paths;
  const shown = { operation: Question, variables };
  return (
    <Shell page="paths" title="Paths">
      <Controls title="Paths" />
      <Panel
        title="Step by step"
        shown={shown}
        keep={{ title: "Paths", display: "PATHS", ...shown }}
        head={
          <div class="sentence">
            <Choice
              label="Steps"
              value={unit}
              options={UNITS}
              choose={(value) => setUnit(value === "PAGE_PATH" ? null : value)}
            />
            <Choice
              label="Direction"
              value={direction}
              options={DIRECTIONS}
              choose={(value) => setDirection(value === "AFTER" ? null : value)}
            />
            <StepField
              label="Anchor"
              value={anchor}
              choices={choices}
              any="the start of the session"
              change={(value) => setAnchor(value && write(value))}
            />
          </div>
        }
      >
        <Answered asked={asked} rows={8}>
          {() =>
            report && report.sessions > 0 ? (
              <>
                <p class="muted small">
                  The most frequent steps of {count(report.sessions, "session")}, each with how many took it.
                </p>
                <PathSteps transitions={report.transitions} before={direction === "BEFORE"} />
              </>
            ) : (
              <Nothing title="No session did this in this range." />
            )
          }
        </Answered>
      </Panel>
      {report && report.paths.length > 0 && (
        <Panel
          title="The most common ways"
          class="apart"
          table={{ name: "paths", rows: report.paths.slice(0, SHOWN), fields }}
          shown={shown}
          keep={{ title: "The most common ways", display: "TABLE", ...shown }}
        >
          <Sequences paths={report.paths.slice(0, SHOWN)} />
        </Panel>
      )}
    </Shell>
  );
}
