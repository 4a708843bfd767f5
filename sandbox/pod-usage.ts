import type { KubeClient, KubeObject } from './kube.ts';
import type { LoadModel } from './load-model.ts';
import type { WorkloadPod } from './workload-pods.ts';

/** As kwok is told: millicores and MiB. */
interface Usage {
  readonly cpuMilli: number;
  readonly memoryMi: number;
}

/** Less than this share of a change is noise to an autoscaler, whose own tolerance is a tenth. */
const NOTABLE = 0.03;

/**
 * Tells kwok what each pod uses, from where metrics-server reads it and the autoscaler takes it. An object a pod: kwok
 * prefers it to every other source, and it goes with its pod.
 */
export function createUsageWriter(kube: KubeClient) {
  const written = new Map<string, Usage>();

  async function write(namespace: string, model: LoadModel, pods: readonly WorkloadPod[]): Promise<void> {
    const changed = pods.flatMap((pod) => {
      const cpu = model.pods.find(({ name }) => name === pod.name)?.cpu ?? 0;
      const usage = {
        cpuMilli: Math.max(1, Math.round(cpu * 1_000)),
        memoryMi: Math.round((model.memory * pod.memoryBytes) / 2 ** 20),
      };
      return isNotable(written.get(pod.uid), usage) ? [{ pod, usage }] : [];
    });
    await Promise.all(
      changed.map(async ({ pod, usage }) => {
        await kube.apply(resourceUsage(namespace, pod, usage));
        written.set(pod.uid, usage);
      }),
    );
  }

  /** Pods that are gone took their objects with them. */
  function keepOnly(pods: readonly WorkloadPod[]): void {
    const live = new Set(pods.map(({ uid }) => uid));
    for (const uid of written.keys()) if (!live.has(uid)) written.delete(uid);
  }

  return { write, keepOnly };
}

const differs = (was: number, is: number): boolean => Math.abs(is - was) > NOTABLE * was;

function isNotable(before: Usage | undefined, now: Usage): boolean {
  if (before === undefined) return true;
  return differs(before.cpuMilli, now.cpuMilli) || differs(before.memoryMi, now.memoryMi);
}

function resourceUsage(namespace: string, { name, uid, containers }: WorkloadPod, usage: Usage): KubeObject {
  const [first, ...others] = containers.map((container) => container.name);
  const value = ({ cpuMilli, memoryMi }: Usage) => ({
    cpu: { value: `${cpuMilli}m` },
    memory: { value: `${memoryMi}Mi` },
  });
  return {
    apiVersion: 'kwok.x-k8s.io/v1alpha1',
    kind: 'ResourceUsage',
    metadata: { name, namespace, ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid }] },
    spec: {
      usages: [
        { containers: [first], usage: value(usage) },
        // what runs beside it only looks on
        ...(others.length === 0 ? [] : [{ containers: others, usage: value({ cpuMilli: 1, memoryMi: 1 }) }]),
      ],
    },
  };
}
