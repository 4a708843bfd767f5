import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isAlive } from '../../sandbox/guard.ts';
import type { KubeClient, KubeObject } from '../../sandbox/kube.ts';
import { isLocked } from '../../sandbox/lock.ts';
import { startSandbox } from '../../sandbox/start.ts';
import { lockFile, readStatus, sandboxDirectory, type SandboxStatus } from '../../sandbox/state.ts';
import {
  aDeployment,
  connect,
  NODE,
  noneAlive,
  openSandboxes,
  ready,
  type Autoscaler,
  until,
} from '../harness/sandboxes.ts';

const { root, begin, command, close } = openSandboxes();
after(close);

describe('a sandbox with KEDA', () => {
  let status: SandboxStatus;
  let kube: KubeClient;
  const hpa = async (): Promise<Autoscaler | undefined> => {
    const path = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/keda-hpa-web';
    const { status: code, text: found } = await kube.send('GET', path);
    return code === 200 ? JSON.parse(found) : undefined;
  };
  const order = async (path: string, name: string) => {
    const body = JSON.stringify({ name });
    const { status: code } = await fetch(`${status.addresses.control}/programs/${path}`, { method: 'POST', body });
    assert.equal(code, 200);
  };

  before(async () => {
    const { code, stdout, stderr } = await command('up', '--detach', '--no-seed', '--with', 'keda', '--name', 'keda');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /KEDA {10}\d+\.\d+\.\d+/);
    status = await ready('keda');
    kube = connect(status);
    await kube.apply(NODE);
    await kube.apply(aDeployment('web', 1));
    await kube.apply(aScaledObject(2));
  });
  after(async () => {
    kube?.close();
    await command('down', '--name', 'keda');
  });

  it('tells of it in its status and its environment', async () => {
    assert.deepEqual(status.extras, ['keda']);
    for (const name of ['keda-operator', 'keda-webhooks', 'keda-adapter'])
      assert.ok(isAlive(status.pids[name] ?? 0), name);
    assert.match((await command('env', '--name', 'keda')).stdout, /^export HEADROOM_SANDBOX_WITH='keda'$/m);
  });

  it('serves external metrics to autoscalers', async () => {
    await until('the API is available', async () => {
      const { text: found } = await kube.send(
        'GET',
        '/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.external.metrics.k8s.io',
      );
      const conditions: readonly Condition[] = JSON.parse(found).status?.conditions ?? [];
      return conditions.some(({ type, status: is }) => type === 'Available' && is === 'True') || undefined;
    });
  });

  it('has a webhook that refuses a second ScaledObject on one workload', async () => {
    const second = { ...aScaledObject(2), metadata: { name: 'web-again', namespace: 'default' } };
    await assert.rejects(kube.apply(second), /403 .*already managed by the (?:ScaledObject 'web'|hpa 'keda-hpa-web')/);
  });

  it('follows no ScaledObject while its operator is away, and every one when it is back', async () => {
    await until('KEDA’s HPA', async () => ((await hpa())?.spec.minReplicas === 2 ? true : undefined));
    await order('stop', 'keda-operator');
    await kube.apply(aScaledObject(4));
    assert.equal((await hpa())?.spec.minReplicas, 2, 'the webhook takes the change, and nobody acts on it');
    await order('start', 'keda-operator');
    await until('KEDA has followed', async () => ((await hpa())?.spec.minReplicas === 4 ? true : undefined));
  });

  it('lets no change of a ScaledObject through while its webhook is away', async () => {
    await order('stop', 'keda-webhooks');
    await assert.rejects(kube.apply(aScaledObject(5)), /500 .*failed calling webhook/);
    await order('start', 'keda-webhooks');
    await kube.apply(aScaledObject(5));
  });
});

interface Condition {
  readonly type: string;
  readonly status: string;
}

function aScaledObject(minReplicaCount: number): KubeObject {
  const metadata = { timezone: 'UTC', start: '0 0 1 1 *', end: '1 0 1 1 *', desiredReplicas: '1' };
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledObject',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      scaleTargetRef: { name: 'web' },
      minReplicaCount,
      maxReplicaCount: 10,
      triggers: [{ type: 'cron', metadata }],
    },
  };
}

describe('a sandbox in the foreground', () => {
  it('stops everything at Ctrl-C and leaves with 0', async () => {
    const child = begin('up', '--no-seed', '--name', 'foreground');
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const { pids } = await ready('foreground');
    // the status says so a moment before the command listens
    await until('it says how to stop it', () => (said.includes('Ctrl-C stops it') ? true : undefined));
    child.kill('SIGINT');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
    await noneAlive(Object.values(pids), 0);
    assert.equal(readStatus(sandboxDirectory('foreground'))?.state, 'stopped');
  });

  it('stops everything when it is killed itself', async () => {
    const child = begin('up', '--no-seed', '--name', 'foreground');
    const { pids } = await ready('foreground');
    child.kill('SIGKILL');
    await noneAlive(Object.values(pids));
  });

  it('stops everything when it and its supervisor are killed at once', async () => {
    const child = begin('up', '--no-seed', '--name', 'foreground');
    const { pids } = await ready('foreground');
    child.kill('SIGKILL');
    process.kill(pids['supervisor'] ?? 0, 'SIGKILL');
    await noneAlive(Object.values(pids));
  });

  it('fails, names what happened, and stops everything when its guard is killed', async () => {
    const child = begin('up', '--no-seed', '--name', 'foreground');
    const { pids } = await ready('foreground');
    process.kill(pids['guard'] ?? 0, 'SIGKILL');
    assert.deepEqual(await once(child, 'exit'), [1, null]);
    await noneAlive(Object.values(pids));
    assert.match(readStatus(sandboxDirectory('foreground'))?.problems.join() ?? '', /the guard .* died/);
  });
});

describe('two that start the same sandbox at the same time', () => {
  it('get one sandbox, and both are content', async () => {
    const up = () => command('up', '--detach', '--no-seed', '--name', 'shared');
    const answers = await Promise.all([up(), up()]);
    assert.deepEqual(
      answers.map(({ code }) => code),
      [0, 0],
    );
    assert.equal(answers.filter(({ stdout }) => stdout.includes('runs already and is ready')).length, 1);
    const { pids } = await ready('shared');
    assert.equal((await command('down', '--name', 'shared')).code, 0);
    await noneAlive(Object.values(pids), 0);
  });
});

describe('a start that does not get through', () => {
  it('leaves nothing alive when it is killed on the way', async () => {
    const child = begin('up', '--detach', '--no-seed', '--name', 'orphan');
    const directory = sandboxDirectory('orphan');
    const pids = await until('the API server starts', () => {
      const pids = readStatus(directory)?.pids;
      return pids?.['kube-apiserver'] === undefined ? undefined : Object.values(pids);
    });
    child.kill('SIGKILL');
    await noneAlive(pids);
    await until('the supervisor let go', () => (isLocked(lockFile(directory)) ? undefined : true));
  });

  it('refuses a directory that holds something else', async () => {
    const directory = join(root, 'precious');
    mkdirSync(directory);
    writeFileSync(join(directory, 'thesis.txt'), 'x');
    await assert.rejects(startSandbox({ name: 'precious', directory, seed: false }), /would delete what it holds/);
    assert.equal(readFileSync(join(directory, 'thesis.txt'), 'utf8'), 'x');
  });

  it('names the program that would not start, with its last lines, and stops the others', async () => {
    const liar = join(root, 'etcd');
    writeFileSync(
      liar,
      '#!/bin/sh\n[ "$1" = --version ] && echo etcd Version: 3.6.16 && exit\necho "disk is made of cheese" >&2\nexit 3\n',
      {
        mode: 0o755,
      },
    );
    process.env['HEADROOM_ETCD_BIN'] = liar;
    const { code, stderr } = await command('up', '--detach', '--no-seed', '--name', 'orphan');
    delete process.env['HEADROOM_ETCD_BIN'];
    assert.equal(code, 1);
    assert.match(stderr, /etcd ended with exit code 3[^]*disk is made of cheese/);
    assert.equal(readStatus(sandboxDirectory('orphan'))?.state, 'failed');
  });
});
