// What a process remembers of the registry from the last time it read it, so that it can tell keys while the event store
// is away: as the events that build it. Holds keys' digests and sealed secrets, never a key. Knows no file.

import { applyRegistryEvent, emptyRegistry, type Registry, type RegistryEvent } from "../domain/registry.ts";
import { sha256 } from "./event-id.ts";

/** The snapshot as text: its SHA-256 on the first line, the events on the second. */
export function snapshotText(registry: Registry): string {
  const body = JSON.stringify([...eventsOf(registry)]);
  return `${sha256(body)}\n${body}\n`;
}

/** The registry as it was, or undefined where the text is not what was written. */
export function readSnapshot(text: string): Registry | undefined {
  const [digest, body = ""] = text.split("\n");
  if (digest !== sha256(body)) return undefined;
  const registry = emptyRegistry();
  for (const event of JSON.parse(body) as RegistryEvent[]) applyRegistryEvent(registry, event);
  return registry;
}

/**
 * Saves the registry as it then is after each call of `changed`, one at a time; what changes meanwhile shares the next.
 * A failure costs nothing but the memory of the change, and is told once.
 */
export function keepSnapshots(options: {
  readonly registry: Registry;
  readonly save: (text: string) => Promise<void>;
  readonly log: { readonly warn: (details: object, message: string) => void };
}): { readonly changed: () => void; readonly saved: () => Promise<void> } {
  let isSaved = true;
  let isFailing = false;
  let saving: Promise<void> | undefined;

  const saveAll = async (): Promise<void> => {
    while (!isSaved) {
      isSaved = true;
      try {
        await options.save(snapshotText(options.registry));
        isFailing = false;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        if (!isFailing) options.log.warn({ reason }, "the registry's snapshot cannot be kept");
        isFailing = true;
      }
    }
    saving = undefined;
  };
  return {
    changed: () => {
      isSaved = false;
      saving ??= saveAll();
    },
    saved: async () => {
      await saving;
    },
  };
}

function* eventsOf(registry: Registry): Generator<RegistryEvent> {
  for (const project of registry.projects.values()) {
    const { project_uuid, name, created_at, matching, mappings } = project;
    yield { type: "ProjectRegistered", data: { project_uuid, name, created_at } };
    yield { type: "ProjectChanged", data: { project_uuid, matching } };
    yield { type: "StatusesMapped", data: { project_uuid, mappings } };
    for (const data of project.repositories.values()) yield { type: "RepositoryRegistered", data };
    for (const { revoked_at, ...data } of project.keys.values()) {
      yield { type: "ApiKeyIssued", data };
      if (revoked_at !== null) {
        yield { type: "ApiKeyRevoked", data: { key_id: data.key_id, project_uuid, revoked_at } };
      }
    }
  }
}
