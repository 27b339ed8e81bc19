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
import tenfold
from processes import Postgres, Server
from questions import QUESTIONS
from report import Report

# As installed, but for checkpoints in the midst of the measurements.
SETTINGS = {"max_wal_size": "4GB"}


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
    parser.add_argument("--times", type=int, default=0, metavar="10",
                        help="copy the segments that --keep left so often, and ask for long ranges only (R2)")
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
    if asked.times:
        tenfold.measure(binary, folder, asked.times, Report(asked.events * asked.times).show)
        return 0
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
            return ask_all(asked, postgres, duck, apps[0], folder)
    finally:
        if not asked.keep and not asked.sealed:
            shutil.rmtree(run)


def ask_all(asked: argparse.Namespace, postgres: Postgres, duck, app: str, folder: pathlib.Path) -> int:
    def start() -> Server:
        settings = dict(pair.split("=", 1) for pair in asked.set)
        return Server(asked.server.resolve(), postgres.url, folder / "run" / "server", settings)

    report = Report(asked.events)
    questions = [question for question in QUESTIONS if not asked.only or question.name in asked.only.split(",")]
    with start() as server:
        if not asked.sealed:
            report.sealing(measure.wait_until_sealed(postgres), server.memory()[1])
        questions = measure.understood(measure.Asked(server, app), questions)
    cold = {question.name: measure.cold(start, app, question) for question in questions}
    with start() as server:
        client = measure.Asked(server, app)
        idle = server.memory()[0]
        found = {question.name: measure.beside(client, duck, load.DUCK_APPS[0], question, cold[question.name])
                 for question in questions}
        panels = measure.dashboard(client)
        stored, rows = measure.stored(postgres), measure.rows(postgres)
        for name, newest_ms in measure.with_newest(client, questions).items():
            found[name]["newest_ms"] = newest_ms
        report.questions(found)
        report.growth(found, asked.cache)
        report.cached(measure.cached(client), measure.floor(client))
        report.dashboard(panels)
        report.stored(stored, rows)
        report.memory(server.started, idle, *server.memory())
    report.end()
    equal = panels["equal"] and all(figures["equal"] for figures in found.values())
    if equal and not asked.only:
        (folder / "results.json").write_text(json.dumps(found))
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
