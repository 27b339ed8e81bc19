"""The questions: how the product is asked, how DuckDB is, and what of either answer is compared.

A range ends at the end of the data or some milliseconds later. Every asking with another end is a question
that was never asked before, for which no kept answer serves, and whose answer is the same.
"""

import dataclasses
import datetime
from typing import Callable

import events


@dataclasses.dataclass
class Question:
    """`fields` are those of the app, with RANGE where a range goes. `ours` makes rows of what they answer, and `duck`
    is the statement that yields the same rows, with IN_RANGE or IN_APP as its condition."""

    name: str
    fields: str
    ours: Callable[[dict], list]
    duck: str

    def selection(self, later: int, start: int = events.FROM) -> str:
        """The fields on a range that ends some milliseconds after the data."""
        ends = f'from: "{moment(start)}", to: "{moment(events.TO + later)}"'
        return self.fields.replace("RANGE", f"range: {{ {ends} }}")

    def sql(self, app: str) -> str:
        here = f"app_id = '{app}' AND created_at >= epoch_ms({events.FROM}) AND created_at < epoch_ms({events.TO})"
        return self.duck.replace("IN_RANGE", here).replace("IN_APP", f"app_id = '{app}'")


def moment(ms: int) -> str:
    """As GraphQL has it."""
    at = datetime.datetime.fromtimestamp(ms // 1000, datetime.timezone.utc)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03}Z"


def ms(text: str) -> int:
    """From what GraphQL has."""
    return round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def bucket(*figures: str) -> Callable[[dict], list]:
    """Buckets with events: DuckDB knows of no others."""
    def rows(app: dict) -> list:
        buckets = (bucket for bucket in app["timeline"]["buckets"] if bucket["events"])
        return [(ms(bucket["start"]), *(bucket[figure] for figure in figures)) for bucket in buckets]
    return rows


def groups(app: dict) -> list:
    return [(*row["values"], row["events"]) for row in app["breakdown"]["rows"]]


STEPS = [f'{{ name: "{kind}", filter: {{ eventType: {{ eq: "{kind}" }} }} }}'
         for kind in ["page_view", "add_to_cart", "purchase"]]

QUESTIONS = [
    Question(
        "summary",
        "summary(RANGE) { events uniqueUsers sessions }",
        lambda app: [tuple(app["summary"].values())],
        "SELECT count(*), count(DISTINCT user_id), count(DISTINCT session_id) FROM events WHERE IN_RANGE",
    ),
    Question(
        "timeline_day_users",
        "timeline(RANGE, interval: DAY) { buckets { start events uniqueUsers } }",
        bucket("events", "uniqueUsers"),
        """SELECT epoch_ms(date_trunc('day', created_at)), count(*), count(DISTINCT user_id)
           FROM events WHERE IN_RANGE GROUP BY 1 ORDER BY 1""",
    ),
    Question(
        "timeline_hour",
        "timeline(RANGE, interval: HOUR) { buckets { start events } }",
        bucket("events"),
        "SELECT epoch_ms(date_trunc('hour', created_at)), count(*) FROM events WHERE IN_RANGE GROUP BY 1 ORDER BY 1",
    ),
    Question(
        "top_pages",
        """breakdown(RANGE, by: [PAGE_PATH], limit: 10, filter: { eventType: { eq: "page_view" } })
           { rows { values events } }""",
        groups,
        """SELECT path, count(*) AS n FROM events WHERE IN_RANGE AND event_type = 'page_view'
           GROUP BY 1 ORDER BY n DESC, path LIMIT 10""",
    ),
    Question(
        "breakdown_4",
        "breakdown(RANGE, by: [EVENT_TYPE, DEVICE, BROWSER, OS], limit: 1000) { rows { values events } }",
        groups,
        """SELECT event_type, device, browser, os, count(*) AS n FROM events WHERE IN_RANGE
           GROUP BY 1, 2, 3, 4 ORDER BY n DESC, 1, 2, 3, 4""",
    ),
    Question(
        "funnel_3",
        f"funnel(RANGE, steps: [{', '.join(STEPS)}], windowSeconds: {events.DAYS * 86_400}) {{ steps {{ users }} }}",
        lambda app: [tuple(step["users"] for step in app["funnel"]["steps"])],
        """WITH viewed AS (SELECT user_id, min(created_at) AS t FROM events WHERE IN_RANGE AND event_type = 'page_view'
                GROUP BY 1),
            added AS (SELECT user_id, min(created_at) AS t FROM events JOIN viewed USING (user_id) WHERE IN_RANGE
                AND event_type = 'add_to_cart' AND created_at > viewed.t GROUP BY 1),
            bought AS (SELECT DISTINCT user_id FROM events JOIN added USING (user_id) WHERE IN_RANGE
                AND event_type = 'purchase' AND created_at > added.t)
            SELECT (SELECT count(*) FROM viewed), (SELECT count(*) FROM added), (SELECT count(*) FROM bought)""",
    ),
    Question(
        "retention_week",
        "retention(RANGE, period: WEEK) { cohorts { points { offset users } } }",
        lambda app: [(number, point["offset"], point["users"])
                     for number, cohort in enumerate(app["retention"]["cohorts"])
                     for point in cohort["points"] if point["users"]],
        """WITH seen AS (SELECT DISTINCT user_id, date_trunc('week', created_at) AS week FROM events WHERE IN_RANGE),
            cohorts AS (SELECT user_id, min(week) AS cohort FROM seen GROUP BY 1)
            SELECT date_diff('day', (SELECT min(cohort) FROM cohorts), cohort) // 7, date_diff('day', cohort, week) // 7,
                count(*)
            FROM seen JOIN cohorts USING (user_id) GROUP BY 1, 2 ORDER BY 1, 2""",
    ),
    Question(
        "property_equals",
        'summary(RANGE, filter: { property: [{ key: "plan", string: { eq: "pro" } }] }) { events }',
        lambda app: [(app["summary"]["events"],)],
        "SELECT count(*) FROM events WHERE IN_RANGE AND metadata->>'plan' = 'pro'",
    ),
    Question(
        "heavy_user",
        f'user(userId: "{events.HEAVY_USER}") {{ totals {{ events sessions }} firstSeenAt lastSeenAt }}',
        lambda app: [(*app["user"]["totals"].values(), ms(app["user"]["firstSeenAt"]), ms(app["user"]["lastSeenAt"]))],
        f"""SELECT count(*), count(DISTINCT session_id), epoch_ms(min(created_at)), epoch_ms(max(created_at))
            FROM events WHERE IN_APP AND user_id = '{events.HEAVY_USER}'""",
    ),
    Question(
        "latest_50",
        "events(RANGE, first: 50) { nodes { eventId timestamp } }",
        lambda app: [(node["eventId"], ms(node["timestamp"])) for node in app["events"]["nodes"]],
        """SELECT id::TEXT, epoch_ms(created_at) FROM events WHERE IN_RANGE
           ORDER BY created_at DESC, id DESC LIMIT 50""",
    ),
]


def panels() -> list[str]:
    """A dashboard of twelve, on one range: each as the fields of the app it asks for."""
    by = ["EVENT_TYPE", "PAGE_PATH", "REFERRER_DOMAIN", "BROWSER", "OS", "DEVICE", "SCREEN", "BROWSER_VERSION"]
    return [
        "summary(RANGE) { events uniqueUsers sessions pageViews bounceRate averageSessionSeconds }",
        "timeline(RANGE, interval: DAY) { buckets { start events uniqueUsers sessions } }",
        "timeline(RANGE, interval: HOUR) { buckets { start events } }",
        'breakdown(RANGE, by: [PROPERTY], property: "plan") { rows { values events } }',
        *(f"breakdown(RANGE, by: [{dimension}]) {{ rows {{ values events uniqueUsers }} }}" for dimension in by),
    ]
