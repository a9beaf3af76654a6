// The event store that a backup or restore is about: the one that EVENTSTORE_URL names, the embedded one of a service
// that runs, or that one started for the while.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Config, childEnvironment, environment } from "../config.ts";
import { openRawLog, type RawLog } from "../eventstore/raw-log.ts";
import { openDataDirectory } from "../processes/data-directory.ts";
import { lockDirectory } from "../processes/directory-lock.ts";
import { readAddress } from "../processes/event-store-address.ts";
import { startEmbeddedEventStore } from "../processes/event-store-process.ts";

export interface OpenStore {
  readonly log: RawLog;
  /** For words: never with a password. */
  readonly shown: string;
  readonly close: () => Promise<void>;
}

/** Throws an Error of one line where it cannot be opened. `missing` says whether an embedded one may be made. */
export async function openStore(config: Config, missing: "make" | "refuse"): Promise<OpenStore> {
  if (config.eventstoreUrl !== undefined)
    return opened(config.eventstoreUrl, "the event store of EVENTSTORE_URL");
  const directory = join(config.dataDir, "eventstore");
  const address = readAddress(directory);
  if (address !== undefined) return opened(address, `the running event store of "${config.dataDir}"`);
  if (missing === "refuse" && !existsSync(join(directory, "events.sqlite")))
    throw new Error(`There is no event store in "${config.dataDir}". Set DATA_DIR or EVENTSTORE_URL.`);
  const locking = lockDirectory(openDataDirectory(config.dataDir));
  if (locking.tag === "held")
    throw new Error(`A service starts or stops on "${config.dataDir}" just now. Try again when it has.`);
  try {
    const store = await startEmbeddedEventStore({
      directory,
      env: childEnvironment(environment()),
      watcher: {
        // Of what it says, only what is wrong concerns whoever waits for the copy.
        line: (line) => line.startsWith('{"event":"listening') || console.error(line),
        ready: () => {},
        lost: (reason) => console.error(reason),
      },
    });
    const { log, shown, close } = opened(store, `the event store of "${config.dataDir}"`);
    const closeAll = async (): Promise<void> => {
      await close();
      await store.stop();
      locking.release();
    };
    return { log, shown, close: closeAll };
  } catch (error) {
    locking.release();
    throw error;
  }
}

function opened(address: Parameters<typeof openRawLog>[0], shown: string): OpenStore {
  const log = openRawLog(address);
  return { log, shown, close: log.close };
}
