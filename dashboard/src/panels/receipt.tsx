// What erasing a person removed, for the records.
import { save } from "../data/export";
import { moment, whole } from "../data/format";
import type { EraseUserMutation } from "../schema.gen";
import { useScope } from "../viewer";

export type Erased = EraseUserMutation["eraseUser"]["erasure"];

export function Receipt({ receipt }: { receipt: Erased }) {
  const { app } = useScope();
  const lines: [string, string][] = [
    ["Receipt", receipt.receiptId],
    ["Asked for", moment(receipt.requestedAt, app.timezone)],
    ["By", receipt.requestedBy ?? "an account that is gone"],
    ["Finished", receipt.finishedAt ? moment(receipt.finishedAt, app.timezone) : "under way"],
    ["Events removed", whole(receipt.events)],
    ["Of sessions", whole(receipt.sessions)],
    ["Segments written anew", whole(receipt.segments)],
    ["Events removed while they waited", whole(receipt.spooledEvents)],
    ["Dead letters removed", whole(receipt.deadLetters)],
  ];
  return (
    <div class="receipt">
      <dl>
        {lines.map(([title, value]) => (
          <div key={title}>
            <dt>{title}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <button
        type="button"
        class="button"
        onClick={() =>
          save(`erasure-${receipt.receiptId}.json`, "application/json", `${JSON.stringify(receipt, null, 2)}\n`)
        }
      >
        Keep the receipt
      </button>
    </div>
  );
}
