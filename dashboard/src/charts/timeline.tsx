// Figures over time, with those of the range compared with behind them.
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { useTheme } from "../layout/theme";
import type { Interval } from "../schema.gen";
import { type Axis, axisOf, bucketName } from "./axis";

export type Point = { start: string; end: string; value: number | null; previous: number | null };

type Props = {
  title: string;
  points: Point[];
  interval: Interval;
  zone: string;
  format: (value: number | null) => string;
  /** Whether there is a range to compare with. */
  comparing: boolean;
  /** Somebody drew a range with the pointer. */
  zoom?: (from: string, to: string) => void;
  /** Pixels. */
  height?: number;
};

const HEIGHT = 260;

/** Whether there is anything to say of an interval yet. */
export const hasBegun = ({ start }: { start: string }, now = Date.now()) => Date.parse(start) <= now;

/** The colour of a custom property as it shows now; what is painted does not follow the style by itself. */
function colours(box: HTMLElement) {
  const probe = box.appendChild(document.createElement("i"));
  const of = (name: string) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const found = {
    line: of("--accent"),
    fill: of("--tint"),
    before: of("--faint"),
    text: of("--muted"),
    grid: of("--line"),
  };
  probe.remove();
  return found;
}

function options(
  props: Props,
  axis: Axis,
  width: number,
  paint: ReturnType<typeof colours>,
  look: (at: number | null) => void,
): uPlot.Options {
  const font = "12px system-ui, sans-serif";
  const { points, format } = props;
  const line = { stroke: paint.line, width: 2, points: { show: points.length === 1 } };
  return {
    width,
    height: props.height ?? HEIGHT,
    padding: [12, 26, 0, 0],
    legend: { show: false },
    scales: { x: { time: false }, y: { range: (_, __, most) => [0, most > 0 ? most * 1.08 : 1] } },
    cursor: {
      y: false,
      points: { size: 9, width: 2, stroke: paint.line, fill: paint.line },
      drag: { x: props.zoom !== undefined, y: false, setScale: false },
    },
    axes: [
      {
        font,
        size: 34,
        stroke: paint.text,
        grid: { show: false },
        ticks: { show: false },
        splits: () => axis.ticks,
        values: (_, splits) => splits.map((index) => axis.labels[index] ?? ""),
      },
      {
        font,
        size: 56,
        stroke: paint.text,
        grid: { stroke: paint.grid, width: 1 },
        ticks: { show: false },
        values: (_, splits) => splits.map((value) => format(value)),
      },
    ],
    series: [
      {},
      { stroke: paint.before, width: 1.5, dash: [4, 4], points: { show: false } },
      { ...line, fill: paint.fill },
      // The interval that has not ended yet.
      { ...line, dash: [5, 5] },
    ],
    hooks: {
      setCursor: [({ cursor }) => look(cursor.idx ?? null)],
      setSelect: [
        (plot) => {
          if (plot.select.width < 8) return;
          const index = (x: number) => Math.max(0, Math.min(points.length - 1, Math.round(plot.posToVal(x, "x"))));
          const [first, last] = [points[index(plot.select.left)], points[index(plot.select.left + plot.select.width)]];
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          if (first && last) props.zoom?.(first.start, last.end);
        },
      ],
    },
  };
}

/** What has not begun yet is blank, and not nothing; the interval that goes on is not one of those that are over. */
function data({ points, comparing }: Props): uPlot.AlignedData {
  const now = Date.now();
  const open = points.length > 1 ? points.findIndex(({ end }) => Date.parse(end) > now) : -1;
  const over = open < 0 ? points.length : open;
  return [
    points.map((_, index) => index),
    points.map(({ previous }) => (comparing ? previous : null)),
    points.map(({ value }, index) => (index < over ? value : null)),
    points.map((point, index) => (index >= over - 1 && index <= over && hasBegun(point, now) ? point.value : null)),
  ];
}

export function TimelineChart(props: Props) {
  const box = useRef<HTMLDivElement>(null);
  const theme = useTheme();
  const [width, setWidth] = useState(0);
  const [at, setAt] = useState<number | null>(null);
  const { points, interval, zone, format, title, comparing } = props;

  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, []);

  useEffect(() => {
    const target = box.current;
    if (!target || width < 50) return;
    const axis = axisOf(
      points.map(({ start }) => start),
      interval,
      zone,
      width - 70,
    );
    // Paper is light, whatever this was painted for.
    target.dataset.painted = matchMedia("print").matches ? "light" : theme;
    const plot = new uPlot(options(props, axis, width, colours(target), setAt), data(props), target);
    return () => plot.destroy();
  }, [points, width, theme, comparing, props.height]);

  const chosen = [at === null ? undefined : points[at]].find((point) => point && hasBegun(point));
  const total = points.length;
  return (
    <div class="timeline">
      <div
        class="canvas"
        ref={box}
        role="img"
        aria-label={`${title} over time, ${total} values.${props.zoom ? " The table below has them." : ""}`}
      />
      {chosen && at !== null && (
        <div class={at > total / 2 ? "tip left" : "tip right"} aria-hidden="true">
          <span class="muted">{bucketName(chosen.start, interval, zone)}</span>
          <strong>{format(chosen.value)}</strong>
          {comparing && <span class="muted">before: {format(chosen.previous)}</span>}
        </div>
      )}
    </div>
  );
}
