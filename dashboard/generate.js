// Writes src/schema.gen.ts: a type for each answer and each set of variables, and the operations themselves.
// An operation that does not fit ../schema.graphql fails here, before anything is built.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { codegen } from "@graphql-codegen/core";
import * as operations from "@graphql-codegen/typescript-operations";
import { buildSchema, parse } from "graphql";

const sdl = readFileSync("../schema.graphql", "utf8");

const documents = readdirSync("operations")
  .filter((file) => file.endsWith(".graphql"))
  .sort()
  .map((file) => {
    const text = readFileSync(`operations/${file}`, "utf8").trim();
    return { location: file, text, document: parse(text) };
  });

const scalars = { BigInt: "number", DateTime: "string", Decimal: "string", JSON: "unknown" };

const types = await codegen({
  filename: "src/schema.gen.ts",
  schema: parse(sdl),
  schemaAst: buildSchema(sdl),
  documents,
  plugins: [{ operations: {} }],
  pluginMap: { operations },
  config: { scalars, skipTypename: true, enumsAsTypes: true, strictScalars: true, useTypeImports: true },
});

/** The text with its fragments, which stand in the same file, and the names of its types. */
function constant({ text, document }) {
  const [operation] = document.definitions.filter((definition) => definition.kind === "OperationDefinition");
  const name = operation.name.value;
  const kind = operation.operation[0].toUpperCase() + operation.operation.slice(1);
  return `export const ${name} = { text: ${JSON.stringify(text)} } as Operation<${name}${kind}, ${name}${kind}Variables>;`;
}

const head = `/** An operation: what it says, what it answers, and what it wants to know. */
export type Operation<Answer, Variables> = { text: string; answer?: Answer; variables?: Variables };
`;

writeFileSync("src/schema.gen.ts", [types, head, ...documents.map(constant), ""].join("\n"));
