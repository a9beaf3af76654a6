// What the planted faults break: a log and its tables, filled by a service that has ended. Each gets tables of its own.

import { expect } from "bun:test";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import postgres from "postgres";
import { openPostgres, type Sql } from "../../../src/readmodel/postgres.ts";
import { check, faultsIn } from "../../faults/checker.ts";
import type { Sent } from "../../faults/senders.ts";
import type { Report } from "../reported-test.ts";
import { plantedScene } from "../run-settings.ts";

export interface Scene {
  readonly eventstoreUrl: string;
  readonly databaseUrl: string;
  readonly project: string;
  readonly acknowledged: readonly (readonly [string, Acknowledged])[];
  readonly bodies: readonly string[];
}

type Acknowledged = Sent["acknowledged"] extends Map<string, infer T> ? T : never;

interface Planting {
  readonly scene: Scene;
  /** Of the tables that belong to this fault alone. */
  readonly sql: Sql;
  readonly sent: Pick<Sent, "acknowledged" | "bodies">;
}

/** Plants a fault and asks the fault tier's checker, as its tests do. Fails where the checker sees the fault. */
export async function checkAfter(
  report: Report,
  plant: (planting: Planting) => Promise<unknown>,
): Promise<void> {
  if (plantedScene === undefined) throw new Error("There is no scene to plant a fault in.");
  const scene = JSON.parse(readFileSync(plantedScene, "utf8")) as Scene;
  const name = `planted_${randomUUID().replaceAll("-", "")}`;
  const template = new URL(scene.databaseUrl).pathname.slice(1);
  const urlOf = (database: string): string => scene.databaseUrl.replace(/[^/]+$/, database);
  const admin = postgres(urlOf("postgres"), { max: 1, onnotice: () => {} });
  await admin`create database ${admin(name)} template ${admin(template)}`;
  const sql = openPostgres(urlOf(name), {
    maxConnections: 1,
    applicationName: "planted-fault",
    statementTimeoutMs: 0,
  });
  try {
    const sent = { acknowledged: new Map(scene.acknowledged), bodies: new Set(scene.bodies) };
    await plant({ scene, sql, sent });
    const found = await check({ ...scene, databaseUrl: urlOf(name), sent, withinMs: 300 });
    report.tried({ acknowledged: sent.acknowledged.size });
    report.found(found);
    expect(faultsIn(found)).toBe(0);
  } finally {
    await sql.end({ timeout: 1 });
    await admin`drop database ${admin(name)} with (force)`;
    await admin.end({ timeout: 1 });
  }
}
