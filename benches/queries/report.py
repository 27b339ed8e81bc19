"""A table for people, then a line of JSON a figure."""

import json
import math
import pathlib

from measure import percentile


class Report:
    """Figures, printed as they are found and once more at the end."""

    def __init__(self, events: int):
        self.events, self.lines = events, []

    def show(self, what: str, value: float, unit: str, note: str = ""):
        print(f"{what:<42}{value:>12,.2f} {unit:<10}{note}", flush=True)

    def keep(self, **figures):
        self.lines.append({name: round(value, 3) if isinstance(value, float) else value
                           for name, value in figures.items()})

    def sealing(self, seconds: float | None, peak: float):
        if seconds is None:
            return print("this server keeps no segments: rows are asked", flush=True)
        rate = self.events / max(seconds, 0.01)
        self.show("sealing", rate, "events/s", f"in {seconds:.0f} s, at most {peak:,.0f} MB")
        self.keep(id="SEAL", value=rate, unit="events/s", seconds=seconds, peak_mb=peak)

    def questions(self, found: dict[str, dict]):
        """Both sides of every question. Cold is the first answer of a server that has just started; newest, one beside
        events that came a moment ago."""
        print(f"\n{'':<20}{'ours ms':>10}{'p95':>10}{'cold':>10}{'newest':>10}{'DuckDB ms':>12}{'ratio':>9}   equal")
        for name, at in found.items():
            print(f"{name:<20}{at['ours_ms']:>10.2f}{at['p95_ms']:>10.2f}{at['cold_ms']:>10.1f}{at['newest_ms']:>10.2f}"
                  f"{at['duckdb_ms']:>12.1f}{at['ratio']:>9.3f}   {'yes' if at['equal'] else 'NO'}")
            self.keep(id="R1", question=name, **at)
        # A list of events is none of the questions that R1 names.
        ratios = [at["ratio"] for name, at in found.items() if name != "latest_50"]
        mean = math.exp(sum(map(math.log, ratios)) / max(1, len(ratios)))
        print(f"{'geometric mean':<20}{'':>52}{mean:>9.3f}\n")
        self.keep(id="R1", question="geometric mean", ratio=mean)
        for name in ["heavy_user", "latest_50"]:
            if name in found:
                self.keep(id="R3", what=name, value=found[name]["ours_ms"], unit="ms", p95_ms=found[name]["p95_ms"])

    def growth(self, found: dict[str, dict], cache: pathlib.Path):
        """How much dearer a question is than it was on fewer events, where runs before this one say so."""
        for fewer in sorted(int(folder.name) for folder in cache.iterdir() if folder.name.isdigit()):
            file = cache / str(fewer) / "results.json"
            before = json.loads(file.read_text()) if fewer < self.events and file.exists() else {}
            for name in ["summary", "timeline_day_users", "timeline_hour"]:
                if name in found and name in before:
                    value, ratio = found[name]["ours_ms"], found[name]["ours_ms"] / before[name]["ours_ms"]
                    self.show(f"{name} (R2)", value, "ms", f"{ratio:.2f} of that of {fewer:,} events")
                    self.keep(id="R2", what=name, value=value, unit="ms", ratio=ratio, baseline=f"{fewer} events")

    def cached(self, times: list[float], floor: float):
        middle = percentile(times, 50)
        self.show("an answer that is kept (R3)", middle, "ms", f"a question that counts nothing: {floor:.2f} ms")
        self.keep(id="R3", what="cached", value=middle, unit="ms", p95_ms=percentile(times, 95), floor_ms=floor)

    def dashboard(self, found: dict):
        note = (f"{found['ratio']:.2f} of its dearest panel, {found['dearest']} ({found['dearest_ms']:.1f} ms); "
                f"alone they take {found['sum_ms']:.1f} ms")
        self.show("dashboard of 12 panels (R4)", found["value"], "ms", note)
        self.keep(id="R4", unit="ms", **found)

    def stored(self, tables: dict[str, int], rows: int):
        each = {table: size / self.events for table, size in tables.items()}
        for table, size in each.items():
            self.show(f"stored: {table}", size, "B/event")
        if each:
            self.show("stored beside the rows (R5)", sum(each.values()), "B/event")
            self.keep(id="R5", what="columnar", value=sum(each.values()), unit="B/event", **each)
        self.show("stored rows with their indexes", rows / self.events, "B/event")

    def memory(self, started: float, idle: float, busy: float, peak: float):
        self.show("resident, idle (M1)", idle, "MB", f"ready after {started:.2f} s")
        self.show("resident after all questions (R5)", busy, "MB", f"at most {peak:,.0f} MB")
        self.keep(id="M1", what="start to ready", value=started * 1e3, unit="ms")
        self.keep(id="M1", what="resident, idle", value=idle, unit="MB")
        self.keep(id="R5", what="resident after all questions", value=busy, unit="MB", peak=peak)

    def end(self):
        print()
        for line in self.lines:
            print(json.dumps(line), flush=True)
