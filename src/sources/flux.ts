// Flux's notification controller with the generic providers. It sends an object's events, not its state: an error is an
// alert for the object, its next success the recovery. While an object fails its error is sent again and again.

import { Type } from "@sinclair/typebox";
import { readingOf } from "./found-signal.ts";
import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import type { Meaning } from "./status-table.ts";
import { timeText } from "./tool-times.ts";

/** Reasons of events of the severity info that say that the object is well. */
const wellReasons =
  /^((Reconciliation|Install|Upgrade|Test)Succeeded|Succeeded|NewArtifact|ArtifactUpToDate)$/;

/** Another object is what fails. */
const waits = "DependencyNotReady";

export const flux: Source = {
  name: "flux",
  title: "Flux",
  documentation: "https://fluxcd.io/flux/components/notification/providers/",
  payload: Type.Object({
    involvedObject: Type.Object({ kind: Type.String(), name: Type.String() }),
    severity: Type.String(),
    reason: Type.String(),
    timestamp: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  }),
  setup: {
    steps: [
      "Create a Provider of the type generic with this URL as its address, and a secret whose field headers holds: X-API-Key: <the key>. To sign too, use the type generic-hmac, put the key into the URL as ?token=, and give the secret's token to the key here as a signing secret.",
      "Create an Alert that names the provider, the objects, and eventSeverity: info; with error alone no recovery arrives.",
      "Clusters whose objects share namespaces and names need an own API key and project each, or eventMetadata with a field cluster in the Alert.",
    ],
    authentication: ["header", "bearer", "token_in_url", "signature"],
    on_failure: "It tries four times more within seconds.",
    unsure: [
      "Which reasons of information say that an object is well; all others of the severity info are ignored.",
    ],
  },
  signature: "flux",
  recognise: ({ body }) => hasFields(body, "involvedObject", "severity", "reason", "reportingController"),
  read(payload) {
    const { body } = payload;
    const object = at(body, "involvedObject");
    const kind = textAt(object, "kind");
    const name = textAt(object, "name");
    const cluster = firstText(body, "metadata.cluster");
    const id =
      kind === undefined || name === undefined
        ? undefined
        : [cluster, kind, textAt(object, "namespace"), name].filter((part) => part !== undefined).join("/");
    const severity = textAt(body, "severity");
    return readingOf(payload, {
      incident_id: id,
      status: severity === undefined ? undefined : `${severity} ${textAt(body, "reason") ?? ""}`.trim(),
      means: meaning(severity, textAt(body, "reason")),
      moment: timeText(at(body, "timestamp")),
      monitor_name: name,
      monitor_id: id,
      message: textAt(body, "message"),
    });
  },
};

function meaning(severity: string | undefined, reason: string | undefined): Meaning | undefined {
  if (reason === undefined) return undefined;
  if (reason === waits) return { ignored: "the object waits for another one" };
  switch (severity) {
    case "error":
      return "REMINDER";
    case "info":
      return wellReasons.test(reason)
        ? "RECOVERY"
        : { ignored: `the event ${reason.slice(0, 60)}, no change of state` };
    case "trace":
      return { ignored: "an event of the severity trace" };
    default:
      return undefined;
  }
}
