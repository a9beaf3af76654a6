// CloudWatch's alarms through an SNS topic: JSON inside the JSON, sent as text/plain.

import { Type } from "@sinclair/typebox";
import { alarmStates, alarmUnsure } from "./cloudwatch-alarm.ts";
import { readingOf, unrecognised } from "./found-signal.ts";
import { at, fieldsOf, firstText, hasFields, textAt, unwrapped } from "./json-fields.ts";
import { snsNotice } from "./sns-notice.ts";
import type { Source } from "./source.ts";
import { timeText } from "./tool-times.ts";

export const cloudwatchSns: Source = {
  name: "cloudwatch-sns",
  title: "Amazon CloudWatch through SNS",
  documentation: "https://docs.aws.amazon.com/sns/latest/dg/sns-http-https-endpoint-as-subscriber.html",
  payload: Type.Object({
    Type: Type.Optional(Type.String()),
    Message: Type.Optional(Type.String({ description: "The alarm, as JSON text" })),
  }),
  setup: {
    steps: [
      "Append the key to this URL as ?token= (SNS can send no headers), or write it as https://x:<the key>@host/... .",
      "Add an HTTPS subscription with the URL to the topic that the alarm's ALARM and OK actions name.",
      "SNS first asks to confirm the subscription. The operator may allow this service to do so; else open the SubscribeURL that the answer to that request names.",
    ],
    authentication: ["token_in_url", "basic", "signature"],
    on_failure:
      "Server errors are retried by the topic's delivery policy, three times 20 seconds apart unless told otherwise; a dead-letter queue keeps the rest.",
    unsure: alarmUnsure,
  },
  signature: "sns",
  recognise: ({ headers, body }) =>
    headers["x-amz-sns-message-type"] !== undefined || hasFields(body, "Type", "TopicArn", "MessageId"),
  read(payload) {
    const notice = snsNotice(payload);
    if (notice !== undefined) return notice;
    const alarm = rawAlarm(payload.body);
    if (alarm === undefined) return unrecognised("its Message holds no alarm of CloudWatch");
    const time = timeText(at(alarm, "StateChangeTime"));
    const id = textAt(alarm, "AlarmArn") ?? idWithoutArn(alarm);
    return readingOf(payload, {
      incident_id: id,
      status: textAt(alarm, "NewStateValue"),
      means: alarmStates,
      moment: time,
      monitor_name: textAt(alarm, "AlarmName"),
      monitor_id: id,
      message: firstText(alarm, "NewStateReason", "AlarmDescription"),
    });
  },
};

/** The alarm in Message; with the subscription's raw delivery it is the body itself. */
function rawAlarm(body: unknown): unknown {
  const inside = unwrapped(at(body, "Message"));
  if (fieldsOf(inside) !== undefined && hasFields(inside, "NewStateValue")) return inside;
  // A signature covers the Message alone: beside one, nothing else in the body counts.
  return hasFields(body, "NewStateValue") && !hasFields(body, "Signature") ? body : undefined;
}

/** Older messages have no ARN: a name is an alarm's own only within its account and region. */
function idWithoutArn(alarm: unknown): string | undefined {
  const name = textAt(alarm, "AlarmName");
  const place = ["AWSAccountId", "Region"].flatMap((field) => textAt(alarm, field) ?? []);
  return name === undefined ? undefined : [...place, name].join(":");
}
