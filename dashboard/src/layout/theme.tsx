// Light or dark: as the system says, or as somebody chose here.
import { useEffect, useState } from "preact/hooks";
import { Icon } from "./icons";

type Theme = "light" | "dark";

const dark = matchMedia("(prefers-color-scheme: dark)");

const chosen = (): Theme | null => {
  // A page that stands on another asks for one, and may have nowhere to keep it.
  const theme = new URLSearchParams(location.search).get("theme") ?? remembered("theme");
  return theme === "light" || theme === "dark" ? theme : null;
};

function remembered(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

export function applyTheme() {
  const theme = chosen();
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

const current = (): Theme => chosen() ?? (dark.matches ? "dark" : "light");

const changed = new EventTarget();

/** The theme that shows, for what is painted and not styled. */
export function useTheme(): Theme {
  const [theme, setTheme] = useState(current);
  useEffect(() => {
    const update = () => setTheme(current());
    dark.addEventListener("change", update);
    changed.addEventListener("change", update);
    return () => {
      dark.removeEventListener("change", update);
      changed.removeEventListener("change", update);
    };
  }, []);
  return theme;
}

export function ThemeButton() {
  const theme = useTheme();
  const other = theme === "dark" ? "light" : "dark";
  const toggle = () => {
    localStorage.setItem("theme", other);
    applyTheme();
    changed.dispatchEvent(new Event("change"));
  };
  return (
    <button
      type="button"
      class="quiet icon"
      onClick={toggle}
      aria-label={`Use the ${other} theme`}
      title={`Use the ${other} theme`}
    >
      <Icon name={theme === "dark" ? "sun" : "moon"} />
    </button>
  );
}
