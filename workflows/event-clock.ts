import { condition } from '@temporalio/workflow';
import type { Run } from './run.ts';

/** Wakes the run when its event is over, however its end moves: one timer for everything that asks whether it is. */
export function startEventClock({ status }: Pick<Run, 'status'>): void {
  async function follow(): Promise<never> {
    for (;;) {
      const { name, endMs } = status().event;
      const isMoved = () => status().event.endMs !== endMs;
      const leftMs = endMs - Date.now();
      await (leftMs > 0 ? condition(isMoved, leftMs, { summary: `until ${name} ends` }) : condition(isMoved));
    }
  }
  // its own end is nobody's business: it goes with the run
  follow().catch(() => undefined);
}
