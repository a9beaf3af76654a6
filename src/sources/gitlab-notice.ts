// What GitLab's webhooks of every kind have in common. Knows no event's own fields.

import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import type { SourcePayload } from "./source.ts";

/** The event: `issue`, `work_item`, `deployment`, `push` and so on; undefined where it is none of GitLab's. */
export const gitlabEvent = ({ body }: SourcePayload): string | undefined =>
  textAt(at(body, "project"), "path_with_namespace") === undefined
    ? undefined
    : firstText(body, "object_kind", "event_name", "event_type");

export const isFromGitlab = (payload: SourcePayload): boolean =>
  gitlabEvent(payload) !== undefined && hasFields(payload.body, "object_kind", "project");

/** Why an event other than the wanted one is passed over. */
export const otherGitlabEvent = (event: string, wanted: string): string =>
  `the event ${event.slice(0, 60)}; only ${wanted} is read here`;
