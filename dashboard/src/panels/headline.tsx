// The headline figures; the chosen one is drawn below them.
import { METRICS, METRIC_NAMES, type Figures, type MetricName, changeOf } from "../data/metrics";
import { money } from "../data/format";
import { Change } from "./change";

export type Money = { amount: string; currency: string | null };

type Props = {
  now: (Figures & { revenue: Money[] }) | undefined;
  before: (Figures & { revenue: Money[] }) | null | undefined;
  chosen: MetricName;
  choose: (metric: MetricName) => void;
  /** Whether a change is shown below. */
  comparing: boolean;
};

function Tile({ name, now, before, chosen, choose, comparing }: Props & { name: MetricName }) {
  const { title, about, short, full, inverse } = METRICS[name];
  return (
    <button type="button" class="tile" aria-pressed={chosen === name} title={about} onClick={() => choose(name)}>
      <span class="title">{title}</span>
      <span class="figure" title={now && full(now[name])}>
        {now ? short(now[name]) : <i class="blank" />}
      </span>
      {comparing && (
        <span class="below">
          {now ? <Change value={changeOf(now[name], before?.[name])} inverse={inverse} /> : " "}
        </span>
      )}
    </button>
  );
}

function Revenue({ sum, before, comparing }: { sum: Money; before: Money | undefined; comparing: boolean }) {
  return (
    <div class="tile">
      <span class="title">Revenue</span>
      <span class="figure">{money(sum.amount, sum.currency)}</span>
      {comparing && (
        <span class="below">
          <Change value={changeOf(Number(sum.amount), before && Number(before.amount))} />
        </span>
      )}
    </div>
  );
}

export function Headline(props: Props) {
  const { now, before, comparing } = props;
  return (
    <div class="headline">
      {METRIC_NAMES.map((name) => (
        <Tile key={name} name={name} {...props} />
      ))}
      <Revenues now={now?.revenue} before={before?.revenue} comparing={comparing} />
    </div>
  );
}

type Sums = { now: Money[] | undefined; before: Money[] | undefined; comparing: boolean };

/** What came in, by currency. */
export function Revenues({ now = [], before, comparing }: Sums) {
  return (
    <>
      {now.map((sum) => (
        <Revenue
          key={sum.currency}
          sum={sum}
          before={before?.find(({ currency }) => currency === sum.currency)}
          comparing={comparing}
        />
      ))}
    </>
  );
}
