// The line above every page's panels: filters to the left, the range and what belongs to it to the right.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { BOTS, COMPARISONS, PRESETS, rangeName } from "../data/view";
import { addDays, dayOf, distance } from "../data/zone";
import type { BotTraffic } from "../schema.gen";
import { useScope } from "../viewer";
import { Filters } from "./filters";
import { Icon } from "./icons";
import { Popover } from "./popover";
import { PrintButton } from "./print";

export function Choice<T extends string>(props: {
  label: string;
  value: T;
  options: Record<T, string>;
  choose: (value: T) => void;
}) {
  const { label, value, options, choose } = props;
  return (
    <select aria-label={label} title={label} value={value} onChange={(event) => choose(event.currentTarget.value as T)}>
      {Object.entries<string>(options).map(([key, title]) => (
        <option key={key} value={key}>
          {title}
        </option>
      ))}
    </select>
  );
}

function CustomRange({ close }: { close: () => void }) {
  const { app, view, setView } = useScope();
  const today = dayOf(new Date(), app.timezone);
  const day = (text: string | null, otherwise: string) => {
    if (text === null) return otherwise;
    return text.includes("T") ? dayOf(new Date(text), app.timezone) : text;
  };
  const [from, setFrom] = useState(day(view.from, addDays(today, -13)));
  const [to, setTo] = useState(day(view.to, today));
  const apply = (event: Event) => {
    event.preventDefault();
    setView({ ...view, preset: null, from, to, interval: null });
    close();
  };
  return (
    <form class="custom" onSubmit={apply}>
      <label>
        From
        <input type="date" required value={from} max={to} onInput={(event) => setFrom(event.currentTarget.value)} />
      </label>
      <label>
        To
        <input
          type="date"
          required
          value={to}
          min={from}
          max={today}
          onInput={(event) => setTo(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="primary">
        Apply
      </button>
    </form>
  );
}

function RangePicker() {
  const { app, view, setView } = useScope();
  const face = (
    <>
      <Icon name="calendar" />
      <span>{rangeName(view, app.timezone)}</span>
    </>
  );
  return (
    <Popover face={face} side="right">
      {(close) => (
        <div class="range">
          <ul class="menu" aria-label="Ranges">
            {PRESETS.map(([preset, title]) => (
              <li key={preset}>
                <button
                  type="button"
                  aria-pressed={view.preset === preset}
                  onClick={() => {
                    setView({ ...view, preset, from: null, to: null, interval: null });
                    close();
                  }}
                >
                  {title}
                </button>
              </li>
            ))}
          </ul>
          <CustomRange close={close} />
          <p class="muted">
            Days of {app.timezone} ({distance(app.timezone)})
          </p>
        </div>
      )}
    </Popover>
  );
}

/** `comparing` says whether the page has anything to compare; `beside` stands beside its title. */
export function Controls({
  title,
  comparing = false,
  beside,
}: {
  title: string;
  comparing?: boolean;
  beside?: ComponentChildren;
}) {
  const { app, view, setView } = useScope();
  return (
    <div class="controls">
      <div class="row">
        <h1>{title}</h1>
        {beside}
        <span class="fill" />
        <PrintButton />
        <Choice
          label="Bots"
          value={view.bots}
          options={BOTS}
          choose={(bots: BotTraffic) => setView({ ...view, bots })}
        />
        {comparing && (
          <Choice
            label="Compare with"
            value={view.compare}
            options={COMPARISONS}
            choose={(compare) => setView({ ...view, compare })}
          />
        )}
        <RangePicker />
      </div>
      <p class="on-paper muted">
        {app.name}, {rangeName(view, app.timezone)}, {BOTS[view.bots].toLowerCase()}, days of {app.timezone}
      </p>
      <Filters />
    </div>
  );
}
