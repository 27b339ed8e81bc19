// Somebody else in the same browser, for as long as it takes.
const PASSWORD = "gravel lantern orchard";

/** What the server says to an operation of whoever is signed in in this browser. */
export async function request({ page, url }, query, variables = {}) {
  const answer = await page.context().request.post(`${url}/graphql`, {
    headers: { origin: url },
    data: { query, variables },
  });
  const { data, errors } = await answer.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

const REGISTER = `mutation($input: RegisterInput!) { register(input: $input) { user { id } } }`;
const SIGN_IN = `mutation($input: SignInInput!) { signIn(input: $input) { user { id } } }`;

const known = new Set();

/** Runs `what` signed in as them, and then is again whoever was before. */
export async function as(check, name, what) {
  const context = check.page.context();
  const before = await context.cookies();
  await context.clearCookies();
  const email = `${name.toLowerCase()}@example.com`;
  if (known.has(name)) await request(check, SIGN_IN, { input: { email, password: PASSWORD } });
  else await request(check, REGISTER, { input: { name, email, password: PASSWORD } });
  known.add(name);
  await what();
  await context.clearCookies();
  await context.addCookies(before);
}
