// Times, durations, and what senders wrote, each shown the same way everywhere.

import { nowMs } from "../clock.ts";
import { durationText, secondsBetween, timeText } from "../wording.ts";

/** The day and the minute; exact under the pointer. */
export const Time = ({ at }: { readonly at: string }) => (
  <time dateTime={at} title={at}>
    {timeText(at, nowMs.value)}
  </time>
);

/** Grows while it is looked at. */
export const Age = ({ since }: { readonly since: string }) => (
  <time dateTime={since} title={since}>
    {durationText(secondsBetween(since, nowMs.value))}
  </time>
);

/** A sender's own text: its direction stays its own. */
export const Sent = ({ text }: { readonly text: string }) => (
  <bdi class="any-text" title={text}>
    {text}
  </bdi>
);
