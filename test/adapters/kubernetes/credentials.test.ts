import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createWorkloadPort, type WorkloadPortOptions } from '../../../adapters/kubernetes/workloads.ts';
import type { Call, WorkloadPort } from '../../../activities/ports.ts';
import type { GovernorChange, WorkloadRef } from '../../../domain/workload.ts';
import { startStandIn, writeKubeconfig, type Reply, type StandInRequest } from '../stand-in.ts';

const call: Call = { signal: new AbortController().signal, caller: 'credentials/test' };
const ref: WorkloadRef = { name: 'web', namespace: 'shop', kind: 'Deployment', object: 'web' };
const change: GovernorChange = {
  kind: 'workload',
  workloadKind: 'Deployment',
  namespace: 'shop',
  name: 'web',
  uid: 'uid-1',
  hasAnnotations: true,
  hasLabels: true,
  fields: [{ field: 'floor', from: 3, to: 6 }],
  marks: [],
};

/** A server that lets in who bears the token that is valid at the moment. */
async function openGate(t: TestContext) {
  let valid = 'token-1';
  const gate = ({ headers, path, method }: StandInRequest): Reply => {
    if (headers.authorization !== `Bearer ${valid}`)
      return { status: 401, body: { code: 401, message: 'Unauthorized' } };
    if (method === 'PATCH' || path.endsWith('/deployments/web'))
      return { status: 200, body: { metadata: { uid: 'uid-1' } } };
    return path.endsWith('/horizontalpodautoscalers') ? { status: 200, body: { items: [] } } : { status: 404 };
  };
  const standIn = await startStandIn(gate);
  t.after(() => standIn.close());
  return {
    standIn,
    accept: (token: string) => {
      valid = token;
    },
  };
}

/** A credential plugin as `aws eks get-token` is one: each run gives another token, and counts. */
function writePlugin(directory: string, script = 'print(`token-${count}`)') {
  const [file, counter] = [join(directory, 'plugin.mjs'), join(directory, 'runs')];
  writeFileSync(
    file,
    `import { existsSync, readFileSync, writeFileSync } from 'node:fs';
     const counter = ${JSON.stringify(counter)};
     const count = existsSync(counter) ? Number(readFileSync(counter, 'utf8')) + 1 : 1;
     writeFileSync(counter, String(count));
     const expirationTimestamp = new Date(Date.now() + 900_000).toISOString();
     const print = (token) => console.log(JSON.stringify({
       apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token, expirationTimestamp },
     }));
     ${script}`,
  );
  return { file, runs: () => (existsSync(counter) ? Number(readFileSync(counter, 'utf8')) : 0) };
}

async function openWithPlugin(t: TestContext, script?: string, options: Partial<WorkloadPortOptions> = {}) {
  const gate = await openGate(t);
  const bare = writeKubeconfig(gate.standIn.url);
  t.after(bare.remove);
  const plugin = writePlugin(bare.directory, script);
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: process.execPath, args: [plugin.file] };
  const kubeconfig = writeKubeconfig(gate.standIn.url, { exec });
  t.after(kubeconfig.remove);
  return { ...gate, plugin, port: createWorkloadPort({ kubeconfigPath: kubeconfig.path, ...options }) };
}

/** One request, so that the runs of the plugin can be counted. */
const write = (port: WorkloadPort) => port.changeGovernor(change, call);

describe('a token that the server no longer accepts', () => {
  it('is asked of the plugin again, and the request is sent once more: a write too', async (t) => {
    const { port, plugin, accept, standIn } = await openWithPlugin(t);
    assert.equal(await write(port), 'written');
    assert.equal(await write(port), 'written');
    assert.equal(plugin.runs(), 1, 'the token is kept until it expires');
    accept('token-2');
    assert.equal(await write(port), 'written');
    assert.deepEqual([plugin.runs(), standIn.requests.length], [2, 4]);
  });

  it('is renewed once for all the requests that find it refused', async (t) => {
    const { port, plugin, accept } = await openWithPlugin(t);
    await write(port);
    accept('token-2');
    const states = await Promise.all(Array.from({ length: 20 }, () => port.readWorkload(ref, call)));
    assert.ok(states.every(({ uid }) => uid === 'uid-1'));
    assert.equal(plugin.runs(), 2);
  });

  it('is permissionDenied when the new one is refused too, and says where to look', async (t) => {
    const { port, plugin, accept, standIn } = await openWithPlugin(t);
    accept('nobody has this one');
    await assert.rejects(write(port), {
      type: 'permissionDenied',
      nonRetryable: true,
      message:
        /does not accept the credentials to patch deployments\.apps shop\/web; the credential plugin '.*plugin\.mjs' was asked again.*aws-auth/,
    });
    assert.deepEqual([plugin.runs(), standIn.requests.length], [2, 2]);
  });

  it('is read again from a kubeconfig that somebody renewed', async (t) => {
    const { standIn, accept } = await openGate(t);
    const kubeconfig = writeKubeconfig(standIn.url, { token: 'token-1' });
    t.after(kubeconfig.remove);
    const port = createWorkloadPort({ kubeconfigPath: kubeconfig.path });
    assert.equal(await write(port), 'written');
    accept('token-2');
    await assert.rejects(write(port), { type: 'permissionDenied', message: /renew the token$/ });
    writeFileSync(kubeconfig.path, readFileSync(kubeconfig.path, 'utf8').replace('token-1', 'token-2'));
    assert.equal(await write(port), 'written');
  });

  it('is kept when the kubeconfig cannot be read just then, and said to be refused', async (t) => {
    const { standIn, accept } = await openGate(t);
    const kubeconfig = writeKubeconfig(standIn.url, { token: 'token-1' });
    t.after(kubeconfig.remove);
    const port = createWorkloadPort({ kubeconfigPath: kubeconfig.path });
    writeFileSync(kubeconfig.path, '{ half');
    accept('token-2');
    await assert.rejects(write(port), { type: 'permissionDenied' });
    accept('token-1');
    assert.equal(await write(port), 'written');
  });

  it("is read again from the ServiceAccount's file, which the client would do only every minute", async (t) => {
    const { standIn, accept } = await openGate(t);
    const kubeconfig = writeKubeconfig(standIn.url, { 'auth-provider': {} });
    t.after(kubeconfig.remove);
    const tokenFile = join(kubeconfig.directory, 'token');
    // what loadFromCluster makes of a pod's ServiceAccount
    const user = { 'auth-provider': { name: 'tokenFile', config: { tokenFile } } };
    writeFileSync(
      kubeconfig.path,
      JSON.stringify({ ...JSON.parse(readFileSync(kubeconfig.path, 'utf8')), users: [{ name: 'stand-in', user }] }),
    );
    writeFileSync(tokenFile, 'token-1');
    const port = createWorkloadPort({ kubeconfigPath: kubeconfig.path });
    assert.equal(await write(port), 'written');
    writeFileSync(tokenFile, 'token-2');
    accept('token-2');
    assert.equal(await write(port), 'written');
    accept('token-3');
    await assert.rejects(write(port), {
      type: 'permissionDenied',
      message: /token was read again.*ServiceAccount still exists/,
    });
  });
});

describe('a credential plugin that does not do its part', () => {
  it('is named with what it said, and tried again later', async (t) => {
    const { port } = await openWithPlugin(t, "console.error('the SSO session has expired\\nlog in'); process.exit(3);");
    await assert.rejects(write(port), {
      type: 'apiUnavailable',
      message:
        /^cannot patch deployments\.apps shop\/web: the credential plugin '.*' fails: the SSO session has expired log in; run it by hand/,
    });
  });

  it('is not waited for longer than for the server', async (t) => {
    const { port } = await openWithPlugin(t, 'setTimeout(() => process.exit(1), 3_000)', { writeDeadlineMs: 300 });
    const startedMs = performance.now();
    await assert.rejects(write(port), { type: 'apiUnavailable', message: /no answer within 0\.3 s/ });
    assert.ok(performance.now() - startedMs < 2_000);
  });
});
