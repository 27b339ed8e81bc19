// A button with something behind it: opened by a click, closed by Escape, a click elsewhere or a choice.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

type Props = {
  /** What stands on the button. */
  face: ComponentChildren;
  label?: string;
  class?: string;
  /** Which edge of the button the panel keeps to. */
  side?: "left" | "right";
  /** Called when it is open no longer. */
  closed?: () => void;
  children: (close: () => void) => ComponentChildren;
};

export function Popover({ face, label, class: name = "field", side = "left", closed, children }: Props) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  useEffect(() => {
    if (!open) return;
    const outside = (event: Event) => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    const escape = (event: KeyboardEvent) => {
      if (event.key === "Escape") close();
    };
    document.addEventListener("pointerdown", outside);
    document.addEventListener("focusin", outside);
    document.addEventListener("keydown", escape);
    return () => {
      closed?.();
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("focusin", outside);
      document.removeEventListener("keydown", escape);
    };
  }, [open]);
  return (
    <div class="popover" ref={box}>
      <button
        type="button"
        class={name}
        ref={button}
        aria-expanded={open}
        aria-label={label}
        title={label}
        onClick={() => setOpen(!open)}
      >
        {face}
      </button>
      {open && <div class={`sheet ${side}`}>{children(close)}</div>}
    </div>
  );
}
