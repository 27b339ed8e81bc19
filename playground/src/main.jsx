import "./workers.js";
import "graphiql/style.css";
import "./style.css";

import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";
import { examples } from "./examples.jsx";
import { ask } from "./fetcher.js";

const WELCOME = `# Every question this server answers, with completion and documentation.
#
# New here? The examples in the sidebar go from signing in to answers: open one, press play.
# Signing in sets a cookie that this page uses from then on. A token works too: put
#   { "Authorization": "Bearer <token>" }
# into the headers tab below.

{
  viewer {
    email
  }
}
`;

createRoot(document.getElementById("root")).render(
  <GraphiQL fetcher={ask} plugins={[examples]} defaultQuery={WELCOME} defaultEditorToolsVisibility="variables">
    <GraphiQL.Logo>Event Analytics</GraphiQL.Logo>
  </GraphiQL>,
);
