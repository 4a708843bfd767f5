import { Context } from '@temporalio/activity';
import type { Call, Ports, WorkloadPort } from '../activities/ports.ts';
import { readWorkerConfig } from '../worker/config.ts';
import { startWorker } from '../worker/main.ts';

/** The worker as it ships, but each request to the API server also names the activity that makes it: a ledger's look and its guard's have the same caller. */
function tagged(workloads: WorkloadPort): WorkloadPort {
  const tag = ({ caller, signal }: Call): Call => ({ signal, caller: `${caller} ${activityName()}` });
  return {
    readWorkload: (ref, call, options) => workloads.readWorkload(ref, tag(call), options),
    changeGovernor: (change, call) => workloads.changeGovernor(change, tag(call)),
    findHeld: (refs, call) => workloads.findHeld(refs, tag(call)),
    readAutoscalers: (namespace, call) => workloads.readAutoscalers(namespace, tag(call)),
    readMetricsApis: (call) => workloads.readMetricsApis(tag(call)),
    readTroubles: (ref, call) => workloads.readTroubles(ref, tag(call)),
    readCapacity: (ref, call) => workloads.readCapacity(ref, tag(call)),
  };
}

/** The sweep of the worker process is no activity. */
function activityName(): string {
  try {
    return Context.current().info.activityType;
  } catch {
    return 'sweep';
  }
}

const worker = await startWorker(readWorkerConfig(process.env), {
  ports: (ports: Ports) => ({ ...ports, workloads: tagged(ports.workloads) }),
});
await worker.done;
