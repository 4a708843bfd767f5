import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import { CloudCore, type CoreOptions } from './core.ts';
import { Faults, type Fault } from './faults.ts';
import { OPERATOR_KEY, WORKER_KEY } from './keys.ts';
import type { NodeEvent } from './model.ts';
import { carryOut, CloudOrder } from './orders.ts';
import { readPermissions } from './permissions.ts';
import { createCloudServer, type CloudCall } from './server.ts';

export interface CloudOptions extends CoreOptions {
  /** 0, and absent: whichever is free. */
  readonly port?: number;
  /** What instances mean to the cluster, one after another and in their order. */
  readonly onNode?: (event: NodeEvent) => void | Promise<void>;
  /** Absent: headroom's own, deploy/iam/headroom-policy.json. */
  readonly policy?: string;
}

export interface RunningCloud {
  readonly url: string;
  /** Groups and instances, to look at and to change as others than headroom would; `advance` is called by itself. */
  readonly core: CloudCore;
  /** Ordered, and not met yet. */
  readonly waitingFaults: () => readonly Fault[];
  /** Every request so far, oldest first. */
  readonly calls: readonly CloudCall[];
  /** As many of them as were of this operation: `TerminateInstanceInAutoScalingGroup`. */
  callsOf(operation: string): readonly CloudCall[];
  /** What others do, and AWS by itself; at once, or a Refusal. */
  order(order: z.input<typeof CloudOrder>): void;
  /** After a change of `core` by hand: lets it take effect. */
  readonly touch: () => void;
  /** Nobody listens any more, and what was open breaks; resolves when it is back. What happens by itself goes on. */
  away(ms: number): Promise<void>;
  /** Resolves when `onNode` has taken all that has happened so far. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

const POLICY = new URL('../../deploy/iam/headroom-policy.json', import.meta.url);

/** A stand-in for EKS node groups and EC2 Auto Scaling on loopback, in this process. */
export async function startCloud({ port = 0, onNode, policy, ...options }: CloudOptions): Promise<RunningCloud> {
  const core = new CloudCore(options);
  const faults = new Faults();
  const calls: CloudCall[] = [];
  const permitted = readPermissions(policy ?? readFileSync(POLICY, 'utf8'), options.cluster);
  let timer: NodeJS.Timeout | undefined;
  let told = Promise.resolve();

  function advance(nowMs: number): void {
    for (const event of core.advance(nowMs)) told = told.then(() => onNode?.(event)).catch(reportNode);
    clearTimeout(timer);
    const nextMs = core.nextMs();
    if (nextMs !== null) timer = setTimeout(touch, Math.max(0, nextMs - Date.now())).unref();
  }
  const touch = (): void => advance(Date.now());

  const server = createCloudServer({
    core,
    faults,
    keys: { [WORKER_KEY.accessKeyId]: permitted, [OPERATOR_KEY.accessKeyId]: () => true },
    onCall: (call) => calls.push(call),
    advance,
  });
  async function listen(at: number): Promise<void> {
    server.listen(at, '127.0.0.1');
    await once(server, 'listening');
  }
  async function close(): Promise<void> {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
  await listen(port);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the stand-in for AWS has no port');
  touch();

  return {
    url: `http://127.0.0.1:${address.port}`,
    core,
    waitingFaults: () => faults.waiting(),
    calls,
    callsOf: (operation) => calls.filter(({ action }) => action.endsWith(`:${operation}`)),
    order: (order) => carryOut({ core, faults, touch }, CloudOrder.parse(order)),
    touch,
    async away(ms) {
      await close();
      await sleep(ms);
      await listen(address.port);
    },
    settled: () => told,
    async stop() {
      clearTimeout(timer);
      await close();
      await told;
    },
  };
}

function reportNode(error: unknown): void {
  process.stderr.write(`stand-in for AWS: ${error instanceof Error ? error.message : String(error)}\n`);
}
