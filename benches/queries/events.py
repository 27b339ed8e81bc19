"""The benchmark's events: a month of three shops, the same ones every time, as one Parquet file a day.

Every choice is a hash of what it is about (a visitor's number, a visit's, an event's) and of what is
chosen, so neither the number of threads nor the order of work can change a value. A day is made at a
time, which keeps memory small however many events there are.
"""

import json
import pathlib
import shutil
import time

import duckdb

VERSION = 1  # of what is made here; data of another version is made anew
DAYS = 30
FROM = 1_792_454_400_000  # 2026-10-20T00:00:00Z
DAY = 86_400_000
TO = FROM + DAYS * DAY
COMMIT = 1_000  # events of one commit

APPS = 3
HEAVY_USER = "user-0000003"

SYSTEMS = [  # os, version, device, how a user agent says so
    ("Windows", "10", "desktop", "Windows NT 10.0; Win64; x64"),
    ("macOS", "10.15.7", "desktop", "Macintosh; Intel Mac OS X 10_15_7"),
    ("Linux", None, "desktop", "X11; Linux x86_64"),
    ("Android", "14", "mobile", "Linux; Android 14; Pixel 8"),
    ("iOS", "17.5", "mobile", "iPhone; CPU iPhone OS 17_5 like Mac OS X"),
    ("iPadOS", "17.5", "tablet", "iPad; CPU OS 17_5 like Mac OS X"),
]
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
BROWSERS = [  # browser, versions, user agent
    ("Chrome", (124, 126), f"Mozilla/5.0 (%s) {WEBKIT} Chrome/%d.0.0.0 Safari/537.36"),
    ("Edge", (124, 126), f"Mozilla/5.0 (%s) {WEBKIT} Chrome/124.0.0.0 Safari/537.36 Edg/%d.0.0.0"),
    ("Firefox", (125, 127), "Mozilla/5.0 (%s; rv:125.0) Gecko/20100101 Firefox/%d.0"),
    ("Safari", (16, 17), "Mozilla/5.0 (%s) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/%d.4 Safari/605.1.15"),
]
SCREENS = {
    "desktop": [(1920, 1080), (1366, 768), (1440, 900), (2560, 1440)],
    "mobile": [(390, 844), (412, 915)],
    "tablet": [(820, 1180)],
}

MACROS = [
    # A number from 0 to 1 for the n-th thing, another one for every choice made about it.
    "CREATE MACRO u(n, choice) AS (hash(n * 32 + choice) >> 11)::DOUBLE / 9007199254740992",
    "CREATE MACRO pick(list, n, choice) AS list[1 + floor(u(n, choice) * len(list))::INT]",
]

# The first days bring more new visitors than the last ones, and everybody comes back for a while.
VISITORS = """
    CREATE TABLE visitors AS
    SELECT n, format('user-{:07d}', n) AS user_id, floor(power(u(n, 1), 1.6) * %(agents)d)::INT AS agent,
        floor(power(u(n, 2), 1.5) * %(days)d)::INT AS first_day, u(n, 3) AS screen,
        format('10.{}.{}.0', (n >> 8) & 255, n & 255) AS ip_address,
        ['free', 'pro', 'team', 'enterprise'][1 + n %% 4] AS plan, ['A', 'B'][1 + (n >> 2) %% 2] AS variant
    FROM range(%(users)d) t(n)"""

# A few visitors come very often. On weekends a third of the visits are missing: they come days before.
# A quarter of the visits spreads over the whole day, the rest is around its middle; on the last day all
# begin early enough to end in time. The last visit is cut off where there are events enough.
VISITS = """
    CREATE TABLE visits AS
    WITH drawn AS (
        SELECT n, floor(power(u(n, 4), 2.2) * %(users)d)::BIGINT AS visitor,
            1 + least(200, floor(-ln(1 - u(n, 5)) * 4.8))::INT AS length,
            CASE WHEN u(n, 6) < 0.7 THEN 1 WHEN u(n, 6) < 0.9 THEN 2 ELSE 3 END AS app
        FROM range(%(visits)d) t(n)
    ), dated AS (
        SELECT drawn.*, first_day + floor(power(u(drawn.n, 7), 1.25) * (%(days)d - first_day))::INT AS day,
            sum(length) OVER (ORDER BY drawn.n) - length AS before
        FROM drawn JOIN visitors ON visitors.n = visitor
    )
    SELECT n, visitor, app, before, least(length, %(events)d - before)::INT AS length,
        CASE WHEN (day + 1) %% 7 IN (5, 6) AND day > 3 AND u(n, 8) < 0.35 THEN day - 3 ELSE day END AS day,
        floor(%(day_ms)d * CASE WHEN day = %(days)d - 1 THEN 0.9 ELSE 1 END * CASE WHEN u(n, 9) < 0.25 THEN u(n, 10)
            ELSE 0.3 + 0.31 * (u(n, 10) + u(n, 11)) END)::BIGINT AS ms
    FROM dated WHERE before < %(events)d"""

# Events of the visits that begin on a day; some happen on the next.
BEGUN = """
    INSERT INTO pending
    SELECT v.before + k AS n, k, v.n AS visit, visitor, app,
        %(midnight)d - %(day_ms)d + ms + k * 30000 + floor(u(v.before + k, 12) * 45000)::BIGINT AS ms
    FROM (SELECT *, unnest(range(length)) AS k FROM visits WHERE day = %(day)d) v"""

# The columns of the product's own table, in the order in which they are committed.
HAPPENED = """
    WITH chosen AS (
        SELECT p.*, u(p.n, 13) AS kind, floor(power(%(pages)d, u(p.n, 14)))::INT - 1 AS page, u(p.n, 15) AS whence,
            floor(u(p.n, 16) * 5000)::INT AS sku, floor(u(p.n, 17) * 1000)::INT AS price,
            hash(p.n * 32 + 18) AS noise, 40 + floor(u(p.n, 19) * 400)::INT AS delay
        FROM pending p WHERE ms < %(midnight)d
    ), placed AS (
        SELECT *, '/' || ['products', 'blog', 'docs', 'category', 'account'][1 + page %% 5] || '/item-' || page AS path,
            CASE WHEN whence < 0.45 THEN NULL WHEN whence < 0.7 THEN 'https://www.google.com/'
                WHEN whence < 0.8 THEN 'https://t.co/' WHEN whence < 0.9 THEN 'https://news.ycombinator.com/'
                ELSE 'https://www.bing.com/search' END AS referrer,
            format('{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}', ms >> 16, ms & 65535, noise & 4095,
                32768 + ((noise >> 12) & 16383), hash(n * 32 + 20) & 281474976710655)::UUID AS id
        FROM chosen
    )
    SELECT app, id, %(seqs)s[app] + 1 + (row_number() OVER (PARTITION BY app ORDER BY ms, id) - 1) // %(commit)d AS seq,
        ms AS timestamp, ms + delay AS received_at,
        CASE WHEN k = 0 OR kind < 0.55 THEN 'page_view' WHEN kind < 0.79 THEN 'click'
            WHEN kind < 0.88 THEN 'form_submit' WHEN kind < 0.965 THEN 'add_to_cart' ELSE 'purchase' END AS event_type,
        user_id, format('visit-{:016x}', hash(visit * 32 + 21)) AS session_id,
        format('https://shop{}.example.com{}', app, path) AS url, format('shop{}.example.com', app) AS hostname, path,
        referrer, regexp_extract(referrer, '^https://(www\\.)?([^/]+)', 2) AS referrer_domain, ip_address,
        user_agent, browser, browser_version, os, os_version, device,
        widths[1 + floor(screen * len(widths))::INT] AS screen_width,
        heights[1 + floor(screen * len(heights))::INT] AS screen_height,
        format('{{"plan":"{}","variant":"{}","sku":"sku-{}","price":{},"pos":{}}}', plan, variant, sku, price, k %% 20)
            AS metadata
    FROM placed JOIN visitors ON visitors.n = visitor JOIN agents ON agents.n = agent
    ORDER BY ms, id"""


def make(folder: pathlib.Path, events: int, users: int = 200_000, pages: int = 2_000) -> dict:
    """Makes the events in `folder` unless they are there, and says what they are."""
    done = folder / "events.json"
    asked = {"version": VERSION, "duckdb": duckdb.__version__, "events": events, "users": users, "pages": pages}
    if done.exists():
        made = json.loads(done.read_text())
        if asked.items() <= made.items():
            return made
    start = time.monotonic()
    # What was loaded of other events is of no use.
    shutil.rmtree(folder.parent, ignore_errors=True)
    folder.mkdir(parents=True)
    with duckdb.connect(config={"threads": 2}) as db:
        db.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        for macro in MACROS:
            db.execute(macro)
        db.execute("CREATE TABLE agents (n INT, user_agent TEXT, browser TEXT, browser_version TEXT, os TEXT, "
                   "os_version TEXT, device TEXT, widths INT[], heights INT[])")
        db.executemany(f"INSERT INTO agents VALUES ({', '.join('?' * 9)})", agents())
        # A visit has 5.3 events on average; with some to spare.
        fill = {"agents": len(agents()), "days": DAYS, "users": users, "visits": int(events / 5.2) + 100,
                "pages": pages, "events": events, "day_ms": DAY, "commit": COMMIT}
        db.execute(VISITORS % fill)
        db.execute(VISITS % fill)
        db.execute("CREATE TABLE pending (n BIGINT, k BIGINT, visit BIGINT, visitor BIGINT, app INT, ms BIGINT)")
        seqs = [0] * APPS
        counted = 0
        for day in range(DAYS):
            fill |= {"day": day, "midnight": FROM + (day + 1) * DAY, "seqs": seqs}
            db.execute(BEGUN % fill)
            file = folder / f"day-{day:02}.parquet"
            db.execute(f"COPY ({HAPPENED % fill}) TO '{file}' (FORMAT parquet, COMPRESSION zstd)")
            db.execute(f"DELETE FROM pending WHERE ms < {fill['midnight']}")
            found = db.execute(f"SELECT app, max(seq), count(*) FROM '{file}' GROUP BY app")
            for app, last, number in found.fetchall():
                seqs[app - 1] = last
                counted += number
        if counted != events:
            raise SystemExit(f"{counted} events were made instead of {events}")
    made = asked | {"seqs": seqs, "seconds": round(time.monotonic() - start)}
    done.write_text(json.dumps(made))
    return made


def agents() -> list[tuple]:
    """Every browser in two versions on every system, with what the product reads out of its user agent."""
    rows = []
    for browser, versions, agent in BROWSERS:
        for os, os_version, device, platform in SYSTEMS:
            widths, heights = zip(*SCREENS[device])
            for version in versions:
                text = agent % (platform, version)
                system = os, os_version, device, list(widths), list(heights)
                rows.append((len(rows), text, browser, str(version), *system))
    return rows


def files(folder: pathlib.Path) -> list[pathlib.Path]:
    """The days, oldest first."""
    return [folder / f"day-{day:02}.parquet" for day in range(DAYS)]
