import { ApplicationFailure } from '@temporalio/workflow';
import type { ScalingFacts } from '../domain/scaling-facts.ts';
import { asking } from './stubs.ts';

/** How a workload is autoscaled now: read by the worker, with the worker's rights, so that people need no kubeconfig. */
export async function autoscalerStatus(workload: string): Promise<ScalingFacts> {
  if (typeof workload !== 'string' || workload === '')
    throw ApplicationFailure.nonRetryable(
      'give the name of a workload of headroom.yaml, such as "web"',
      'invalidRequest',
    );
  return asking.readScaling.executeWithOptions({ summary: `the autoscaling of ${workload}` }, [workload]);
}
