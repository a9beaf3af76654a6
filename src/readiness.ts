// Asks each dependency how it is, each within its own bound, so that the answer is honest and never late.
// Knows no client: the questions are handed in.

import { setTimeout as pause } from "node:timers/promises";

/** Undefined where all is well, `fine` with something to tell all the same, otherwise one line saying what is not well. */
type Answer = string | { readonly fine: string } | undefined;

/** May reject. */
export type Question = () => Promise<Answer> | Answer;

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
    const answer = await Promise.race([Promise.resolve().then(question), late]);
    if (typeof answer === "string") return { ok: false, detail: answer };
    return { ok: true, detail: answer?.fine ?? "ok" };
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error) };
  } finally {
    patience.abort();
  }
}
