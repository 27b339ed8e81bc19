"""How fast questions are answered: through GraphQL over HTTP, on a real Postgres, beside DuckDB on the same events,
the same processors and in the same run; and whether both give the same answers. `make bench-queries`"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys

import events
import load
import measure
import report
from client import Client
from processes import Postgres, Server
from questions import QUESTIONS

# As installed, but that it does not vacuum in the midst of the measurements.
SETTINGS = {"autovacuum": "off", "max_wal_size": "4GB"}


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("make bench-queries ARGS=", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000_000, help="how many (10,000,000)")
    parser.add_argument("--cache", type=pathlib.Path, required=True, help="where events are kept for the next run")
    parser.add_argument("--server", type=pathlib.Path, required=True, help="the program")
    parser.add_argument("--again", action="store_true", help="load Postgres anew")
    parser.add_argument("--in-place", action="store_true",
                        help="use the loaded cluster itself up instead of a copy: half the disk, no second run")
    parser.add_argument("--keep", action="store_true", help="leave the sealed cluster for --sealed")
    parser.add_argument("--sealed", action="store_true", help="use the cluster that --keep left")
    parser.add_argument("--only", help="questions, separated by commas")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the server")
    return parser.parse_args()


def main() -> int:
    asked = options()
    binary, folder = asked.server.resolve(), asked.cache.resolve() / str(asked.events)
    if not binary.is_file():
        raise SystemExit(f"{binary} is not there")
    if "debug" in binary.parts:
        print("This is a debug build; figures of one are good for nothing but a smoke test.")
    what = events.make(folder / "events", asked.events)
    print(f"{asked.events:,} events, made in {what['seconds']} s", flush=True)
    duck = load.duck(folder, folder / "events")
    loaded, run = folder / "loaded", folder / "run"
    if not asked.sealed:
        if asked.again:
            shutil.rmtree(loaded, ignore_errors=True)
        origin = load.cluster(loaded, folder / "events", what, binary)
        print(f"loaded into Postgres in {origin['seconds']} s", flush=True)
        shutil.rmtree(run, ignore_errors=True)
        if asked.in_place:
            loaded.rename(run)
        else:
            subprocess.run(["cp", "-a", "--reflink=auto", loaded, run], check=True)
    apps = json.loads((run / "loaded.json").read_text())["apps"]
    try:
        with Postgres(run, SETTINGS) as postgres:
            return ask_all(asked, postgres, binary, duck, apps[0], folder)
    finally:
        if not asked.keep and not asked.sealed:
            shutil.rmtree(run)


def ask_all(asked, postgres: Postgres, binary: pathlib.Path, duck, app: str, folder: pathlib.Path) -> int:
    def start() -> Server:
        return Server(binary, postgres.url, folder / "run" / "server", dict(pair.split("=", 1) for pair in asked.set))

    figures = []
    with start() as server:
        offered = Client(server.port).sign_in().fields("App")
        sealing = measure.wait_until_sealed(postgres)
        peak = server.memory()[1]
    if sealing is None:
        print("this server keeps no segments: rows are asked")
    else:
        rate = asked.events / max(sealing, 0.01)
        report.figure("sealing", rate, "events/s", f"in {sealing:.0f} s, at most {peak:,.0f} MB")
        figures.append({"id": "SEAL", "value": rate, "unit": "events/s", "peak_mb": peak})
    questions = [q for q in QUESTIONS if not asked.only or q.name in asked.only.split(",")]
    for question in questions:
        if question.needs and question.needs not in offered:
            print(f"{question.name} is left out: apps have no `{question.needs}`")
    questions = [question for question in questions if not question.needs or question.needs in offered]

    cold = {question.name: measure.cold(start, app, question) for question in questions}
    answered = {}
    with start() as server:
        client = measure.Asked(server, app)
        idle = server.memory()[0]
        for question in questions:
            found = measure.beside(client, duck, load.DUCK_APPS[0], question)
            answered[question.name] = found | {"cold_ms": cold[question.name]}
        panels = measure.dashboard(client)
        cached, floor = measure.cached(client), measure.floor(client)
        busy, peak = server.memory()
    stored = measure.stored(postgres)
    rows = postgres.number("SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('events')")

    report.questions(answered)
    for name, found in answered.items():
        ratio = found["ours_ms"] / found["duckdb_ms"]
        figures.append({"id": "R1", "question": name, **found, "ratio": ratio})
    figures.append({"id": "R1", "question": "geometric mean", "ratio": report.mean(answered)})
    figures += growth(asked.events, answered, asked.cache)
    for name in ["heavy_user", "latest_50"]:
        if name in answered:
            figures.append({"id": "R3", "what": name, "value": answered[name]["ours_ms"], "unit": "ms",
                            "p95_ms": answered[name]["p95_ms"]})
    middle = measure.percentile(cached, 50)
    report.figure("an answer that is kept (R3)", middle, "ms", f"of which nothing is counted: {floor:.2f} ms")
    figures.append({"id": "R3", "what": "cached", "value": middle, "unit": "ms",
                    "p95_ms": measure.percentile(cached, 95), "floor_ms": floor})
    report.figure("dashboard of 12 panels (R4)", panels["value"], "ms", f"{panels['ratio']:.2f} of its dearest panel, "
                  f"{panels['dearest']} ({panels['dearest_ms']:.1f} ms); alone they take {panels['sum_ms']:.1f} ms")
    figures.append({"id": "R4", "unit": "ms", **panels})
    for table, size in stored.items():
        report.figure(f"stored: {table}", size / asked.events, "B/event")
    if stored:
        report.figure("stored beside the rows (R5)", sum(stored.values()) / asked.events, "B/event")
        figures.append({"id": "R5", "what": "columnar", "value": sum(stored.values()) / asked.events, "unit": "B/event",
                        **{table: size / asked.events for table, size in stored.items()}})
    report.figure("stored rows with their indexes", rows / asked.events, "B/event")
    report.figure("resident, idle (M1)", idle, "MB", f"ready after {server.started:.2f} s")
    report.figure("resident after all questions (R5)", busy, "MB", f"at most {peak:,.0f} MB")
    figures += [
        {"id": "M1", "what": "start to ready", "value": server.started * 1e3, "unit": "ms"},
        {"id": "M1", "what": "resident, idle", "value": idle, "unit": "MB"},
        {"id": "R5", "what": "resident after all questions", "value": busy, "unit": "MB", "peak": peak},
    ]
    report.lines(figures)
    equal = panels["equal"] and all(found["equal"] for found in answered.values())
    if equal and not asked.only:
        (folder / "results.json").write_text(json.dumps(answered))
    return 0 if equal else 1


def growth(number: int, answered: dict, cache: pathlib.Path) -> list[dict]:
    """How much dearer a question is than it was on fewer events, where runs before this one say so."""
    figures = []
    for fewer in sorted(int(folder.name) for folder in cache.iterdir() if folder.name.isdigit()):
        file = cache / str(fewer) / "results.json"
        if fewer >= number or not file.exists():
            continue
        before = json.loads(file.read_text())
        for name in ["summary", "timeline_day_users", "timeline_hour"]:
            if name in answered and name in before:
                ratio = answered[name]["ours_ms"] / before[name]["ours_ms"]
                note = f"{ratio:.2f} of that of {fewer:,} events"
                report.figure(f"{name} (R2)", answered[name]["ours_ms"], "ms", note)
                figures.append({"id": "R2", "what": name, "value": answered[name]["ours_ms"], "unit": "ms",
                                "ratio": ratio, "baseline": f"{fewer} events"})
    return figures


if __name__ == "__main__":
    sys.exit(main())
