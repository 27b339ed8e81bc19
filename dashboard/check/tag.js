// Another app, whose first event comes from a page with the script tag as the dashboard shows it.
import { once } from "node:events";
import { createServer } from "node:http";

const AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

export async function tag({ page, url }) {
  await page.goto(`${url}/new`);
  await page.getByLabel("Name").fill("Blog");
  await page.getByRole("button", { name: "Create app" }).click();
  await page.getByText("Waiting for your first event").waitFor();
  const snippet = page.getByRole("figure").filter({ hasText: "sdk.js" });
  await snippet.getByRole("button", { name: "Copy" }).click();
  const pasted = await page.evaluate(() => navigator.clipboard.readText());

  const html = `<!doctype html><title>Blog</title><link rel="icon" href="data:,">${pasted}`;
  const blog = createServer((_, response) => response.setHeader("content-type", "text/html").end(html));
  await once(blog.listen(0, "127.0.0.1"), "listening");
  try {
    // Unwatched: it is a page of somebody else.
    const other = await page.context().newPage();
    await other.setExtraHTTPHeaders({ "user-agent": AGENT });
    await other.goto(`http://localhost:${blog.address().port}/first-post`);
    await page.getByText("Your first event is here").waitFor();
    await other.close();
  } finally {
    blog.close();
    blog.closeAllConnections();
  }
}
