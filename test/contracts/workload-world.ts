import assert from 'node:assert/strict';
import type { Call, WorkloadPort } from '../../activities/ports.ts';
import type { Json } from '../../domain/json.ts';
import {
  GOVERNOR_FIELDS,
  MARKS,
  type Governor,
  type GovernorChange,
  type GovernorField,
  type GovernorMarks,
  type StatefulFacts,
  type WorkloadRef,
} from '../../domain/workload.ts';

type GovernorId = Pick<Governor, 'kind' | 'namespace' | 'name'> & { readonly workloadKind?: WorkloadRef['kind'] };
export type Texts = Readonly<Record<string, string>>;

/** A port with the cluster behind it, and the hands of somebody else in that cluster. */
export interface WorkloadWorld {
  readonly port: WorkloadPort;
  addWorkload(given: {
    readonly name: string;
    readonly kind?: WorkloadRef['kind'];
    readonly replicas: number;
    readonly annotations?: Texts;
    readonly labels?: Texts;
    /** Of a StatefulSet. */
    readonly stateful?: Partial<Omit<StatefulFacts, 'labels'>>;
  }): Promise<WorkloadRef>;
  addAutoscaler(given: {
    readonly kind: 'horizontalPodAutoscaler' | 'scaledObject';
    readonly name: string;
    readonly target: WorkloadRef;
    readonly floor?: number;
    readonly ceiling: number;
    readonly annotations?: Texts;
    readonly labels?: Texts;
    /** An HPA that KEDA made for a ScaledObject of that name, and marked as its own. */
    readonly ownedBy?: string;
    /** KEDA's idleReplicaCount. */
    readonly idleReplicas?: number;
  }): Promise<void>;
  remove(id: GovernorId): Promise<void>;
  /** As the field manager of that name. */
  setField(id: GovernorId, field: GovernorField, value: Json | undefined, manager?: string): Promise<void>;
  annotate(id: GovernorId, key: string, value: string | undefined): Promise<void>;
  /** headroom.dev/ignore on headroom's own namespace. */
  ignoreEverything(ignored: boolean): Promise<void>;
  /** The object's uid, spec, annotations and labels, to be compared whole. */
  snapshot(id: GovernorId): Promise<Json>;
  close(): Promise<void>;
}

export const call: Call = { signal: new AbortController().signal, caller: 'contract/workload-port' };
export const MARKED: GovernorMarks = {
  baseline: '{"floor":{"was":3}}',
  claims: '[]',
  generation: '1',
  windDown: '{"from":9}',
  held: 'true',
};

export function idOf(kind: Governor['kind'], ref: WorkloadRef): GovernorId {
  return { kind, namespace: ref.namespace, name: ref.object, workloadKind: ref.kind };
}

export function governorOf(
  { self, autoscalers }: { readonly self: Governor; readonly autoscalers: readonly Governor[] },
  kind: Governor['kind'],
): Governor {
  const found = kind === 'workload' ? self : autoscalers.find((one) => one.kind === kind);
  assert.ok(found, `the workload has no ${kind}`);
  return found;
}

export function ceiling(kind: Governor['kind'], value: number) {
  return kind === 'workload' ? {} : { ceiling: value };
}

/** The change from what was read to these fields and exactly these marks. */
export function changeOf(
  governor: Governor,
  fields: { readonly [field in GovernorField]?: Json | undefined },
  marks: GovernorMarks,
): GovernorChange {
  const { fields: found, marks: foundMarks, ignored: _, ...target } = governor;
  return {
    ...target,
    fields: GOVERNOR_FIELDS.filter((field) => field in fields).map((field) => ({
      field,
      from: found[field],
      to: fields[field],
    })),
    marks: MARKS.filter((mark) => foundMarks[mark] !== marks[mark]).map((mark) => ({
      mark,
      from: foundMarks[mark],
      to: marks[mark],
    })),
  };
}
