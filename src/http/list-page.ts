// A page of a list that is held in memory, stable while the list grows. Knows no registry.

import type { Page } from "../answers/field.ts";
import { type Instant, toRfc3339 } from "../domain/instant.ts";
import { badRequest, json } from "./answer.ts";

/** Ordered by `order`, then by `id`; a cursor names the last item that was shown. */
export function listPage<T>(
  all: readonly T[],
  page: { readonly limit?: number; readonly cursor?: string },
  order: (item: T) => string,
  id: (item: T) => string,
): Page<T> | Response {
  const limit = page.limit ?? 50;
  const place = (item: T): string => `${order(item)} ${id(item)}`;
  let after = "";
  if (page.cursor !== undefined) {
    after = Buffer.from(page.cursor, "base64url").toString();
    if (!/^\d{4}-[0-9T:.Z-]+ \S+$/.test(after))
      return badRequest("cursor must be the next_cursor of the page before.");
  }
  const rest = all.filter((item) => place(item) > after).sort((a, b) => (place(a) < place(b) ? -1 : 1));
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  return {
    items,
    next_cursor:
      last === undefined || rest.length <= limit ? null : Buffer.from(place(last)).toString("base64url"),
  };
}

export const byCreation = ({ created_at }: { readonly created_at: Instant }): string => created_at;

export function answerPage<T, Item>(page: Page<T> | Response, item: (value: T) => Item): Response {
  return page instanceof Response
    ? page
    : json<Page<Item>>({ items: page.items.map(item), next_cursor: page.next_cursor });
}

export const printed = (instant: Instant | null): string | null =>
  instant === null ? null : toRfc3339(instant);
