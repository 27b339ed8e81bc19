// Single events, the newest first.
import { keepTable } from "../board/keep";
import { exactly } from "../data/format";
import { useList } from "../data/use-list";
import { useVariables } from "../data/use-variables";
import { Controls } from "../layout/controls";
import { Shell } from "../layout/shell";
import { EventLine, eventFields } from "../panels/event-line";
import { More } from "../panels/more";
import { Nothing } from "../panels/nothing";
import { Answered, Panel } from "../panels/panel";
import { PanelEvents, Events as Question } from "../schema.gen";
import { useScope } from "../viewer";

export function Events() {
  const { app } = useScope();
  const variables = useVariables();
  const list = useList(Question, variables, (answer) => answer.app?.events);
  return (
    <Shell page="events" title="Events">
      <Controls title="Events" />
      <Panel
        title="Newest first"
        table={{ name: "events", rows: list.nodes, fields: eventFields }}
        shown={{ operation: Question, variables }}
        keep={keepTable("Latest events", PanelEvents, variables)}
      >
        <Answered asked={list.first} rows={14}>
          {() =>
            list.nodes.length === 0 ? (
              <Nothing />
            ) : (
              <>
                <ol class="log">
                  {list.nodes.map((event) => (
                    <li key={event.eventId}>
                      <EventLine event={event} time={exactly(event.timestamp, app.timezone)} />
                    </li>
                  ))}
                </ol>
                <More {...list} />
              </>
            )
          }
        </Answered>
      </Panel>
    </Shell>
  );
}
