// What a person may ask of whoever keeps data about them: a copy of it, and that it goes.
import { useState } from "preact/hooks";
import { count, moment } from "../data/format";
import { useChange, useQuestion } from "../data/use-question";
import { Wrong } from "../layout/states";
import { EraseUser, Erasure, ExportUser } from "../schema.gen";
import { useScope } from "../viewer";
import { Answered, Panel } from "./panel";
import { Receipt } from "./receipt";

function Export({ userId }: { userId: string }) {
  const { app } = useScope();
  const run = useChange(ExportUser);
  const file = run.answer?.exportUser.export;
  return (
    <div>
      <h3>Export</h3>
      <p class="muted small">A file of everything the app knows of this person, a line of JSON for each event.</p>
      {file ? (
        <div role="status">
          <a class="button" href={file.url} download={`${userId}.ndjson`}>
            Download {count(file.events, "event")}
          </a>
          <p class="muted small below">
            Of the ids {file.ids.join(", ")}. Whoever has the address can download it until{" "}
            {moment(file.expiresAt, app.timezone)}.
          </p>
        </div>
      ) : (
        <button
          type="button"
          class="button"
          disabled={run.busy}
          onClick={() => run.run({ input: { appId: app.id, userId } })}
        >
          Prepare the file
        </button>
      )}
      <Wrong error={run.error} />
    </div>
  );
}

function Erase({ userId, erased }: { userId: string; erased: () => void }) {
  const { app } = useScope();
  const erase = useChange(EraseUser);
  const [sure, setSure] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (!(await erase.run({ input: { appId: app.id, userId } }))) return;
    setSure(false);
    erased();
  };
  return (
    <div>
      <h3>Erase</h3>
      <p class="muted small">
        Removes every event of this person and of ids that are linked to them, wherever the server keeps it. This cannot
        be undone.
      </p>
      {sure ? (
        <form class="sentence" onSubmit={submit}>
          <label>
            Type {userId} to go on
            <input
              name="id"
              required
              autocomplete="off"
              onInput={({ currentTarget: field }) =>
                field.setCustomValidity(field.value === userId ? "" : `Type ${userId}.`)
              }
            />
          </label>
          <button type="button" class="button" onClick={() => setSure(false)}>
            Cancel
          </button>
          <button type="submit" class="button danger" disabled={erase.busy}>
            Erase for good
          </button>
        </form>
      ) : (
        <button type="button" class="button danger" onClick={() => setSure(true)}>
          Erase this person
        </button>
      )}
      <Wrong error={erase.error} />
    </div>
  );
}

/** For those who may change the app; `erased` is called once something was. */
export function PersonData({ userId, erased }: { userId: string; erased: () => void }) {
  const { app } = useScope();
  const variables = { app: app.id, userId };
  const asked = useQuestion(Erasure, variables);
  const receipt = asked.data?.app?.erasure;
  return (
    <Panel title="This person’s data" class="apart" shown={{ operation: Erasure, variables }}>
      <Answered asked={asked} rows={3}>
        {() => (
          <>
            <div class="two">
              {/* What was erased cannot be downloaded any more. */}
              <Export userId={userId} key={receipt?.receiptId} />
              <Erase
                userId={userId}
                erased={() => {
                  asked.retry();
                  erased();
                }}
              />
            </div>
            {receipt && (
              <section class="apart" aria-label="Receipt">
                <h3>Erased {moment(receipt.requestedAt, app.timezone)}</h3>
                <p class="muted small">What arrived later counts as that of somebody new.</p>
                <Receipt receipt={receipt} />
              </section>
            )}
          </>
        )}
      </Answered>
    </Panel>
  );
}
