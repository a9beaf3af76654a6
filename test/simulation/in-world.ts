// Lets what lives in the simulation's world be asked from outside: the world moves while something is waited for.

import type { World } from "./world.ts";

const mostSteps = 10_000;

export const inWorld =
  (world: World) =>
  async <T>(promise: Promise<T>): Promise<T> => {
    let isDone = false;
    const done = promise.finally(() => {
      isDone = true;
    });
    done.catch(() => {});
    await world.run({ steps: mostSteps, isDone: () => isDone });
    return done;
  };
