// Why events were not kept: what clients are told, and pass on to nobody.
import { count, moment } from "../data/format";
import { useQuestion } from "../data/use-question";
import { Answered, Panel } from "../panels/panel";
import { RefusedEvents as Question, type RefusedEventsQuery } from "../schema.gen";
import { useScope } from "../viewer";

type Refused = NonNullable<RefusedEventsQuery["app"]>["refusedEvents"][number];

const DAYS = 7;

const fields = [
  { name: "code", value: ({ code }: Refused) => code as unknown },
  { name: "field", value: ({ field }: Refused) => field },
  { name: "message", value: ({ message }: Refused) => message },
  { name: "events", value: ({ events }: Refused) => events },
  { name: "last_at", value: ({ lastAt }: Refused) => lastAt },
];

export function RefusedEvents() {
  const { app } = useScope();
  const variables = { app: app.id, days: DAYS };
  const asked = useQuestion(Question, variables);
  const refused = asked.data?.app?.refusedEvents ?? [];
  return (
    <Panel
      title="Refused events"
      class="apart"
      table={{ name: "refused-events", rows: refused, fields }}
      shown={{ operation: Question, variables }}
    >
      <p class="muted">What was sent in the last {DAYS} days and not kept, by reason. It is in no figure.</p>
      <Answered asked={asked} rows={1}>
        {() =>
          refused.length === 0 ? (
            <p class="none muted">None: all that came was kept.</p>
          ) : (
            <ul class="list">
              {refused.map(({ code, field, message, events, lastAt }) => (
                <li key={`${code} ${field}`}>
                  <div>
                    <strong>{code}</strong> {message}
                    <p class="muted small">
                      {field && (
                        <>
                          <code>{field}</code> ·{" "}
                        </>
                      )}
                      last {moment(lastAt, app.timezone)}
                    </p>
                  </div>
                  <span>{count(events, "event")}</span>
                </li>
              ))}
            </ul>
          )
        }
      </Answered>
    </Panel>
  );
}
