// ServiceNow. It has no webhook of its own: a business rule or a flow sends what its author writes. The setup text
// prints a script that sends the ingest contract's fields.

import { contractPayload, readContractFields } from "./fields.ts";
import type { Source, SourceSignal } from "./source.ts";

const script = `(function executeRule(current) { var m = new sn_ws.RESTMessageV2(); m.setEndpoint(URL); m.setHttpMethod("POST"); m.setRequestHeader("Content-Type", "application/json"); m.setRequestHeader("X-API-Key", KEY); var state = Number(current.getValue("state")); var done = state >= 6; var unsolved = state === 8 || /duplicate/i.test(current.getValue("close_code") || ""); m.setRequestBody(JSON.stringify({incident_id: current.getValue("number"), status: !done ? "OPEN" : unsolved ? "CANCELED" : "RESOLVED", incident_time: current.getValue(done ? "resolved_at" : "opened_at") || current.getValue("sys_updated_on"), monitor_name: current.getDisplayValue("cmdb_ci"), monitor_id: current.getValue("cmdb_ci"), message: current.getValue("short_description")})); m.executeAsync(); })(current);`;

export const servicenow: Source = {
  name: "servicenow",
  title: "ServiceNow",
  documentation:
    "https://www.servicenow.com/docs/bundle/yokohama-api-reference/page/app-store/dev_portal/API_reference/sn_ws-RESTMessageV2/concept/c_RESTMessageV2API.html",
  payload: contractPayload,
  setup: {
    steps: [
      "ServiceNow has no webhook of its own, so its body is a template of ours. Create a business rule on the table Incident that runs async after insert and after an update in which state changes.",
      `Give it this script, with this URL and the key filled in: ${script}`,
      "The values of incident.state in it are the platform's defaults (6 resolved, 7 closed, 8 canceled); change them if yours differ.",
    ],
    authentication: ["header", "bearer", "basic", "token_in_url"],
    on_failure: "Whatever the script does; as printed it is not sent again.",
    unsure: ["There is no native body to hold to; the script has not been run on an instance."],
  },
  // Nothing in the six fields says that ServiceNow sent them.
  recognise: () => false,
  read(payload) {
    const reading = readContractFields(payload);
    if (reading.tag !== "signals") return reading;
    return { ...reading, signals: reading.signals.map(withEnd) };
  },
};

/** The script's own word for an incident that was canceled or is a duplicate; all its other words are the contract's. */
function withEnd(signal: SourceSignal): SourceSignal {
  if (!/^\s*cancell?ed\s*$/i.test(signal.status)) return signal;
  const { reminder: _, ...rest } = signal;
  return { ...rest, kind: "DISMISSAL" };
}
