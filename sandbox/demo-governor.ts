import { readFileSync } from 'node:fs';
import { openKubeClient } from './kube.ts';

/** What governs the example, as the API server has it: everything that its owner can set, and what headroom writes beside it. */
export interface GovernorState {
  readonly floor: number;
  readonly ceiling: number;
  readonly annotations: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: Readonly<Record<string, unknown>>;
}

/** A write of headroom that the API server took. */
export interface GovernorWrite {
  readonly atMs: number;
  /** As it stood after the write, and before it. */
  readonly floor: number;
  readonly floorBefore: number;
  /** Ids of the runs whose claims stand beside it. */
  readonly runs: readonly string[];
}

interface Stored {
  readonly metadata: Partial<Pick<GovernorState, 'annotations' | 'labels'>>;
  readonly spec: GovernorState['spec'];
}

interface AuditLine {
  readonly stage: string;
  readonly verb: string;
  readonly stageTimestamp: string;
  readonly userAgent?: string;
  readonly objectRef?: { readonly name?: string; readonly namespace?: string };
  readonly responseStatus?: { readonly code: number };
  readonly responseObject?: Stored;
}

const NAMESPACE = 'tensafe';
const NAMES = { hpa: 'tensafe-hpa', keda: 'tensafe-scaledobject' };
const PATHS = {
  hpa: `/apis/autoscaling/v2/namespaces/${NAMESPACE}/horizontalpodautoscalers/${NAMES.hpa}`,
  keda: `/apis/keda.sh/v1alpha1/namespaces/${NAMESPACE}/scaledobjects/${NAMES.keda}`,
};

const numberOf = ({ spec }: Pick<Stored, 'spec'>, ...names: readonly string[]): number =>
  Number(names.map((name) => spec[name]).find((value) => value !== undefined));
const floorOf = (stored: Pick<Stored, 'spec'>): number => numberOf(stored, 'minReplicas', 'minReplicaCount');

/** Read by the administrator, not by headroom: it is the witness. */
export async function readGovernor(
  kubeconfigPath: string,
  { hasKeda }: { readonly hasKeda: boolean },
): Promise<GovernorState> {
  const kube = openKubeClient(kubeconfigPath);
  try {
    const { status, text } = await kube.send('GET', PATHS[hasKeda ? 'keda' : 'hpa']);
    if (status !== 200) throw new Error(`the example's autoscaler cannot be read: ${status} ${text.slice(0, 200)}`);
    const { metadata, spec }: Stored = JSON.parse(text);
    const { annotations = {}, labels = {} } = metadata;
    const ceiling = numberOf({ spec }, 'maxReplicas', 'maxReplicaCount');
    return { floor: floorOf({ spec }), ceiling, annotations, labels, spec };
  } finally {
    kube.close();
  }
}

/** All writes of headroom to the example's autoscaler from then on, out of the audit log of the API server. */
export function readWrites(auditLog: string, sinceMs: number): readonly GovernorWrite[] {
  const written = readFileSync(auditLog, 'utf8')
    .split('\n')
    // a line that is being written has no end yet
    .filter((line) => line.endsWith('}') && line.includes('"headroom/'))
    .map((line): AuditLine => JSON.parse(line))
    .filter(isWrite)
    .map(({ stageTimestamp, responseObject }) => ({ atMs: Date.parse(stageTimestamp), object: responseObject }));
  return written.flatMap(({ atMs, object }, i) => {
    if (atMs < sinceMs || object === undefined) return [];
    const before = written[i - 1]?.object;
    const floor = floorOf(object);
    return [{ atMs, floor, floorBefore: before === undefined ? floor : floorOf(before), runs: runsOn(object) }];
  });
}

function isWrite({ stage, verb, userAgent, objectRef, responseStatus }: AuditLine): boolean {
  const isOurs = userAgent?.startsWith('headroom/') === true && verb === 'patch';
  const isGovernor = objectRef?.namespace === NAMESPACE && Object.values(NAMES).includes(objectRef.name ?? '');
  return isOurs && isGovernor && stage === 'ResponseComplete' && (responseStatus?.code ?? 500) < 300;
}

/** A claim's id is its run's, and which life of it. */
function runsOn({ metadata }: Stored): readonly string[] {
  const claims: readonly { readonly id: string }[] = JSON.parse(metadata.annotations?.['headroom.dev/claims'] ?? '[]');
  return claims.map(({ id }) => id.split('/')[0] ?? id);
}
