import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { drainId } from '../../domain/names.ts';
import type { CloudView } from '../../sandbox/cloud/steering.ts';
import { environmentOf } from '../../sandbox/environment.ts';
import type { KubeClient } from '../../sandbox/kube.ts';
import { readStatus, sandboxDirectory, type SandboxStatus } from '../../sandbox/state.ts';
import { HEADROOM, type Ran } from '../harness/lane.ts';
import type { RawPod } from '../harness/gpu-pods.ts';
import { connect, noneAlive, openSandboxes, ready, until } from '../harness/sandboxes.ts';

const { command, close } = openSandboxes();
after(close);

const NAME = 'cloud';
const GROUP = 'gpu-workers';
const NODE_LINE = ['--disable-warning=ExperimentalWarning', HEADROOM];
const PODS = '/api/v1/namespaces/tensafe/pods';
const CHECKPOINT = 'headroom.dev/checkpoint=done';
/** The job is waited for a minute first. */
const LONG_MS = 120_000;

/** What a newcomer does: a sandbox with AWS, a worker, and one of four GPU nodes that trains. */
describe('a sandbox with AWS', () => {
  let status: SandboxStatus;
  let kube: KubeClient;
  let env: Readonly<Record<string, string | undefined>>;
  let worker: ReturnType<typeof spawn>;
  const headroom = (...args: readonly string[]): Promise<Ran> =>
    new Promise((resolve) => {
      execFile(process.execPath, [...NODE_LINE, ...args], { env }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });
  const groups = async (): Promise<CloudView['groups']> => {
    const { code, stdout, stderr } = await command('cloud', '--json', '--name', NAME);
    assert.equal(code, 0, stderr);
    return (JSON.parse(stdout) as CloudView).groups;
  };
  const idsOf = (view: CloudView['groups'], group: string): readonly string[] =>
    view.find(({ name }) => name === group)?.instances.map(({ id }) => id) ?? [];
  const trainingPod = async (): Promise<RawPod | undefined> => {
    const { text } = await kube.send('GET', `${PODS}?labelSelector=job-name%3Dtensafe-training`);
    const { items }: { readonly items: readonly RawPod[] } = JSON.parse(text);
    return items.find(({ status: now }) => now?.phase === 'Running');
  };

  before(async () => {
    const { code, stderr } = await command('up', '--detach', '--with', 'cloud', '--name', NAME);
    assert.equal(code, 0, stderr);
    status = await ready(NAME);
    kube = connect(status);
    env = { ...process.env, HEADROOM_WORKFLOW_BUNDLE: undefined, ...environmentOf(status) };
    worker = spawn(process.execPath, [...NODE_LINE, 'worker'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [worker.stdout, worker.stderr])
      stream?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await until('the worker is ready', () => said.includes('worker is ready') || undefined, LONG_MS);
  });
  after(() => {
    worker?.kill('SIGKILL');
    kube?.close();
  });

  it('has exactly that instance ended whose node is drained and removed, when its training has a checkpoint', async () => {
    const pod = await until('it trains', trainingPod);
    const node = pod.spec.nodeName ?? '';
    const found = await kube.send('GET', `/api/v1/nodes/${node}`);
    const { spec }: { readonly spec: { readonly providerID: string } } = JSON.parse(found.text);
    const instance = spec.providerID.split('/').at(-1) ?? '';
    const was = await groups();
    assert.deepEqual([idsOf(was, GROUP).length, idsOf(was, GROUP).includes(instance)], [4, true]);

    const run = drainId([node]);
    const shows = (phase: string) =>
      until(
        `${run} is ${phase}`,
        async () => ((await headroom('show', run)).stdout.includes(phase) ? true : undefined),
        LONG_MS,
      );
    const began = await headroom('drain', node, '--remove', '--as', 'alice');
    assert.equal(began.code, 0, began.stderr);
    await shows('waiting for approval');
    const approved = await headroom('approve', run, '--as', 'bob');
    assert.equal(approved.code, 0, approved.stderr);
    await shows('waiting for jobs');
    assert.deepEqual(
      (await groups()).map(({ live }) => live),
      was.map(({ live }) => live),
    );
    await shows('asked for a checkpoint');
    const words = ['annotate', 'pod', '-n', 'tensafe', '-l', 'job-name=tensafe-training', CHECKPOINT, '--overwrite'];
    const answered = await command('kubectl', '--name', NAME, ...words);
    assert.deepEqual([answered.code, answered.stdout], [0, `pod/${pod.metadata.name} annotated\n`], answered.stderr);
    await shows('  removed');

    const now = await groups();
    for (const { name, live, instances } of was) {
      const wanted = name === GROUP ? { ...live, desired: live.desired - 1 } : live;
      assert.deepEqual(now.find((group) => group.name === name)?.live, wanted);
      assert.deepEqual(
        idsOf(now, name),
        instances.map(({ id }) => id).filter((id) => id !== instance),
      );
    }
    assert.equal((await kube.send('GET', `/api/v1/nodes/${node}`)).status, 404);
    const shown = await command('cloud', '--name', NAME);
    assert.doesNotMatch(shown.stdout, new RegExp(instance));
    assert.match(shown.stdout, /^gpu-workers {2}ACTIVE, 3 of 1 to 10 /m);
  });

  it('leaves nothing behind when it is taken down', async () => {
    const pids = Object.values(status.pids);
    assert.equal((await command('down', '--name', NAME)).code, 0);
    await noneAlive(pids, 0);
    assert.equal(readStatus(sandboxDirectory(NAME))?.state, 'stopped');
    await assert.rejects(fetch(status.addresses.cloud ?? ''), /fetch failed/);
  });
});
