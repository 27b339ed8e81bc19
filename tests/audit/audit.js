// Plays the audit suite of GraphQL over HTTP against HOST, and fails unless every check of it is met.
import { auditServer } from "graphql-http";

// One after another: a server that ends a connection as it refuses a request is not told of by others.
const results = await auditServer({ url: `${process.env.HOST}/graphql` });
const unmet = results.filter((result) => result.status !== "ok");
for (const { id, name, status, reason } of unmet) {
  console.log(`${status} ${id} ${name}: ${reason}`);
}
console.log(`${results.length - unmet.length} of ${results.length}`);
process.exitCode = unmet.length === 0 ? 0 : 1;
