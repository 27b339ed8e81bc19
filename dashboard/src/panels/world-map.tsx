// Countries on a map, darker the more visitors came from there. Its outlines are loaded when it is first looked at.
import { useEffect, useRef, useState } from "preact/hooks";
import { Failure } from "../data/ask";
import { isSame } from "../data/filter";
import { valueName, whole } from "../data/format";
import { toggled } from "../data/view";
import { ErrorNote } from "../layout/states";
import { useScope } from "../viewer";
import { type RankedRow, conditionOf } from "./ranking";

type Outlines = typeof import("../charts/world.gen");

const SHADES = 8;
/** Countries that are said where they cannot be seen. */
const SAID = 10;

let outlines: Outlines | undefined;

function useOutlines() {
  const [loaded, setLoaded] = useState(outlines);
  const [error, setError] = useState<Failure>();
  const load = () => {
    setError(undefined);
    import("../charts/world.gen").then(
      (module) => {
        outlines = module;
        setLoaded(module);
      },
      () => setError(new Failure("The map could not be loaded.", "OFFLINE")),
    );
  };
  useEffect(() => {
    if (!loaded) load();
  }, []);
  return { loaded, error, load };
}

type Visited = Pick<RankedRow, "values" | "uniqueUsers">;

/** Filters by the country that is clicked. */
export function WorldMap({ rows }: { rows: RankedRow[] }) {
  const { view, setView } = useScope();
  const isChosen = (code: string) => view.conditions.some((other) => isSame(other, conditionOf("country", code)));
  return (
    <Countries
      rows={rows}
      isChosen={isChosen}
      choose={(code) => setView(toggled(view, conditionOf("country", code)))}
    />
  );
}

export function Countries(props: {
  rows: Visited[];
  isChosen?: (code: string) => boolean;
  choose?: (code: string) => void;
}) {
  const { rows, isChosen, choose } = props;
  const { loaded, error, load } = useOutlines();
  const map = useRef<SVGSVGElement>(null);
  const [at, setAt] = useState<string>();
  if (error) return <ErrorNote error={error} retry={load} />;
  if (!loaded) return <div class="world" />;
  const visitors = new Map(rows.map((row) => [row.values[0] ?? null, row.uniqueUsers]));
  const most = Math.max(1, ...visitors.values());
  const name = (code: string) => `${valueName("country", code)}: ${whole(visitors.get(code) ?? 0)}`;
  // One of them is reached by the tabulator, the others from there by arrows, in the order of their visitors.
  const drawn = new Set(loaded.COUNTRIES.map(([code]) => code));
  const order = [...visitors.keys()].filter((code) => code !== null).filter((code) => drawn.has(code));
  const stop = at !== undefined && order.includes(at) ? at : order[0];
  const said = order.slice(0, SAID).map(name).join(", ");
  const press = (event: KeyboardEvent, code: string) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step) {
      const next = order[(order.indexOf(code) + step + order.length) % order.length]!;
      setAt(next);
      map.current?.querySelector<SVGElement>(`[data-country="${next}"]`)?.focus();
    } else if (event.key === "Enter" || event.key === " ") choose?.(code);
    else return;
    event.preventDefault();
  };
  const button = (code: string) =>
    choose && {
      role: "button" as const,
      tabIndex: code === stop ? 0 : -1,
      "aria-label": name(code),
      "aria-pressed": isChosen?.(code) ?? false,
      onClick: () => choose(code),
      onKeyDown: (event: KeyboardEvent) => press(event, code),
      onFocus: () => setAt(code),
    };
  return (
    <svg
      class="world"
      ref={map}
      viewBox={loaded.VIEW_BOX}
      role={choose ? "group" : "img"}
      aria-label={`Visitors by country. ${said || "There are none."}`}
    >
      {loaded.COUNTRIES.map(([code, outline], index) => {
        const count = code === null ? undefined : visitors.get(code);
        if (code === null || count === undefined) return <path key={index} d={outline} />;
        return (
          <path
            key={index}
            d={outline}
            // Roots, as a few countries have most of the visitors.
            data-shade={Math.max(1, Math.ceil(Math.sqrt(count / most) * SHADES))}
            data-country={code}
            class={isChosen?.(code) ? "chosen" : undefined}
            {...button(code)}
          >
            <title>{name(code)}</title>
          </path>
        );
      })}
    </svg>
  );
}
