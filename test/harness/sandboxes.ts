import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from '../../sandbox/guard.ts';
import { createKubeClient, type KubeClient, type KubeObject } from '../../sandbox/kube.ts';
import { isRunning, listSandboxes, readStatus, sandboxDirectory, type SandboxStatus } from '../../sandbox/state.ts';

const HEADROOM = join(import.meta.dirname, '..', '..', 'bin', 'headroom');

/** Other lanes are at work meanwhile: how long a start takes by itself is not judged here. */
const READY_WITHIN_MS = 60_000;

interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Sandboxes of a test's own, under a state directory of its own, by the command that a user types. */
export function openSandboxes() {
  const root = mkdtempSync(join(tmpdir(), 'headroom-sandbox-'));
  process.env['XDG_STATE_HOME'] = root;
  const started: ChildProcess[] = [];

  function begin(...args: readonly string[]): ChildProcess {
    const child = spawn(HEADROOM, ['sandbox', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    started.push(child);
    return child;
  }

  async function command(...args: readonly string[]): Promise<Answer> {
    const child = begin(...args);
    const [stdout, stderr, [code]] = await Promise.all([
      child.stdout?.toArray() ?? [],
      child.stderr?.toArray() ?? [],
      once(child, 'exit'),
    ]);
    return { code, stdout: stdout.join(''), stderr: stderr.join('') };
  }

  /** Stops what still runs, and leaves nothing on the disk. */
  async function close(): Promise<void> {
    for (const child of started) child.kill('SIGKILL');
    for (const { name } of listSandboxes().filter(isRunning)) await command('down', '--name', name);
    rmSync(root, { recursive: true, force: true });
  }

  return { root, begin, command, close };
}

export async function until<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  withinMs = 20_000,
): Promise<T> {
  const deadlineMs = Date.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    assert.ok(Date.now() < deadlineMs, `not within ${withinMs} ms: ${what}`);
    await sleep(100);
  }
}

export const ready = (name: string): Promise<SandboxStatus> =>
  until(
    `sandbox ${name} is ready`,
    () => {
      const status = readStatus(sandboxDirectory(name));
      return status?.state === 'ready' ? status : undefined;
    },
    READY_WITHIN_MS,
  );

export const noneAlive = (pids: readonly number[], withinMs = 5_000): Promise<true> =>
  until(`all of ${pids.join(' ')} are gone`, () => (pids.some(isAlive) ? undefined : true), withinMs);

const text = (data: string): string => Buffer.from(data, 'base64').toString();

export function connect(status: SandboxStatus): KubeClient {
  const { clusters, users } = JSON.parse(readFileSync(status.kubeconfig.admin, 'utf8'));
  return createKubeClient(clusters[0].cluster.server, {
    authority: text(clusters[0].cluster['certificate-authority-data']),
    admin: {
      certificate: text(users[0].user['client-certificate-data']),
      key: text(users[0].user['client-key-data']),
    },
  });
}

export const NODE: KubeObject = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name: 'general-0',
    labels: { type: 'kwok' },
    annotations: { 'metrics.k8s.io/resource-metrics-path': '/metrics/nodes/general-0/metrics/resource' },
  },
};

export function aDeployment(
  name: string,
  replicas: number,
  annotations: Readonly<Record<string, string>> = {},
): KubeObject {
  const container = { name: 'app', image: `registry.example/${name}:1`, resources: { requests: { cpu: '100m' } } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name }, annotations }, spec: { containers: [container] } },
    },
  };
}

export interface Autoscaler {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly minReplicas: number;
    readonly maxReplicas: number;
    readonly scaleTargetRef: { readonly name: string };
  };
}
