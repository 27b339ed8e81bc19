"""Summary and timeline at ten times the size (R2), with sums by hour and without.

A hundred million rows are more than the disk of a desk holds, so the segments of the sealed cluster are copied
under new numbers instead, and the rows stay as few as they were. The copies hold the same hours, visitors and
sessions once more: every stretch of time has ten times the events and the segments, and no more people.
"""

import itertools
import json
import pathlib
import shutil
import statistics
import subprocess

import events
from client import Client
from processes import Postgres, Server
from questions import moment

COPY = """
    UPDATE event_heads SET seq = seq * {times};
    INSERT INTO event_segments SELECT app_id, id + k * next_segment, events, first_seq + k * sealed_seq,
            last_seq + k * sealed_seq, bytes, header
        FROM event_segments JOIN segment_heads USING (app_id), generate_series(1, {times} - 1) AS k;
    INSERT INTO segment_columns SELECT app_id, segment_id + k * next_segment, name, data
        FROM segment_columns JOIN segment_heads USING (app_id), generate_series(1, {times} - 1) AS k;
    UPDATE segment_heads SET next_segment = next_segment * {times}, sealed_seq = sealed_seq * {times},
        revision = revision + 1"""

# Ranges that begin with an hour nobody asked for before, and end within one behind all events.
QUESTIONS = {
    "summary": "summary(RANGE) { events uniqueUsers sessions }",
    "timeline_day_users": "timeline(RANGE, interval: DAY) { total { events uniqueUsers } buckets { start events uniqueUsers } }",
    "timeline_hour": "timeline(RANGE, interval: HOUR) { total { events } buckets { start events } }",
}
HOUR = 3_600_000
ASKED = 15


def measure(binary: pathlib.Path, folder: pathlib.Path, times: int, show) -> None:
    """Everything, in a copy of the sealed cluster that is removed afterwards."""
    scratch = folder / "tenfold"
    shutil.rmtree(scratch, ignore_errors=True)
    subprocess.run(["cp", "-a", "--reflink=auto", folder / "run", scratch], check=True)
    try:
        app = json.loads((scratch / "loaded.json").read_text())["apps"][0]
        with Postgres(scratch, {"max_wal_size": "4GB"}) as postgres:
            once = sized(binary, postgres, scratch, app, show, "1x")
            postgres.sql(COPY.format(times=times))
            postgres.sql("VACUUM ANALYZE event_segments, segment_columns, segment_heads")
            often = sized(binary, postgres, scratch, app, show, f"{times}x")
            for (name, how), value in often.items():
                show(f"{name}, {how}", value, "ms", f"{value / once[name, how]:.2f} of that of a {times}th of the events")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def sized(binary: pathlib.Path, postgres: Postgres, folder: pathlib.Path, app: str, show, size: str) -> dict:
    """Milliseconds of every question, with sums and without."""
    variables = Server(binary, postgres.url, folder / "server").variables
    subprocess.run([binary, "migrate", "up"], env=variables, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([binary, "rollups", "rebuild"], env=variables, check=True, stdout=subprocess.DEVNULL)
    postgres.sql("VACUUM ANALYZE event_aggregations")
    held = postgres.number("SELECT sum(events) FROM event_segments")
    stored = postgres.number("SELECT pg_total_relation_size('event_aggregations')")
    show(f"sums of {held:,} events ({size})", stored / held, "B/event")
    found, answers = {}, {}
    for how in ["sums", "columns"]:
        # A segment whose sums are not worth their bytes is answered from its columns, and left alone.
        if how == "columns":
            postgres.sql("UPDATE event_aggregations SET hours = 0; UPDATE segment_heads SET revision = revision + 1")
        with Server(binary, postgres.url, folder / "server") as server:
            client = Client(server.port).sign_in()
            for name, fields in QUESTIONS.items():
                later = itertools.count(1)

                def ask() -> tuple[dict, float]:
                    hour = next(later)
                    start, end = events.FROM - hour * HOUR, events.TO + hour
                    whole = f'range: {{ from: "{moment(start)}", to: "{moment(end)}" }}, timezone: "UTC"'
                    query = f"query($app: ID!) {{ app(id: $app) {{ {fields.replace('RANGE', whole)} }} }}"
                    data, took, _ = client.timed(query, app=app)
                    return next(iter(data["app"].values())), took

                first, cold = ask()
                answers.setdefault(name, first)
                if answers[name] != first:
                    raise SystemExit(f"{name} differs: {str(answers[name])[:300]} by sums, {str(first)[:300]} by columns")
                found[name, how] = statistics.median(ask()[1] for _ in range(ASKED))
                show(f"{name}, {how}, {size}", found[name, how], "ms", f"the first {cold:.1f} ms")
    return found
