import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createNaiveActivities } from './activities.ts';
import { NAIVE_QUEUE } from './queue.ts';

/** A worker with the SDK's defaults, in a process of its own as headroom's is. */
const {
  TEMPORAL_ADDRESS: address,
  TEMPORAL_NAMESPACE: namespace = 'default',
  HEADROOM_KUBECONFIG: kubeconfig = '',
} = process.env;

Runtime.install({ logger: new DefaultLogger('WARN') });
const worker = await Worker.create({
  connection: await NativeConnection.connect(address === undefined ? {} : { address }),
  namespace,
  taskQueue: NAIVE_QUEUE,
  workflowsPath: fileURLToPath(new URL('workflows.ts', import.meta.url)),
  activities: createNaiveActivities(kubeconfig),
});
process.stderr.write('worker is ready\n');
await worker.run();
