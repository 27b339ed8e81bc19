import "./workers.js";
import "graphiql/style.css";
import "./style.css";

import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";
import { examples } from "./examples.jsx";
import { ask } from "./fetcher.js";

const WELCOME = `# Ask this server anything it can answer,
# with completion and documentation.
#
# New here? Go through the examples on the
# left from top to bottom. Signing in sets a
# cookie, which this page uses from then on.
# A token works too, in the headers below:
#   { "Authorization": "Bearer <token>" }

{
  viewer {
    email
  }
}
`;

// Whoever links here may bring an operation along. It stands behind the #, which no server and no log ever sees.
const brought = new URLSearchParams(location.hash.slice(1));

createRoot(document.getElementById("root")).render(
  <GraphiQL
    fetcher={ask}
    plugins={[examples]}
    visiblePlugin={examples}
    defaultQuery={WELCOME}
    initialQuery={brought.get("query") ?? undefined}
    initialVariables={brought.get("variables") ?? undefined}
    defaultEditorToolsVisibility="variables"
  >
    <GraphiQL.Logo>Event Analytics</GraphiQL.Logo>
  </GraphiQL>,
);
