// Text to be pasted elsewhere, with a button that takes it along.
import { useState } from "preact/hooks";
import { Icon } from "./icons";

/** Whether the text was copied. Pages that came by plain HTTP have no clipboard but the old one. */
async function copied(text: string, button: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "unseen";
    // Beside the button, as what it stands in may close when something elsewhere is chosen.
    button.after(field);
    field.select();
    const done = document.execCommand("copy");
    button.focus();
    field.remove();
    return done;
  }
}

const SAID = { yes: "Copied", no: "Select it and copy by hand" };

export function CopyButton({ text }: { text: string }) {
  const [came, setCame] = useState<keyof typeof SAID>();
  const copy = async (event: MouseEvent) => {
    setCame((await copied(text, event.currentTarget as HTMLElement)) ? "yes" : "no");
    setTimeout(() => setCame(undefined), 2500);
  };
  return (
    <button type="button" class="copy" onClick={copy}>
      <Icon name={came === "yes" ? "check" : "copy"} />
      <span aria-live="polite">{came ? SAID[came] : "Copy"}</span>
    </button>
  );
}

export function Snippet({ label, text }: { label: string; text: string }) {
  return (
    <figure class="snippet">
      <figcaption>
        {label}
        <CopyButton text={text} />
      </figcaption>
      <pre tabIndex={0} aria-label={label}>
        <code>{text}</code>
      </pre>
    </figure>
  );
}
