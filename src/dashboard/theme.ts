// Light, dark, or whatever the system says; and the large type of a screen on a wall (`?wall=1`).

import { signal } from "@preact/signals";

const themes = ["system", "light", "dark"] as const;
type Theme = (typeof themes)[number];
const kept = "incident-ledger:theme";

export const theme = signal<Theme>(themes.find((one) => one === localStorage.getItem(kept)) ?? "system");

export function applyTheme(): void {
  const { dataset } = document.documentElement;
  if (theme.value === "system") delete dataset.theme;
  else dataset.theme = theme.value;
  if (new URLSearchParams(location.search).get("wall") === "1") dataset.wall = "";
}

export function nextTheme(): void {
  theme.value = themes[(themes.indexOf(theme.value) + 1) % themes.length] ?? "system";
  localStorage.setItem(kept, theme.value);
  applyTheme();
}
