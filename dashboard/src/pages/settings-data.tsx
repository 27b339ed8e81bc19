// What the server keeps for an app: whether it adds up, what was not kept or could not be stored, and who was erased.
import { useState } from "preact/hooks";
import { Failure, ask } from "../data/ask";
import { count, moment, whole } from "../data/format";
import { useList } from "../data/use-list";
import { Wrong } from "../layout/states";
import { Figures } from "../panels/figures";
import { More } from "../panels/more";
import { Answered, Panel } from "../panels/panel";
import { Receipt } from "../panels/receipt";
import {
  Erasures as ErasuresQuestion,
  type ErasuresQuery,
  Verification as Question,
  type VerificationQuery,
} from "../schema.gen";
import { mayChange, useScope } from "../viewer";
import { DeadLetters } from "./settings-dead-letters";
import { RefusedEvents } from "./settings-refused";

type Part = NonNullable<VerificationQuery["app"]>["verification"];
type Sums = Omit<Part, "isConsistent" | "next">;

const NOTHING: Sums = {
  sealedRows: 0,
  sealedEvents: 0,
  tailRows: 0,
  segments: 0,
  bytes: 0,
  rollups: 0,
  rollupBytes: 0,
  drift: [],
};

function plus(a: Sums, b: Sums): Sums {
  return {
    sealedRows: a.sealedRows + b.sealedRows,
    sealedEvents: a.sealedEvents + b.sealedEvents,
    tailRows: a.tailRows + b.tailRows,
    segments: a.segments + b.segments,
    bytes: a.bytes + b.bytes,
    rollups: a.rollups + b.rollups,
    rollupBytes: a.rollupBytes + b.rollupBytes,
    drift: [...a.drift, ...b.drift],
  };
}

const bytes = new Intl.NumberFormat(undefined, {
  style: "unit",
  unit: "byte",
  notation: "compact",
  unitDisplay: "narrow",
  maximumFractionDigits: 1,
});

/** Compares part by part, as one request has only so much time. */
function useVerification(app: string) {
  const [state, setState] = useState<{ busy: boolean; done: boolean; sums: Sums; error?: Failure }>();
  const run = async () => {
    let sums = NOTHING;
    try {
      for (let after: string | null = null, first = true; first || after !== null; first = false) {
        setState({ busy: true, done: false, sums });
        const answer: VerificationQuery = await ask(Question, { app, after });
        const part = answer.app?.verification;
        if (!part) break;
        sums = plus(sums, part);
        after = part.next;
      }
      setState({ busy: false, done: true, sums });
    } catch (error) {
      const failure = error instanceof Failure ? error : new Failure(String(error), "INTERNAL");
      setState({ busy: false, done: false, sums, error: failure });
    }
  };
  return { state, run };
}

function Verification() {
  const { app } = useScope();
  const { state, run } = useVerification(app.id);
  const sums = state?.sums;
  return (
    <Panel title="Does it add up?" shown={{ operation: Question, variables: { app: app.id, after: null } }}>
      <p class="muted">
        Figures come from columns, which are made of the events as they were stored. This counts both and compares.
      </p>
      <div aria-live="polite">
        {state?.done && sums && (
          <p class="verdict">
            {sums.drift.length === 0 ? (
              <span class="badge good">everything agrees</span>
            ) : (
              <span class="badge bad">{count(sums.drift.length, "difference")}</span>
            )}
          </p>
        )}
        {sums && sums !== NOTHING && (
          <Figures
            figures={[
              ["Stored events", whole(sums.sealedRows)],
              ["In columns", whole(sums.sealedEvents)],
              ["Newer than all columns", whole(sums.tailRows), "Questions read them as they are"],
              ["Segments", whole(sums.segments)],
              ["Columns take", bytes.format(sums.bytes)],
              ["Sums by hour take", bytes.format(sums.rollupBytes), count(sums.rollups, "segment")],
            ]}
          />
        )}
        {sums && sums.drift.length > 0 && (
          <ul class="list">
            {sums.drift.map((place) => (
              <li key={place}>{place}</li>
            ))}
          </ul>
        )}
      </div>
      <Wrong error={state?.error} />
      <p>
        <button type="button" class="button" disabled={state?.busy} onClick={run}>
          {state?.busy ? "Comparing…" : state ? "Compare again" : "Compare"}
        </button>
      </p>
    </Panel>
  );
}

type Erased = NonNullable<ErasuresQuery["app"]>["erasures"]["nodes"][number];

const erasureFields = [
  { name: "receipt", value: (erased: Erased) => erased.receiptId as unknown },
  { name: "requested_at", value: (erased: Erased) => erased.requestedAt },
  { name: "requested_by", value: (erased: Erased) => erased.requestedBy },
  { name: "finished_at", value: (erased: Erased) => erased.finishedAt },
  { name: "events", value: (erased: Erased) => erased.events },
  { name: "sessions", value: (erased: Erased) => erased.sessions },
  { name: "segments", value: (erased: Erased) => erased.segments },
  { name: "spooled_events", value: (erased: Erased) => erased.spooledEvents },
  { name: "dead_letters", value: (erased: Erased) => erased.deadLetters },
];

function Erasures() {
  const { app } = useScope();
  const variables = { app: app.id };
  const list = useList(ErasuresQuestion, variables, (answer) => answer.app?.erasures);
  return (
    <Panel
      title="People who were erased"
      class="apart"
      table={{ name: "erasures", rows: list.nodes, fields: erasureFields }}
      shown={{ operation: ErasuresQuestion, variables }}
    >
      <Answered asked={list.first} rows={1}>
        {() =>
          list.nodes.length === 0 ? (
            <p class="none muted">
              Nobody yet. A person is erased from their own page under Users; the receipt is then kept here.
            </p>
          ) : (
            <>
              {list.nodes.map((receipt) => (
                <details class="values" key={receipt.receiptId}>
                  <summary>
                    {moment(receipt.requestedAt, app.timezone)} · {count(receipt.events, "event")} removed
                  </summary>
                  <Receipt receipt={receipt} />
                </details>
              ))}
              <More {...list} />
            </>
          )
        }
      </Answered>
    </Panel>
  );
}

export function DataSettings() {
  const { app } = useScope();
  return (
    <>
      <Verification />
      <RefusedEvents />
      <DeadLetters />
      {mayChange(app) && <Erasures />}
    </>
  );
}
