// The quick test of any history in any order, with 10,000 histories.

process.env.HISTORY_RUNS = "250";
await import("./histories.test.ts");

export {};
