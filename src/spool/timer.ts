// When something is to happen later. The spool takes it as an option, so that its waits can be run on another clock.

/** Runs `then` once `ms` have passed, unless the function that it answers is called before. */
export type After = (ms: number, then: () => void) => () => void;

export const realAfter: After = (ms, then) => {
  const timer = setTimeout(then, ms);
  return () => clearTimeout(timer);
};
