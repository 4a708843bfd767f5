import { condition } from '@temporalio/workflow';
import type { AdditionIntent, AdditionPlan, GroupSurvey, ResolvedAddition } from '../domain/addition.ts';
import { formatDuration } from '../domain/duration.ts';
import type { Approval } from './approval.ts';
import type { Run } from './run.ts';
import type { NodeSteering } from './steer-nodes.ts';

export interface AdditionParts {
  readonly run: Run;
  readonly steering: NodeSteering;
  readonly approval: Approval<AdditionIntent>;
}

export interface Planned {
  readonly kind: 'plan';
  readonly plan: AdditionPlan;
  readonly hash: string;
  readonly policy: ResolvedAddition;
  readonly surveys: Readonly<Record<string, GroupSurvey>>;
}

/** Waits for a while that operators can end and make longer; a cancelled run leaves at once. */
export async function waitWhile(
  { steering }: Pick<AdditionParts, 'steering'>,
  { ms, summary }: { readonly ms: number; readonly summary: string },
): Promise<void> {
  const sinceMs = Date.now();
  const extendedBefore = steering.extendedMs();
  for (;;) {
    const extended = steering.extendedMs();
    const leftMs = sinceMs + ms + extended - extendedBefore - Date.now();
    if (leftMs <= 0 || steering.isEnded()) return;
    await condition(() => steering.isEnded() || steering.extendedMs() !== extended, leftMs, {
      summary: `${summary}, ${formatDuration(leftMs)}`,
    });
  }
}
