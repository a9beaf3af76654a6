// Answers of the API as components show them: loaded when they are first needed and again when news says that they have
// changed. The old answer stays on the screen until the new one has come.

import { useEffect, useRef, useState } from "preact/hooks";
import type { ChangesMessage } from "../answers/stream.ts";
import { ask, type Problem } from "./ask.ts";
import { isAbout, onChanges } from "./live.ts";

export interface Shown<T> {
  readonly value: T | undefined;
  readonly problem: Problem | undefined;
}

/** While news comes all the time, it is asked for no more often than that. */
const leastMsBetween = 400;
const againAfterMs = 3_000;

const incidentsChanged = (message: ChangesMessage): boolean =>
  isAbout(message, "incident") || isAbout(message, "settings");

/** Of a GET; undefined asks nothing. `touches`: whether the news may have changed the answer. */
export function useAnswer<T>(
  path: string | undefined,
  touches: (message: ChangesMessage) => boolean = incidentsChanged,
): Shown<T> {
  const [shown, setShown] = useState<Shown<T> & { path?: string | undefined }>({
    value: undefined,
    problem: undefined,
  });
  const isTouched = useRef(touches);
  isTouched.current = touches;

  useEffect(() => {
    if (path === undefined) return;
    const over = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isAsking = false;
    let isWanted = false;
    const load = async (): Promise<void> => {
      isAsking = true;
      isWanted = false;
      const asked = await ask<T>("GET", path, { signal: over.signal });
      if (over.signal.aborted) return;
      if (asked.ok) setShown({ value: asked.value, problem: undefined, path });
      else
        setShown((before) => ({
          value: before.path === path ? before.value : undefined,
          problem: asked.problem,
          path,
        }));
      const waitMs = asked.ok ? leastMsBetween : againAfterMs;
      timer = setTimeout(() => {
        isAsking = false;
        // A question without an answer now may have one soon.
        if (isWanted || (!asked.ok && (asked.problem.status === 0 || asked.problem.status >= 500)))
          void load();
      }, waitMs);
    };
    void load();
    const ignore = onChanges((message) => {
      if (!isTouched.current(message)) return;
      if (isAsking) isWanted = true;
      else void load();
    });
    return () => {
      over.abort();
      clearTimeout(timer);
      ignore();
    };
  }, [path]);
  return shown;
}
