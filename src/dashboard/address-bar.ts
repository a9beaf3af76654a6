// Where the browser is: one signal that follows the address bar and the back button.

import { signal } from "@preact/signals";
import { type Address, addressText, parseAddress } from "./address.ts";

const read = (): Address => parseAddress(location.pathname, location.search);

export const address = signal<Address>(read());
addEventListener("popstate", () => {
  address.value = read();
});

/** A place of its own in the browser's history. */
export function goTo(to: Partial<Address>): void {
  history.pushState(null, "", addressText({ ...address.value, detail: undefined, query: {}, ...to }));
  address.value = read();
  scrollTo(0, 0);
}

/** The same place with other filters: going back leaves it, filters and all. */
export function filterBy(query: Readonly<Record<string, string>>): void {
  history.pushState(null, "", addressText({ ...address.value, query: { ...address.value.query, ...query } }));
  address.value = read();
}

export function replaceWith(path: string): void {
  history.replaceState(null, "", path);
  address.value = read();
}

/** Links within the page move without loading it anew; all others, and new tabs, are the browser's. */
export function followLinks(event: MouseEvent): void {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (link === null || event.defaultPrevented || event.button !== 0 || link.target !== "") return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const url = new URL(link.href);
  if (url.origin !== location.origin || !/^\/(p\/|$)/.test(url.pathname) || url.hash !== "") return;
  event.preventDefault();
  history.pushState(null, "", url.pathname + url.search);
  address.value = read();
  scrollTo(0, 0);
}
