// The program: reads the configuration, starts the app, says where it listens, and ends it when the process is to end.

import { createApp, type RunningApp } from "./app/create-app.ts";
import { type Config, environment, readConfig, thisMachine } from "./config.ts";
import { createLog } from "./log.ts";
import { watchLauncher } from "./processes/launcher.ts";
import { welcomeText } from "./welcome.ts";

async function run(config: Config): Promise<void> {
  const log = createLog({ level: config.logLevel, format: config.logFormat });
  const app = createApp({
    config,
    log,
    onFailed: (reason) => {
      log.fatal({ reason }, "nothing more can be acknowledged");
      void stop(reason, 1);
    },
  });
  let isStopping = false;

  const stop = async (reason: string, exitCode: number): Promise<void> => {
    if (isStopping) return;
    isStopping = true;
    log.info({ reason }, "stopping");
    await app.stop();
    log.info({}, "stopped");
    process.exit(exitCode);
  };
  // npm and the terminal may both pass on the same signal: only the first counts.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => void stop(signal, 0));
  watchLauncher(() => void stop("what started the service is gone", 0));
  process.on("uncaughtException", (error: unknown) => {
    log.error(described(error), "this is a bug in Incident Ledger");
    void stop("uncaughtException", 1);
  });
  // postgres.js leaves promises of its own behind when a connection is lost while it opens: no reason to take no
  // more webhooks.
  process.on("unhandledRejection", (error: unknown) => {
    log.error(described(error), "a promise was rejected that nobody waits for");
  });

  // With all that ends it in place: making the database takes a while in which nothing else runs.
  try {
    const running = await app.start();
    if (running !== undefined) welcome(running, config);
  } catch (error) {
    if (isStopping) return;
    isStopping = true;
    await app.stop();
    console.error(reasonOf(error));
    process.exit(1);
  }
}

function welcome({ port, adminKey, newSignInPath }: RunningApp, config: Config): void {
  // Never among lines that are collected: whoever reads those within its minutes could sign in. On the first start, whose
  // text shows the admin key too, it tells no more than that.
  const showsLink = adminKey.tag === "new" && config.logFormat !== "json";
  const text = welcomeText({
    signInPath: showsLink ? newSignInPath() : undefined,
    host: config.host,
    port,
    embedsEventStore: config.eventstoreUrl === undefined,
    adminKey,
  });
  // Someone who asked for JSON parses what comes on stdout.
  (config.logFormat === "json" ? process.stderr : process.stdout).write(`${text}\n`);
}

function described(error: unknown): object {
  return { reason: reasonOf(error), stack: error instanceof Error ? error.stack : undefined };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const reading = readConfig(environment(), thisMachine());
if (!reading.ok) {
  for (const problem of reading.problems) console.error(problem);
  process.exit(1);
}
await run(reading.value);
