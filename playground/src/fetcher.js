/** Sends an operation to the server this page came from, with its cookie. */
export async function ask(operation, { headers } = {}) {
  const response = await fetch("/graphql", {
    method: "POST",
    headers: { ...headers, "content-type": "application/json", accept: "application/json" },
    credentials: "same-origin",
    body: JSON.stringify(operation),
  });
  return response.json();
}
