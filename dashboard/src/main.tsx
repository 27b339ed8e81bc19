import "uplot/dist/uPlot.min.css";
import "./style/base.css";
import "./style/layout.css";
import "./style/controls.css";
import "./style/panels.css";
import "./style/tables.css";
import "./style/reports.css";
import "./style/world.css";
import "./style/events.css";
import "./style/pages.css";
import "./style/settings.css";
import "./style/live.css";
import "./style/board.css";
import { render } from "preact";
import { Root } from "./root";
import { applyTheme } from "./layout/theme";

applyTheme();
render(<Root />, document.getElementById("root")!);
