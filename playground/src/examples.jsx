import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { useEffect, useState } from "react";
import { ask } from "./fetcher.js";

/* global OPERATIONS -- operations/*.graphql, in the order of their names, put here by build.js */

/** The first app of whoever is signed in, to stand where the examples say YOUR_APP_ID. */
async function firstApp() {
  const answer = await ask({ query: "{ viewer { apps(first: 1) { nodes { id } } } }" });
  return answer.data?.viewer?.apps.nodes[0]?.id;
}

function Examples() {
  const queryEditor = useGraphiQL((state) => state.queryEditor);
  const variableEditor = useGraphiQL((state) => state.variableEditor);
  const { addTab } = useGraphiQLActions();

  const [chosen, setChosen] = useState();

  // The editors appear a while after the list does.
  useEffect(() => {
    if (!chosen || !queryEditor || !variableEditor) return;
    setChosen(undefined);
    addTab();
    queryEditor.setValue(chosen.text);
    variableEditor.setValue(chosen.variables);
  }, [chosen, queryEditor, variableEditor, addTab]);

  async function open({ text, variables }) {
    const app = variables.includes("YOUR_APP_ID") ? await firstApp().catch(() => undefined) : undefined;
    setChosen({ text, variables: variables.replaceAll("YOUR_APP_ID", app ?? "YOUR_APP_ID") });
  }

  return (
    <section aria-label="Examples">
      <div className="graphiql-doc-explorer-title">Examples</div>
      <ul className="examples">
        {OPERATIONS.map((operation) => (
          <li key={operation.name}>
            <button type="button" className="graphiql-un-styled" onClick={() => open(operation)}>
              <strong>{operation.name}</strong>
              <span>{operation.about}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Icon() {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
      <path d="M4 6h10M4 12h10M4 18h6M17 13l4 3-4 3z" />
    </svg>
  );
}

export const examples = { title: "Examples", icon: Icon, content: Examples };
