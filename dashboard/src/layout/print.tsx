// The way to paper, which is also the way to a PDF.
import { Icon } from "./icons";

export function PrintButton() {
  return (
    <button
      type="button"
      class="field print"
      aria-label="Print or save as PDF"
      title="Print or save as PDF"
      onClick={() => window.print()}
    >
      <Icon name="print" />
    </button>
  );
}
