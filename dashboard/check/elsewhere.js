// Signing in with somebody else who vouches for people.

export async function elsewhere({ page, url }) {
  // Unwatched, since this way leads over another host, where no other page goes.
  const away = await page.context().newPage();
  await away.goto(`${url}/sign-in`);
  const [there] = await Promise.all([
    away.waitForRequest((request) => new URL(request.url()).origin !== url),
    away.getByRole("link", { name: "Continue with Our house" }).click(),
  ]);
  await away.getByRole("heading", { name: "Your first app" }).waitFor({ timeout: 15_000 });
  const asked = new URL(there.url()).searchParams;
  for (const name of ["state", "nonce", "code_challenge"]) {
    if (!asked.get(name)) throw new Error(`The provider was asked without ${name}: ${there.url()}`);
  }
  await away.close();
}
