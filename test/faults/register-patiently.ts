// A project and a key from a service that was lost a moment ago, or whose machine has much else to do.

import { type RunningService, registerProject } from "../running-service.ts";

export async function registerPatiently(
  service: RunningService,
): Promise<{ readonly project: string; readonly key: string }> {
  const until = Date.now() + 60_000;
  for (;;) {
    try {
      return await registerProject(service);
    } catch (error) {
      if (Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
