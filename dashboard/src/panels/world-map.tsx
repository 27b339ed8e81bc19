// Countries on a map, darker the more visitors came from there. Its outlines are loaded when it is first looked at.
import { useEffect, useState } from "preact/hooks";
import { isSame } from "../data/filter";
import { valueName, whole } from "../data/format";
import { toggled } from "../data/view";
import { useScope } from "../viewer";
import { type RankedRow, conditionOf } from "./ranking";

type Outlines = typeof import("../charts/world.gen");

const SHADES = 8;

let outlines: Outlines | undefined;

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
  const [loaded, setLoaded] = useState(outlines);
  useEffect(() => {
    if (loaded) return;
    void import("../charts/world.gen").then((module) => {
      outlines = module;
      setLoaded(module);
    });
  }, [loaded]);
  if (!loaded) return <div class="world" />;
  const visitors = new Map(rows.map((row) => [row.values[0] ?? null, row.uniqueUsers]));
  const most = Math.max(1, ...visitors.values());
  return (
    <svg
      class="world"
      viewBox={loaded.VIEW_BOX}
      role="img"
      aria-label={`Visitors by country.${choose ? " The tab beside lists them." : ""}`}
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
            class={isChosen?.(code) ? "chosen" : undefined}
            onClick={choose && (() => choose(code))}
          >
            <title>{`${valueName("country", code)}: ${whole(count)}`}</title>
          </path>
        );
      })}
    </svg>
  );
}
