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

createRoot(document.getElementById("root")).render(
  <GraphiQL
    fetcher={ask}
    plugins={[examples]}
    visiblePlugin={examples}
    defaultQuery={WELCOME}
    defaultEditorToolsVisibility="variables"
  >
    <GraphiQL.Logo>Event Analytics</GraphiQL.Logo>
  </GraphiQL>,
);
