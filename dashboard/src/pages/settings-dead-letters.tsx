// Events that were accepted and that the database then refused: tried again, or given up.
import { useState } from "preact/hooks";
import { count, moment } from "../data/format";
import { useList } from "../data/use-list";
import { useChange } from "../data/use-question";
import { Wrong } from "../layout/states";
import { More } from "../panels/more";
import { Answered, Panel } from "../panels/panel";
import {
  type DeadLettersQuery,
  DiscardDeadLetters,
  DeadLetters as Question,
  ReplayDeadLetters,
} from "../schema.gen";
import { mayChange, useScope } from "../viewer";

type Letter = NonNullable<DeadLettersQuery["app"]>["deadLetters"]["nodes"][number];

/** As many as one request may name. */
const MOST_NAMED = 100;

const fields = [
  { name: "event_id", value: (letter: Letter) => letter.eventId as unknown },
  { name: "received_at", value: (letter: Letter) => letter.receivedAt as unknown },
  { name: "failed_at", value: (letter: Letter) => letter.failedAt as unknown },
  { name: "code", value: (letter: Letter) => letter.code as unknown },
  { name: "reason", value: (letter: Letter) => letter.reason as unknown },
  { name: "event", value: (letter: Letter) => letter.event },
];

export function DeadLetters() {
  const { app } = useScope();
  const variables = { app: app.id };
  const list = useList(Question, variables, (answer) => answer.app?.deadLetters);
  const replay = useChange(ReplayDeadLetters);
  const discard = useChange(DiscardDeadLetters);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const named = [...chosen].slice(0, MOST_NAMED);
  const input = { appId: app.id, eventIds: named.length > 0 ? named : null };
  const which = named.length > 0 ? `the ${count(named.length, "chosen one", "chosen ones")}` : "all of them";
  const settle = (answer: unknown) => {
    if (!answer) return;
    setChosen(new Set());
    list.first.retry();
  };
  const choose = (id: string, on: boolean) => {
    const next = new Set(chosen);
    if (on) next.add(id);
    else next.delete(id);
    setChosen(next);
  };
  const replayed = replay.answer?.replayDeadLetters;
  const may = mayChange(app);
  return (
    <Panel
      title="Dead letters"
      class="apart"
      table={{ name: "dead-letters", rows: list.nodes, fields }}
      shown={{ operation: Question, variables }}
    >
      <p class="muted">
        Events that were accepted, and that the database then refused. They wait here and are in no figure.
      </p>
      <Answered asked={list.first} rows={1}>
        {() =>
          list.nodes.length === 0 ? (
            <p class="none muted">None, as it should be.</p>
          ) : (
            <>
              <ul class="list">
                {list.nodes.map((letter) => (
                  <li key={letter.eventId}>
                    <div>
                      {may && (
                        <input
                          type="checkbox"
                          aria-label={`Choose ${letter.eventId}`}
                          checked={chosen.has(letter.eventId)}
                          onChange={({ currentTarget }) => choose(letter.eventId, currentTarget.checked)}
                        />
                      )}{" "}
                      <strong>{letter.code}</strong> {letter.reason}
                      <p class="muted small">
                        Arrived {moment(letter.receivedAt, app.timezone)}, refused last{" "}
                        {moment(letter.failedAt, app.timezone)}
                      </p>
                      <details class="values">
                        <summary>The event</summary>
                        <pre tabIndex={0} aria-label={`Event ${letter.eventId}`}>
                          <code>{JSON.stringify(letter.event, null, 2)}</code>
                        </pre>
                      </details>
                    </div>
                  </li>
                ))}
              </ul>
              <More {...list} />
            </>
          )
        }
      </Answered>
      {may && list.nodes.length > 0 && (
        <div class="row">
          <button
            type="button"
            class="button"
            disabled={replay.busy}
            onClick={async () => settle(await replay.run({ input }))}
          >
            Try {which} again
          </button>
          <button
            type="button"
            class="button danger"
            disabled={discard.busy}
            onClick={async () => confirm(`Give ${which} up for good?`) && settle(await discard.run({ input }))}
          >
            Give {which} up
          </button>
        </div>
      )}
      {replayed && (
        <p role="status">
          {count(replayed.stored, "event")} stored, {replayed.duplicates} there already, {replayed.rejected} refused
          again.
        </p>
      )}
      {discard.answer && <p role="status">{count(discard.answer.discardDeadLetters.discarded, "event")} given up.</p>}
      <Wrong error={replay.error ?? discard.error} />
    </Panel>
  );
}
