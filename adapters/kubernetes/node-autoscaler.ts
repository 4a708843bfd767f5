import { ApplicationFailure } from '@temporalio/common';
import { parse } from 'yaml';
import type { Call } from '../../activities/ports.ts';
import type { NodeAutoscaler, NodeGroupActivity } from '../../domain/node-autoscaler.ts';
import type { KubernetesClient } from './client.ts';

const STATUS = { kind: 'ConfigMap', namespace: 'kube-system', name: 'cluster-autoscaler-status' } as const;

/** What Cluster Autoscaler says of itself; a right that is missing leaves it unknown, and only events count. */
export async function readNodeAutoscaler(client: KubernetesClient, call: Call): Promise<NodeAutoscaler> {
  try {
    const found = await client.find(STATUS, call);
    return found === undefined ? { kind: 'absent' } : readStatus(found.data?.['status'] ?? '');
  } catch (error) {
    if (error instanceof ApplicationFailure && error.type === 'permissionDenied') return { kind: 'unknown' };
    throw error;
  }
}

/** YAML since 1.30; before, a page for people. What is not understood says only that somebody writes there. */
export function readStatus(text: string): NodeAutoscaler {
  const status = readYaml(text);
  const atMs = readTime(status === undefined ? text : textOf(status['time']));
  const groups = status === undefined ? groupsOfPage(text) : listOf(status['nodeGroups']).map(groupOfYaml);
  return { kind: 'present', ...(atMs !== undefined && { atMs }), groups };
}

type Fields = Readonly<Record<string, unknown>>;

function readYaml(text: string): Fields | undefined {
  try {
    const status: unknown = parse(text, { logLevel: 'error' });
    return isMap(status) && 'autoscalerStatus' in status ? status : undefined;
  } catch {
    return undefined;
  }
}

function groupOfYaml(group: Fields): NodeGroupActivity {
  const [health, scaleUp] = [mapOf(group['health']), mapOf(group['scaleUp'])];
  const { errorCode, errorMessage } = mapOf(scaleUp['backoffInfo']);
  const why = [errorCode, errorMessage].filter((one) => typeof one === 'string' && one !== '').join(': ');
  return {
    name: textOf(group['name']),
    ...countOf('size', health['cloudProviderTarget']),
    ...countOf('maximum', health['maxSize']),
    ...(scaleUp['status'] === 'Backoff' && { backoff: why === '' ? 'Backoff' : why }),
  };
}

/** '  Name: web-asg\n  Health: Healthy (ready=2 … cloudProviderTarget=2 (minSize=1, maxSize=3))\n  ScaleUp: Backoff (…)' */
function groupsOfPage(text: string): readonly NodeGroupActivity[] {
  return [...text.matchAll(/^ *Name: +(\S+)\n((?:(?! *Name:).*\n?)*)/gm)].map(([, name = '', about = '']) => ({
    name,
    ...countOf('size', Number(/cloudProviderTarget=(\d+) \(/.exec(about)?.[1])),
    ...countOf('maximum', Number(/maxSize=(\d+)/.exec(about)?.[1])),
    ...(/ScaleUp: +Backoff/.test(about) && { backoff: 'Backoff' }),
  }));
}

function countOf<K extends 'size' | 'maximum'>(key: K, value: unknown): { readonly [key in K]?: number } {
  const counts: { readonly [key in K]?: number } = {};
  return typeof value === 'number' && Number.isFinite(value) ? { ...counts, [key]: value } : counts;
}

/** '2026-01-27 21:57:30.462764772 +0000 UTC', always of UTC. */
function readTime(text: string): number | undefined {
  const [, date, time] = /(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)/.exec(text) ?? [];
  return date === undefined ? undefined : Date.parse(`${date}T${time}Z`);
}

function isMap(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
function mapOf(value: unknown): Fields {
  return isMap(value) ? value : {};
}
function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isMap) : [];
}
