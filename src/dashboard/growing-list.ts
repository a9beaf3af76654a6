// A list of many pages: the first is kept live, the others are loaded as they are scrolled to.

import { useEffect, useState } from "preact/hooks";
import { useAnswer } from "./answers.ts";
import { ask, type Problem } from "./ask.ts";

interface ListPage<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

export interface GrowingList<T> {
  /** Undefined until the first page has come. */
  readonly items: readonly T[] | undefined;
  readonly problem: Problem | undefined;
  readonly hasMore: boolean;
  readonly more: () => Promise<void>;
}

const pageSize = 100;

/** `path` holds the filters, and a `?`. Items that are in two pages, since the list has moved, are shown once. */
export function useGrowingList<T>(path: string, idOf: (item: T) => string): GrowingList<T> {
  const first = useAnswer<ListPage<T>>(`${path}&limit=${pageSize}`);
  const [rest, setRest] = useState<{ items: readonly T[]; cursor: string | null | undefined }>({
    items: [],
    cursor: undefined,
  });
  const [problem, setProblem] = useState<Problem>();
  useEffect(() => setRest({ items: [], cursor: undefined }), [path]);
  const cursor = rest.cursor === undefined ? (first.value?.next_cursor ?? null) : rest.cursor;
  const shown = new Set(first.value?.items.map(idOf));
  return {
    items: first.value && [...first.value.items, ...rest.items.filter((item) => !shown.has(idOf(item)))],
    problem: first.problem ?? problem,
    hasMore: cursor !== null,
    more: async () => {
      if (cursor === null) return;
      const next = await ask<ListPage<T>>(
        "GET",
        `${path}&limit=${pageSize}&cursor=${encodeURIComponent(cursor)}`,
      );
      setProblem(next.ok ? undefined : next.problem);
      if (!next.ok) return;
      setRest((before) => ({
        items: [...before.items, ...next.value.items],
        cursor: next.value.next_cursor,
      }));
    },
  };
}
