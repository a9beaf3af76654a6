// How a Statuspage is subscribed to: one endpoint gets the page's incidents and its components' changes.

import type { SourceSetup } from "./source.ts";

export const statuspageSetup: SourceSetup = {
  steps: [
    "On the status page press Subscribe to updates, choose Webhook, and give this URL with the key as ?token= and a mail address.",
    "The page sends its incidents and its components' changes to the same URL. /statuspage records the incidents, /statuspage-component the components; choose one, or each outage counts twice.",
  ],
  authentication: ["token_in_url"],
  on_failure: "Anything but 2xx within 30 seconds counts as failed; how often it tries again was not found.",
};
