// Prints the address of the embedded event store that runs on DATA_DIR, for EventStoreDB's tools (`bun run
// eventstore:address`). The address holds its password.

import { join } from "node:path";
import { environment, readConfig, thisMachine } from "../../config.ts";
import { readAddress } from "../../processes/event-store-address.ts";

const reading = readConfig(environment(), thisMachine());
if (!reading.ok) fail(reading.problems.join("\n"));
else {
  const directory = join(reading.value.dataDir, "eventstore");
  try {
    const address = readAddress(directory);
    if (address === undefined) fail(`No embedded event store runs on "${directory}". Is DATA_DIR right?`);
    else console.log(address);
  } catch (error) {
    fail(`Cannot read the address: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function fail(problem: string): void {
  console.error(problem);
  process.exitCode = 1;
}
