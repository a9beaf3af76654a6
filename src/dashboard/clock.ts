// The time, as it passes on the screen.

import { signal } from "@preact/signals";

/** Epoch milliseconds, moved once a second: ages count up to it. */
export const nowMs = signal(Date.now());

export function startClock(): void {
  setInterval(() => {
    nowMs.value = Date.now();
  }, 1_000);
}
