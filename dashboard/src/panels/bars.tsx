// Rows of a name and a number, drawn as bars; some of them lead somewhere.
import { share, short, whole } from "../data/format";

export type Bar = { key: string; name: string; value: number; share?: number; pressed?: boolean; click?: () => void };

/** Without `most`, the longest bar is that of the greatest value. */
export function Bars({ rows, units, most }: { rows: Bar[]; units?: string; most?: number }) {
  const full = most ?? Math.max(1, ...rows.map(({ value }) => value));
  return (
    <>
      {units && (
        <p class="units muted" aria-hidden="true">
          {units}
        </p>
      )}
      <ol class="ranking">
        {rows.map((row) => {
          const inner = (
            <>
              <i class="bar" style={{ width: `${(row.value / full) * 100}%` }} />
              <span class="name">{row.name}</span>
              {row.share !== undefined && <span class="share">{share(row.share)}</span>}
              <span class="value" title={whole(row.value)}>
                {short(row.value)}
              </span>
            </>
          );
          return (
            <li key={row.key}>
              {row.click ? (
                <button
                  type="button"
                  class="line"
                  aria-pressed={row.pressed ?? false}
                  title={row.name}
                  onClick={row.click}
                >
                  {inner}
                </button>
              ) : (
                <div class="line" title={row.name}>
                  {inner}
                </div>
              )}
            </li>
          );
        })}
      </ol>
    </>
  );
}
