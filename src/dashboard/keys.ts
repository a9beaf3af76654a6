// The keyboard: `g` and a page's key goes there, `j` and `k` move through rows, `/` looks for something, `?` shows this.

import { signal } from "@preact/signals";
import { address, goTo } from "./address-bar.ts";
import { pages } from "./pages.ts";

export const isHelpOpen = signal(false);
const chordMs = 1_200;

export function listenToKeys(): void {
  let chordUntil = 0;
  addEventListener("keydown", (event) => {
    if (event.metaKey || event.ctrlKey || event.altKey || isTyping(event.target)) return;
    if (Date.now() < chordUntil) {
      chordUntil = 0;
      const page = pages.find(({ key }) => key === event.key);
      if (page === undefined || address.value.project === undefined) return;
      event.preventDefault();
      goTo({ page: page.name });
      return;
    }
    const act = actions[event.key];
    if (event.key === "g") chordUntil = Date.now() + chordMs;
    else if (act !== undefined) {
      event.preventDefault();
      act();
    }
  });
}

const actions: Readonly<Record<string, () => void>> = {
  j: () => moveFocus(1),
  k: () => moveFocus(-1),
  "/": () => document.querySelector<HTMLElement>("[data-search]")?.focus(),
  "?": () => {
    isHelpOpen.value = true;
  },
};

/** Rows are links: Enter opens the one that has the focus. */
function moveFocus(by: 1 | -1): void {
  const rows: readonly (Element | null)[] = [...document.querySelectorAll("[data-row]")];
  const at = rows.indexOf(document.activeElement);
  const next = rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + by))];
  if (next instanceof HTMLElement) next.focus();
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
