// What Instatus' two sources share: one endpoint gets the page's incidents, its maintenance and its components' changes,
// in the shape of Atlassian's Statuspage with words of its own. Not a source itself.

import { at, hasFields, textAt } from "./json-fields.ts";
import type { SourceSetup } from "./source.ts";

export const instatusSetup: SourceSetup = {
  steps: [
    "Subscribe to the status page by Webhook, with this URL, the key as ?token= in it, and a mail address.",
    "The page sends its incidents and its components' changes to the same URL. /instatus records the incidents, /instatus-component the components; choose one, or each outage counts twice.",
    "Give the webhook's secret to the key here as a signing secret.",
  ],
  authentication: ["token_in_url", "signature"],
  on_failure: "Not documented in what was read.",
  unsure: ["That the signature is written in hexadecimal digits."],
};

/** The words for a page's own state: only Instatus writes them so. */
export const isInstatusPage = (body: unknown): boolean =>
  /^(UP|HASISSUES|UNDERMAINTENANCE)$/.test(textAt(body, "page", "status_indicator") ?? "");

/** Planned maintenance; Instatus sends it in a field of its own, with a page or without its state. */
export const isInstatusMaintenance = (body: unknown): boolean =>
  hasFields(at(body, "page"), "id") &&
  /^(NOTSTARTEDYET|INPROGRESS|COMPLETED)$/.test(textAt(body, "maintenance", "status") ?? "");
