// Sessions one by one: the file says what the query says, and a session leads to its events.
import { request } from "./others.js";
import { exported } from "./overview.js";
import { same, settled } from "./looks.js";

const LISTED = `query($app: ID!) { app(id: $app) { sessionList(range: { preset: LAST_7_DAYS }, first: 25) {
  totalCount
  nodes { sessionId startedAt seconds events userId entryPage exitPage country device utmSource referrerDomain }
} } }`;

export async function sessionList(check) {
  const { page, url, app } = check;
  await page.goto(`${url}/apps/${app}/sessions`);
  await settled(page);
  const panel = page.getByRole("region", { name: "One by one", exact: true });
  const { totalCount, nodes } = (await request(check, LISTED, { app })).app.sessionList;
  await panel.getByRole("heading", { name: `${totalCount} sessions, the latest first` }).waitFor();
  const objects = nodes.map((session) => ({
    started_at: session.startedAt,
    seconds: session.seconds,
    events: session.events,
    user: session.userId,
    entry_page: session.entryPage,
    exit_page: session.exitPage,
    country: session.country,
    device: session.device,
    source: session.utmSource ?? session.referrerDomain,
  }));
  same("the file of sessions", JSON.parse(await exported(page, panel, "JSON")), objects);
  await panel.getByRole("button", { name: "Show more" }).click();
  await panel.locator("tbody tr").nth(30).waitFor();
  // By a column that the server has no order for, only what shows is sorted.
  await panel.getByRole("columnheader", { name: "Events" }).getByRole("button").click();
  await panel.getByText("Sorted are the 50 rows shown").waitFor();
  await panel.getByRole("columnheader", { name: "Began" }).getByRole("button").click();
  same("rows of a part", await panel.getByText("Sorted are").count(), 0);

  const [first] = nodes;
  await panel.getByRole("row").nth(1).getByRole("link").first().click();
  await page.waitForURL(new RegExp(`/events\\?f=sessionId:is:${first.sessionId}`));
  await settled(page);
  same("events of the session", await page.locator(".log > li").count(), first.events);
}
