// The filters that an app keeps under a name.
import { useState } from "preact/hooks";
import { useChange } from "../data/use-question";
import { toggled } from "../data/view";
import { EditKept, type Kept } from "../layout/edit-kept";
import { Icon } from "../layout/icons";
import { Wrong } from "../layout/states";
import { Panel } from "../panels/panel";
import { DeleteSavedSegment, Saved, UpdateSavedSegment } from "../schema.gen";
import { mayEdit, useScope } from "../viewer";

function SegmentLine({ id, segment }: { id: string; segment: Kept }) {
  const { app, view, setView, renew } = useScope();
  const remove = useChange(DeleteSavedSegment);
  const update = useChange(UpdateSavedSegment);
  const [editing, setEditing] = useState(false);
  const { name } = segment;
  return (
    <li class="kept">
      <div class="row">
        <button
          type="button"
          class="choose"
          title="Filter by it"
          onClick={() => setView(toggled(view, { column: "segment", operator: "is", value: id }))}
        >
          {name} {segment.description && <span class="muted small">{segment.description}</span>}
        </button>
        {mayEdit(app) && (
          <>
            <button
              type="button"
              class="quiet icon"
              aria-label={`Edit the segment ${name}`}
              aria-expanded={editing}
              onClick={() => setEditing(!editing)}
            >
              <Icon name="edit" />
            </button>
            <button
              type="button"
              class="quiet icon"
              aria-label={`Delete the segment ${name}`}
              onClick={async () =>
                confirm(`Delete the segment “${name}”?`) && (await remove.run({ input: { id } })) && renew()
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
          kind="segment"
          kept={segment}
          busy={update.busy}
          error={update.error}
          close={() => setEditing(false)}
          save={async (changes) => {
            if (!(await update.run({ input: { id, ...changes } }))) return;
            setEditing(false);
            renew();
          }}
        />
      )}
    </li>
  );
}

const fields = [
  { name: "segment", value: ({ name }: Kept) => name as unknown },
  { name: "description", value: ({ description }: Kept) => description },
  { name: "filter", value: ({ filter }: Kept) => filter },
];

export function Segments() {
  const { app, segments } = useScope();
  return (
    <Panel
      title="Segments"
      class="apart"
      table={{ name: "segments", rows: [...segments.values()], fields }}
      shown={{ operation: Saved, variables: { app: app.id } }}
    >
      {segments.size === 0 ? (
        <p class="none muted">Filter any page and choose “Keep”: the filters are then here by a name, for everybody.</p>
      ) : (
        <ul>
          {[...segments].map(([id, segment]) => (
            <SegmentLine key={id} id={id} segment={segment} />
          ))}
        </ul>
      )}
    </Panel>
  );
}
