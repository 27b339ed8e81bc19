"""The events into both stores: a native table of DuckDB, and the product's own table of a Postgres cluster."""

import json
import pathlib
import shutil
import subprocess
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import duckdb

import events
from client import Client
from processes import Postgres, Server

# Apps have ids of the same type as in the product.
DUCK_APPS = [f"{n}0000000-0000-7000-8000-000000000000" for n in range(1, events.APPS + 1)]

# Loading is not what is measured: nothing is logged that can be loaded again.
LOADING = {"wal_level": "minimal", "max_wal_senders": "0", "fsync": "off", "max_wal_size": "8GB", "autovacuum": "off",
           "maintenance_work_mem": "1GB"}

# Events lie in the partition of the month in which they arrived.
PARTITIONS = {
    "events_2026_10": (1_790_812_800_000, 1_793_491_200_000),
    "events_2026_11": (1_793_491_200_000, 1_796_083_200_000),
}
COLUMNS = """id, seq, timestamp, received_at, event_type, user_id, session_id, url, hostname, path, referrer,
    referrer_domain, ip_address, user_agent, browser, browser_version, os, os_version, device, screen_width,
    screen_height, metadata"""

# What is on the table beside its columns: how to drop it, and how to make it again as it was, on every partition.
INDEXES = """
    SELECT 'ALTER TABLE events DROP CONSTRAINT ' || conname,
        'ALTER TABLE events ADD CONSTRAINT ' || conname || ' ' || pg_get_constraintdef(oid)
    FROM pg_constraint WHERE conrelid = 'events'::regclass AND contype IN ('p', 'u')
    UNION ALL
    SELECT 'DROP INDEX ' || indexrelid::regclass, replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ')
    FROM pg_index WHERE indrelid = 'events'::regclass
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)"""

INVALID = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"


def duck(folder: pathlib.Path, made: pathlib.Path) -> duckdb.DuckDBPyConnection:
    """DuckDB on as many threads as the machine of these figures has processors."""
    file = folder / "events.duckdb"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        new = folder / "events.duckdb.new"
        new.unlink(missing_ok=True)
        with duckdb.connect(str(new), config={"threads": 2}) as db:
            db.execute(f"""SET enable_progress_bar = false;
                CREATE TABLE events AS
                SELECT {DUCK_APPS}[app]::UUID AS app_id, epoch_ms(timestamp)::TIMESTAMP AS created_at,
                    * EXCLUDE (app, timestamp)
                FROM read_parquet({paths(made)});
                CHECKPOINT""")
        new.rename(file)
    db = duckdb.connect(str(file), read_only=True, config={"threads": 2})
    db.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
    return db


def cluster(folder: pathlib.Path, made: pathlib.Path, what: dict, binary: pathlib.Path) -> dict:
    """A stopped cluster in `folder` with owner, apps and events, as if they had been sent one commit after the other
    and nothing had looked at them yet. Says what the apps' ids are, and how long loading took."""
    done = folder / "loaded.json"
    if done.exists():
        return json.loads(done.read_text())
    shutil.rmtree(folder, ignore_errors=True)
    with Postgres(folder, LOADING) as postgres:
        with Server(binary, postgres.url, folder / "server") as server:
            owner = Client(server.port).register()
            apps = [owner.create_app(f"Shop {n + 1}") for n in range(events.APPS)]
        start = time.monotonic()
        fill(postgres, made, what, [str(uuid.UUID(app.removeprefix("app_"))) for app in apps])
        loaded = {"apps": apps, "seconds": round(time.monotonic() - start)}
    done.write_text(json.dumps(loaded))
    return loaded


def fill(postgres: Postgres, made: pathlib.Path, what: dict, apps: list[str]):
    """Rows first and indexes afterwards, which is several times as fast."""
    indexes = postgres.sql(INDEXES)
    for drop, _ in indexes:
        postgres.sql(drop)
    for name, (start, end) in PARTITIONS.items():
        if postgres.sql(f"SELECT to_regclass('{name}') IS NULL") == [["t"]]:
            postgres.sql(f"CREATE TABLE {name} PARTITION OF events FOR VALUES FROM ({start}) TO ({end})")
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda name: copy(postgres, made, apps, name), PARTITIONS))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda index: postgres.sql(index[1]), indexes))
    for app, seq in zip(apps, what["seqs"]):
        postgres.sql(f"UPDATE event_heads SET seq = {seq} WHERE app_id = '{app}'")
    postgres.sql("VACUUM ANALYZE events")
    if sorted(postgres.sql(INDEXES)) != sorted(indexes) or postgres.number(INVALID):
        raise SystemExit("the indexes are not what they were")
    stored = postgres.number("SELECT count(*) FROM events")
    if stored != what["events"]:
        raise SystemExit(f"{stored} events were stored instead of {what['events']}")


def copy(postgres: Postgres, made: pathlib.Path, apps: list[str], partition: str):
    """The events of a month. Its table is emptied in the same transaction, so that rows need no log and are seen by
    everybody at once, without a vacuum."""
    start, end = PARTITIONS[partition]
    psql = subprocess.Popen(postgres.psql(), stdin=subprocess.PIPE, text=True)
    psql.stdin.write(f"BEGIN; TRUNCATE {partition};\n")
    psql.stdin.write(f"COPY {partition} (app_id, {COLUMNS}) FROM STDIN (FORMAT csv, FREEZE);\n")
    psql.stdin.flush()
    with duckdb.connect(config={"threads": 1}) as db:
        db.execute(f"""SET enable_progress_bar = false;
            COPY (SELECT {apps}[app] AS app_id, {COLUMNS} FROM read_parquet({paths(made)})
                WHERE received_at >= {start} AND received_at < {end})
            TO '/dev/fd/{psql.stdin.fileno()}' (FORMAT csv, HEADER false, USE_TMP_FILE false)""")
    psql.stdin.write("\\.\nCOMMIT;\n")
    psql.stdin.close()
    if psql.wait() != 0:
        raise SystemExit(f"loading {partition} failed")


def paths(made: pathlib.Path) -> list[str]:
    return [str(file) for file in events.files(made)]
