// Scenes of the browser tests: two days of a small shop, and texts that would like to be more than text.

import type { Sent } from "./browser.ts";

const monitors = ["Checkout API", "Search", "Billing worker", "Landing page", "Mail relay"];

/** Forty outages, of which the last three are open; the first incident's signals came in the wrong order. */
export const shopWebhooks: readonly Sent[] = [
  ...Array.from({ length: 40 }, (_, at) => outage(at)).flat(),
  {
    incident_id: "checkout-api-0",
    status: "UP",
    minutesAgo: 2_128,
    monitor_name: "Checkout API",
    monitor_id: "0",
  },
  {
    incident_id: "checkout-api-0",
    status: "DOWN",
    minutesAgo: 2_135,
    monitor_name: "Checkout API",
    monitor_id: "0",
    message: "503 from upstream",
  },
];

function outage(at: number): readonly Sent[] {
  const monitor_name = monitors[at % monitors.length] ?? "";
  const which = {
    incident_id: `${monitor_name.toLowerCase().replaceAll(" ", "-")}-${at}`,
    monitor_name,
    monitor_id: String(at % monitors.length),
  };
  const minutesAgo = 2_160 - at * 50;
  const down: Sent = { ...which, status: "DOWN", minutesAgo, message: "Timeout after 10 s" };
  if (at >= 37) return [down];
  return [down, { ...which, status: "UP", minutesAgo: minutesAgo - 3 - ((at * 7) % 41), message: "200 OK" }];
}

export const hostile = [
  "<img src=x onerror=globalThis.wasRun=1><script>globalThis.wasRun=1</script>",
  "<svg/onload=globalThis.wasRun=1>",
  "javascript:globalThis.wasRun=1//\"'`--></title><style>*{display:none}</style>",
  "\u202Egnp.exe\u202C \u2066mirror\u2069 \u200B\uFEFF\u0007 \u0000?",
  "x".repeat(480),
  "Zalgo\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308\u0309 💥 👩‍👩‍👧‍👦 \uFDFD",
] as const;
