// What a browser loads before anything shows.
import { gzipSync } from "node:zlib";
import { looks } from "./looks.js";

const MOST_BYTES = 150 * 1024;

export async function firstLoad(check) {
  const { page, url } = check;
  const loads = [];
  const load = (response) => loads.push(response.body().then((body) => [response.url(), gzipSync(body).length]));
  page.on("response", load);
  await page.goto(`${url}/`);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await page.getByRole("link", { name: "Continue with Google" }).waitFor();
  page.off("response", load);
  const sizes = await Promise.all(loads);
  const total = sizes.reduce((sum, [, bytes]) => sum + bytes, 0);
  console.log(`first load: ${total} bytes gzipped`);
  if (total > MOST_BYTES) throw new Error(`The first load is too large:\n${sizes.join("\n")}`);
  await looks(check, "sign in");
}
