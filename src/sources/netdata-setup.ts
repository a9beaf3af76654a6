// How Netdata Cloud is connected: one webhook sends both of its kinds of notification.

import type { SourceSetup } from "./source.ts";

export const netdataSetup: SourceSetup = {
  steps: [
    "In Space settings, Alerts & Notifications, add the Webhook integration (a paid plan is needed) and paste this URL.",
    "Add the key as an extra header X-API-Key, or choose Bearer or Basic authentication with it.",
    "Press Test. The test is ignored, and the token to type into Netdata stands in the reason, in the answer and in this service's log.",
  ],
  authentication: ["header", "bearer", "basic"],
  on_failure: "Not documented in what was read.",
};
