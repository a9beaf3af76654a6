// Asks each dependency how it is, each within its own bound, so that the answer is honest and never late.
// Knows no client: the questions are handed in.

import { setTimeout as pause } from "node:timers/promises";

/** Resolves to undefined where all is well, otherwise to one line saying what is not. May reject. */
export type Question = () => Promise<string | undefined> | string | undefined;

export interface Standing {
  readonly ok: boolean;
  readonly detail: string;
}

/** Asks once at a time: who comes while it is being asked gets the same answer. Askers never pile up on a dependency. */
export function shared<T>(ask: () => Promise<T>): () => Promise<T> {
  let asking: Promise<T> | undefined;
  return () => {
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  };
}

/** Answers within `boundMs`, whatever the dependencies do. */
export async function askAll(
  questions: Readonly<Record<string, Question>>,
  boundMs: number,
): Promise<Readonly<Record<string, Standing>>> {
  const answers = Object.entries(questions).map(
    async ([name, question]) => [name, await ask(question, boundMs)] as const,
  );
  return Object.fromEntries(await Promise.all(answers));
}

async function ask(question: Question, boundMs: number): Promise<Standing> {
  const patience = new AbortController();
  const late = pause(boundMs, `no answer within ${boundMs} ms`, { signal: patience.signal });
  late.catch(() => {});
  try {
    const problem = await Promise.race([Promise.resolve().then(question), late]);
    return problem === undefined ? { ok: true, detail: "ok" } : { ok: false, detail: problem };
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error) };
  } finally {
    patience.abort();
  }
}
