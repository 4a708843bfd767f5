import type { Client } from '@temporalio/client';

const AT_ONCE = 50;

/** What runs is over, with nobody to put anything in order: the lane goes as a whole. */
export async function endAll({ workflow }: Client): Promise<void> {
  const running: string[] = [];
  for await (const { workflowId } of workflow.list({ query: "ExecutionStatus = 'Running'" })) running.push(workflowId);
  for (let at = 0; at < running.length; at += AT_ONCE) {
    const some = running.slice(at, at + AT_ONCE).map((id) => workflow.getHandle(id).terminate('measured'));
    await Promise.allSettled(some);
  }
}
