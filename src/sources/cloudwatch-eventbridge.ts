// CloudWatch's alarms through EventBridge and an API destination.

import { Type } from "@sinclair/typebox";
import { alarmStates, alarmUnsure } from "./cloudwatch-alarm.ts";
import { ignored, readingOf, unrecognised } from "./found-signal.ts";
import { at, fieldsOf, firstText, textAt } from "./json-fields.ts";
import type { Reading, Source, SourcePayload } from "./source.ts";
import { timeText } from "./tool-times.ts";

const detailType = "CloudWatch Alarm State Change";

/** Tells among others that an alarm was deleted: then nothing else will ever end what it began. */
const configurationType = "CloudWatch Alarm Configuration Change";

export const cloudwatchEventbridge: Source = {
  name: "cloudwatch-eventbridge",
  title: "Amazon CloudWatch through EventBridge",
  documentation:
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html",
  payload: Type.Object({
    "detail-type": Type.String(),
    resources: Type.Array(Type.String()),
    detail: Type.Object({
      alarmName: Type.Optional(Type.String()),
      state: Type.Object({
        value: Type.String(),
        timestamp: Type.Optional(Type.String()),
        reason: Type.Optional(Type.String()),
      }),
    }),
  }),
  setup: {
    steps: [
      "In EventBridge create a connection of type API key, with the name X-API-Key and the key as value.",
      "Create an API destination with this URL, method POST, and that connection.",
      'Create a rule for {"source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change", "CloudWatch Alarm Configuration Change"]} with the destination as its target.',
    ],
    authentication: ["header", "basic"],
    on_failure:
      "It retries by the target's retry policy, for up to 24 hours unless told otherwise; a dead-letter queue keeps the rest.",
    unsure: [...alarmUnsure, "The retry policy is general knowledge, not re-checked."],
  },
  recognise: ({ body }) =>
    [detailType, configurationType].includes(textAt(body, "detail-type") ?? "") &&
    at(body, "source") === "aws.cloudwatch",
  read(payload) {
    const { body } = payload;
    const detail = at(body, "detail");
    if (textAt(body, "detail-type") === configurationType) return configurationChange(payload);
    if (textAt(body, "detail-type") !== detailType || fieldsOf(at(detail, "state")) === undefined) {
      return unrecognised(`it is no "${detailType}"`);
    }
    const time = timeText(at(detail, "state", "timestamp")) ?? timeText(at(body, "time"));
    const id = textAt(body, "resources", 0);
    return readingOf(payload, {
      incident_id: id ?? textAt(detail, "alarmName"),
      status: textAt(detail, "state", "value"),
      means: alarmStates,
      moment: time,
      monitor_name: textAt(detail, "alarmName"),
      monitor_id: id,
      message: firstText(detail, "state.reason", "configuration.description"),
    });
  },
};

function configurationChange(payload: SourcePayload): Reading {
  const { body } = payload;
  const operation = textAt(body, "detail", "operation");
  if (operation?.toLowerCase() !== "delete") return ignored("an alarm was created or changed, not deleted");
  const id = textAt(body, "resources", 0);
  return readingOf(payload, {
    incident_id: id ?? textAt(body, "detail", "alarmName"),
    status: operation,
    means: "DISMISSAL",
    moment: timeText(at(body, "time")),
    monitor_name: textAt(body, "detail", "alarmName"),
    monitor_id: id,
    message: "the alarm was deleted",
  });
}
