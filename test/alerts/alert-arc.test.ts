import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { viewRun, type RunView } from '../../client/runs.ts';
import { environmentOf } from '../../sandbox/environment.ts';
import type { KubeClient } from '../../sandbox/kube.ts';
import { EMERGENCY } from '../harness/emergency.ts';
import { connect, openSandboxes, ready, until } from '../harness/sandboxes.ts';

const { command, close } = openSandboxes();
after(close);

const NAME = 'arc';
const HEADROOM = join(import.meta.dirname, '..', '..', 'bin', 'headroom');
const SCALED_OBJECT = '/apis/keda.sh/v1alpha1/namespaces/tensafe/scaledobjects/tensafe-scaledobject';
const FAR_TOO_MUCH = '4000';

interface ScaledObject {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly minReplicaCount: number; readonly maxReplicaCount: number };
}

describe('from load to an alert to capacity and back, through the real Prometheus, Alertmanager and KEDA', () => {
  const children: ChildProcess[] = [];
  let temporal: Client | undefined;
  let kube: KubeClient | undefined;
  let owners: ScaledObject['spec'];
  const governor = async () => JSON.parse((await kube?.send('GET', SCALED_OBJECT))?.text ?? '{}') as ScaledObject;
  const load = async (rps: string) => {
    const { code, stderr } = await command('load', 'tensafe-server', '--rps', rps, '--name', NAME);
    assert.equal(code, 0, stderr);
  };
  const untilRun = (what: string, holds: (view: RunView) => boolean, withinMs: number) =>
    until(
      what,
      async () => {
        const view = temporal && (await viewRun(temporal, EMERGENCY).catch(() => undefined));
        return view !== undefined && holds(view) ? view : undefined;
      },
      withinMs,
    );

  before(async () => {
    const { code, stderr } = await command(
      'up',
      '--detach',
      '--with',
      'keda',
      '--with',
      'alertmanager',
      '--name',
      NAME,
    );
    assert.equal(code, 0, stderr);
    const status = await ready(NAME);
    const env = { ...process.env, ...environmentOf(status) };
    const connection = await Connection.connect({ address: status.addresses.temporal });
    temporal = new Client({ connection, namespace: status.temporal.namespace });
    kube = connect(status);
    for (const words of [['worker'], ['webhook']]) {
      const child = spawn(HEADROOM, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
      children.push(child);
      let said = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
      await until(`${words[0]} is ready`, () => (/ is ready/.test(said) ? true : undefined), 60_000);
    }
    owners = (await governor()).spec;
  });
  after(async () => {
    for (const child of children.filter(({ exitCode }) => exitCode === null)) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    kube?.close();
    await temporal?.connection.close();
    await command('down', '--name', NAME);
  });

  it('raises the floor and stops scale-in when the alert fires', async () => {
    await load(FAR_TOO_MUCH);
    const held = await untilRun('an emergency holds', ({ status }) => status?.phase === 'holding', 120_000);
    const { metadata, spec } = await governor();
    assert.ok(spec.minReplicaCount >= 2 * owners.minReplicaCount, `${spec.minReplicaCount}`);
    assert.ok(spec.maxReplicaCount <= 50);
    assert.equal(metadata.annotations?.['autoscaling.keda.sh/paused-scale-in'], 'true');
    assert.match(held.status?.requestedBy ?? '', /alerts/);
    assert.ok((held.status?.alerts?.heard ?? 0) >= 1);
  });

  it('gives all of it back when the load is down, and not before', async () => {
    await load('100');
    await untilRun(
      'the emergency is over',
      ({ status, state }) => state !== 'RUNNING' || status?.phase === 'cooling down',
      180_000,
    );
    // steps of other alerts may hold a while longer
    await until(
      'the owner’s values are back',
      async () => {
        const { metadata, spec } = await governor();
        const marks = Object.keys(metadata.annotations ?? {}).filter((key) => /headroom|paused-scale-in/.test(key));
        return marks.length === 0 && spec.minReplicaCount === owners.minReplicaCount ? true : undefined;
      },
      240_000,
    );
    assert.deepEqual((await governor()).spec, owners);
  });
});
