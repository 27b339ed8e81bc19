"""What is measured, on a server whose events are all sealed. Every asking is a question never asked before."""

import itertools
import statistics
import time

import duckdb

import events
from client import Client
from processes import Postgres, Server
from questions import QUESTIONS, Question, moment, ms, panels

# Of a question, on each side: as many askings as fit the time, but a few at least.
SECONDS, LEAST, MOST = 2.0, 3, 25
ROUNDS = 2
CACHED = 300
NEWEST = 5_000

# What is kept beside the rows.
COLUMNAR = ["event_segments", "segment_columns", "segment_heads", "event_codes", "event_aggregations"]


class Asked:
    """One who asks about one app, never twice for the same range."""

    def __init__(self, server: Server, app: str):
        self.client, self.app = Client(server.port).sign_in(), app
        self.later = itertools.count(1)
        # The first request also opens connections to the database.
        self.about("id")

    def about(self, selection: str) -> tuple[dict, float, bool | None]:
        query = f"query($app: ID!) {{ app(id: $app) {{ {selection} }} }}"
        data, milliseconds, cached = self.client.timed(query, app=self.app)
        return data["app"], milliseconds, cached

    def fresh(self, question: Question) -> tuple[dict, float]:
        answer, milliseconds, cached = self.about(question.selection(next(self.later)))
        if cached:
            raise SystemExit(f"{question.name} was answered from the cache")
        return answer, milliseconds


def understood(asked: Asked, questions: list[Question]) -> list[Question]:
    """Those that this server's schema has, found out on an empty range."""
    found = []
    for question in questions:
        later = next(asked.later)
        try:
            asked.about(question.selection(later, events.TO + later))
            found.append(question)
        except SystemExit as refusal:
            if "Unknown " not in str(refusal):
                raise
            print(f"{question.name} is left out: {refusal}", flush=True)
    return found


def wait_until_sealed(postgres: Postgres) -> float | None:
    """Until every event is in a segment; how many seconds that took, or nothing where there are no segments."""
    if postgres.sql("SELECT to_regclass('segment_heads') IS NULL") == [["t"]]:
        return None
    start = time.monotonic()
    waiting = """SELECT count(*) FROM event_heads LEFT JOIN segment_heads USING (app_id)
        WHERE seq > coalesce(sealed_seq, 0)"""
    while postgres.number(waiting):
        time.sleep(0.2)
    seconds = time.monotonic() - start
    # What Postgres would do by itself within the minutes that follow, in the midst of the measurements.
    postgres.sql("VACUUM ANALYZE")
    return seconds


def repeat(ask) -> list[float]:
    """Milliseconds of every asking."""
    found, until = [], time.monotonic() + SECONDS
    while len(found) < LEAST or (len(found) < MOST and time.monotonic() < until):
        found.append(ask())
    return found


def cold(start_server, app: str, question: Question) -> float:
    """The first answer of a server that has just started."""
    with start_server() as server:
        return Asked(server, app).fresh(question)[1]


def beside(asked: Asked, duck: duckdb.DuckDBPyConnection, app: str, question: Question, cold_ms: float) -> dict:
    """Both in turns, and whether they say the same."""
    sql = question.sql(app)

    def ask_duck() -> float:
        start = time.perf_counter()
        duck.execute(sql).fetchall()
        return (time.perf_counter() - start) * 1e3

    ours, theirs = question.ours(asked.fresh(question)[0]), duck.execute(sql).fetchall()
    times: tuple[list, list] = ([], [])
    for _ in range(ROUNDS):
        times[0].extend(repeat(lambda: asked.fresh(question)[1]))
        times[1].extend(repeat(ask_duck))
    # The last answer as well as the first.
    equal = ours == theirs == question.ours(asked.fresh(question)[0])
    if not equal:
        print(f"{question.name} differs:\n  ours   {str(ours)[:300]}\n  duckdb {str(theirs)[:300]}")
    ours_ms, duckdb_ms = map(statistics.median, times)
    return {"ours_ms": ours_ms, "p95_ms": percentile(times[0], 95), "cold_ms": cold_ms, "duckdb_ms": duckdb_ms,
            "ratio": ours_ms / duckdb_ms, "equal": equal}


def with_newest(asked: Asked, questions: list[Question]) -> dict[str, float]:
    """The same once more, now that some thousand events were acknowledged a moment ago and are in no segment yet. They
    happened before the range, so that the answers stay what they were, and must be in that of a range of theirs."""
    earlier = f'range: {{ from: "{moment(events.FROM - events.DAY)}", to: "{moment(events.FROM)}" }}'
    newest = f"summary({earlier}) {{ events }}"
    answers = {question.name: question.ours(asked.fresh(question)[0]) for question in questions}
    known = asked.about(newest)[0]["summary"]["events"]
    key = asked.client.create_key(asked.app)
    # Nobody of whom a question asks is among the visitors.
    newcomers = [{"event_type": "click", "user_id": f"user-{10 + n:07}", "url": "https://shop1.example.com/",
                  "timestamp": moment(events.FROM - events.DAY + n)} for n in range(NEWEST)]
    for start in range(0, NEWEST, events.COMMIT):
        asked.client.post(key, newcomers[start : start + events.COMMIT])
    found = asked.about(newest)[0]["summary"]["events"]
    if found != known + NEWEST:
        raise SystemExit(f"{NEWEST} events were acknowledged, and {found - known} of them found")
    times = {}
    for question in questions:
        if question.ours(asked.fresh(question)[0]) != answers[question.name]:
            raise SystemExit(f"{question.name} is wrong when {NEWEST} events are new")
        times[question.name] = statistics.median(repeat(lambda: asked.fresh(question)[1]))
    return times


def floor(asked: Asked) -> float:
    """What HTTP, the session and GraphQL take where nothing is counted."""
    return statistics.median(asked.about("name")[1] for _ in range(CACHED))


def cached(asked: Asked) -> list[float]:
    """An answer that is kept."""
    selection = QUESTIONS[0].selection(next(asked.later))
    asked.about(selection)
    found = [asked.about(selection) for _ in range(CACHED)]
    if not all(kept for _, _, kept in found):
        raise SystemExit("an answer was not kept")
    return [milliseconds for _, milliseconds, _ in found]


def dashboard(asked: Asked) -> dict:
    """All panels in one request, and each alone."""
    alone = [Question(f"panel {n}", panel, lambda app: within(next(iter(app.values()))), "")
             for n, panel in enumerate(panels())]
    fields = " ".join(f"p{n}: {panel}" for n, panel in enumerate(panels()))
    whole = Question("dashboard", fields, lambda app: [within(app[f"p{n}"]) for n in range(len(alone))], "")
    equal = whole.ours(asked.fresh(whole)[0]) == [panel.ours(asked.fresh(panel)[0]) for panel in alone]
    times = {panel.fields.split("(")[0] + f" {n}": statistics.median(repeat(lambda: asked.fresh(panel)[1]))
             for n, panel in enumerate(alone)}
    together = statistics.median(repeat(lambda: asked.fresh(whole)[1]))
    dearest = max(times, key=times.get)
    return {"value": together, "ratio": together / times[dearest], "dearest": dearest, "dearest_ms": times[dearest],
            "sum_ms": sum(times.values()), "equal": equal}


def within(report: dict) -> dict:
    """A report without the empty buckets behind the data."""
    buckets = report.get("buckets", [])
    return report | {"buckets": [bucket for bucket in buckets if ms(bucket["start"]) < events.TO]}


def stored(postgres: Postgres) -> dict[str, int]:
    """Bytes of each table beside the rows, with its indexes."""
    sizes = {table: postgres.sql(f"SELECT pg_total_relation_size(to_regclass('{table}'))")[0][0] for table in COLUMNAR}
    return {table: int(size) for table, size in sizes.items() if size}


def rows(postgres: Postgres) -> int:
    """Bytes of the rows, with their indexes."""
    return postgres.number("SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('events')")


def percentile(times: list[float], at: int) -> float:
    return sorted(times)[min(len(times) - 1, len(times) * at // 100)]
