// How fast a page felt, by https://web.dev/articles/vitals.

interface Shift extends PerformanceEntry {
  value: number;
  hadRecentInput: boolean;
}

interface Interaction extends PerformanceEntry {
  interactionId: number;
}

/** Measures; calls back once, when the page is left first. */
export function vitals(send: (measured: Record<string, number>) => void): void {
  const measured: Record<string, number> = {};
  const observe = (type: string, seen: (entry: PerformanceEntry) => void, more?: object) => {
    try {
      const observer = new PerformanceObserver((list) => list.getEntries().forEach(seen));
      observer.observe({ type, buffered: true, ...more } as PerformanceObserverInit);
    } catch {
      // A browser that does not know it.
    }
  };
  observe("navigation", (entry) => (measured.ttfb = (entry as PerformanceNavigationTiming).responseStart));
  observe("paint", (entry) => entry.name === "first-contentful-paint" && (measured.fcp = entry.startTime));
  observe("largest-contentful-paint", (entry) => (measured.lcp = entry.startTime));
  // The longest interaction: up to fifty of them it is the one that INP means.
  const longest = (entry: PerformanceEntry) => {
    if ((entry as Interaction).interactionId) measured.inp = Math.max(measured.inp ?? 0, entry.duration);
  };
  observe("event", longest, { durationThreshold: 40 });
  // Shifts less than a second apart, within five seconds, count together; the worst of such windows is told.
  let [window, began, last] = [0, 0, 0];
  observe("layout-shift", (entry) => {
    const { value, hadRecentInput, startTime } = entry as Shift;
    if (hadRecentInput) return;
    if (startTime - last > 1_000 || startTime - began > 5_000) [window, began] = [0, startTime];
    last = startTime;
    window += value;
    measured.cls = Math.max(measured.cls ?? 0, window);
  });
  let told = false;
  const tell = () => {
    if (told || !document.hidden) return;
    told = true;
    measured.cls ??= 0;
    for (const name in measured) measured[name] = Math.round((measured[name] as number) * 1_000) / 1_000;
    send(measured);
  };
  addEventListener("visibilitychange", tell, true);
}
