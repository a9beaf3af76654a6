// Branded identifiers and the only functions that make them. Knows nothing of where an id came from.

declare const brand: unique symbol;
type Branded<T, B extends string> = T & { readonly [brand]: B };

/** A project's UUID, lower case. */
export type ProjectUuid = Branded<string, "ProjectUuid">;
/** A repository's UUID, lower case. */
export type RepoUuid = Branded<string, "RepoUuid">;
/** An API key's public id (UUID, lower case); never the secret. */
export type KeyId = Branded<string, "KeyId">;
/** The sender's own text for an incident: 1 to 512 characters, any characters. */
export type IncidentId = Branded<string, "IncidentId">;

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether the text is a UUID of any version, in either case. */
export const isUuid = (text: string): boolean => uuidPattern.test(text);

const parseUuid = <T extends string>(text: string): T | undefined =>
  isUuid(text) ? (text.toLowerCase() as T) : undefined;

export const parseProjectUuid = (text: string): ProjectUuid | undefined => parseUuid<ProjectUuid>(text);
export const parseRepoUuid = (text: string): RepoUuid | undefined => parseUuid<RepoUuid>(text);

/** The longest incident_id, in characters (UTF-16 code units). */
export const maxIncidentIdLength = 512;

export const parseIncidentId = (text: string): IncidentId | undefined =>
  text.length >= 1 && text.length <= maxIncidentIdLength ? (text as IncidentId) : undefined;
