// A sender who means well, beside those who do not: one webhook after the other, and how long each took.

import { spreadOf } from "../faults/figures.ts";
import { checkedFetch } from "../http/answer-check.ts";
import type { RunningService } from "../running-service.ts";

export interface RealRequests {
  /** Ends it: milliseconds of each webhook, and how many were not answered 200. */
  readonly stop: () => Promise<{ readonly latencies: readonly number[]; readonly unanswered: number }>;
}

/** Sends one every 20 ms or as fast as they are answered, from now on. */
export function sendRealRequests(
  service: RunningService,
  { project, key }: { readonly project: string; readonly key: string },
): RealRequests {
  const latencies: number[] = [];
  let unanswered = 0;
  let isOver = false;
  const run = async (): Promise<void> => {
    while (!isOver) {
      const startedAt = performance.now();
      const status = await send(service, { project, key, incident: `real-${process.hrtime.bigint()}` });
      latencies.push(performance.now() - startedAt);
      if (status !== 200) unanswered++;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const running = run();
  return {
    stop: async () => {
      isOver = true;
      await running;
      return { latencies, unanswered };
    },
  };
}

async function send(
  { url }: RunningService,
  { project, key, incident }: { readonly project: string; readonly key: string; readonly incident: string },
): Promise<number> {
  try {
    const answer = await checkedFetch(`${url}/api/incidents/webhook/`, {
      method: "POST",
      headers: { "X-API-Key": key },
      body: JSON.stringify({
        incident_id: incident,
        project_uuid: project,
        status: "DOWN",
        incident_time: "2025-01-15T10:30:00Z",
      }),
      signal: AbortSignal.timeout(10_000),
    });
    await answer.arrayBuffer();
    return answer.status;
  } catch {
    return 0;
  }
}

export function latencyLine(latencies: readonly number[], unanswered: number): string {
  const { n, p50, p99, most } = spreadOf(latencies);
  return `${n} real webhooks: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, max ${most.toFixed(0)} ms, ${unanswered} not answered 200`;
}
