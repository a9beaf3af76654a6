// What the runner hands to a test process, and what a developer may set: the one place where tests read the environment.

import { randomBytes } from "node:crypto";

/** Every choice of a test process follows from it. The runner decides it; a process started by hand draws its own. */
export const seed: number = Math.trunc(setting("TEST_SEED", randomBytes(4).readUInt32LE())) >>> 0;

/** Where reported tests write their verdicts; undefined where no runner reads them. */
export const resultsFile: string | undefined = textOf("TEST_RESULTS");

/** Where the planted faults of test/gate find the scene that they break. */
export const plantedScene: string | undefined = textOf("PLANTED_SCENE");

/** A number that makes a tier longer or shorter. Throws where it is set to something else. */
export function setting(
  name:
    | "FAULT_AWAY_SECONDS"
    | "FAULT_KILLS"
    | "FAULT_SOAK_SECONDS"
    | "FAULT_STOPS"
    | "FAULT_WEBHOOKS"
    | "SIMULATION_SEED"
    | "TEST_SEED",
  otherwise: number,
): number {
  const text = textOf(name);
  const value = text === undefined ? otherwise : Number(text);
  if (!Number.isFinite(value)) throw new Error(`Cannot read ${name} "${text}": it has to be a number`);
  return value;
}

/** Whether a developer made the tier shorter, or asked for one case of it. */
export const isShortened = (): boolean => (textOf("FAULT_KILLS") ?? onlyCase()) !== undefined;

/** The one case of the kills at system calls that is to run. */
export const onlyCase = (): string | undefined => textOf("FAULT_CASE");

function textOf(name: string): string | undefined {
  const text = process.env[name];
  return text === "" ? undefined : text;
}
