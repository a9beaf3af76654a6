// Measures ingest side by side on one machine.
//
//   bun run bench:ingest          sustained: 2,000 monitors that use their incident_ids again, stored and visible
//   bun run bench:ingest burst    what is acknowledged in bursts

export {};

const mode = process.argv[2] ?? "sustained";
if (mode === "sustained") await import("./sustained.ts");
else if (mode === "burst") await import("./burst.ts");
else throw new Error(`Cannot measure "${mode}": say sustained or burst`);
