import { formatDuration } from './duration.ts';
import { REAPPLIES } from './hold.ts';
import { describeGovernor, type Governor, type GovernorKind, type WorkloadState } from './workload.ts';

/** Whose manifest an object comes from (R30): they put back what is not as they have it. */
export type GitOpsTool = 'argoCd' | 'fluxKustomization' | 'fluxHelmRelease' | 'helm';

export interface GitOpsOwner {
  readonly tool: GitOpsTool;
  /** Of the application, Kustomization or release; empty where nothing says it. */
  readonly name: string;
  /** Where that is seen: 'annotation argocd.argoproj.io/tracking-id', 'field manager helm'. */
  readonly evidence: string;
}

/** What an object says of itself, as far as it tells its owner. */
export interface Provenance {
  /** 'autoscaling/HorizontalPodAutoscaler' */
  readonly groupKind: string;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Texts;
  readonly annotations: Texts;
  /** Its field managers. */
  readonly managers: readonly string[];
}
type Texts = Readonly<Record<string, string>>;

const MANAGERS: { readonly [manager: string]: GitOpsTool } = {
  'argocd-controller': 'argoCd',
  'argocd-application-controller': 'argoCd',
  'kustomize-controller': 'fluxKustomization',
  'helm-controller': 'fluxHelmRelease',
  helm: 'helm',
};

/**
 * What a tool wrote for itself says more than who wrote a field. Flux installs charts with Helm's own annotations, so
 * Flux is looked for first.
 */
export function findGitOpsOwner(of: Provenance): GitOpsOwner | undefined {
  const { labels, annotations, managers } = of;
  const tracked = trackedBy(of);
  if (tracked !== undefined)
    return { tool: 'argoCd', name: tracked, evidence: 'annotation argocd.argoproj.io/tracking-id' };
  const instance = labels['argocd.argoproj.io/instance'];
  if (instance !== undefined) return { tool: 'argoCd', name: instance, evidence: 'label argocd.argoproj.io/instance' };
  for (const [tool, prefix] of FLUX_LABELS) {
    const name = labels[`${prefix}/name`];
    if (name === undefined) continue;
    return { tool, name: inNamespace(labels[`${prefix}/namespace`], name), evidence: `label ${prefix}/name` };
  }
  const manager = managers.find((one) => MANAGERS[one] !== undefined && MANAGERS[one] !== 'helm');
  if (manager !== undefined)
    return { tool: MANAGERS[manager] ?? 'helm', name: '', evidence: `field manager ${manager}` };
  const release = annotations['meta.helm.sh/release-name'];
  if (release !== undefined) {
    const name = inNamespace(annotations['meta.helm.sh/release-namespace'], release);
    return { tool: 'helm', name, evidence: 'annotation meta.helm.sh/release-name' };
  }
  return managers.includes('helm') ? { tool: 'helm', name: '', evidence: 'field manager helm' } : undefined;
}

const FLUX_LABELS = [
  ['fluxKustomization', 'kustomize.toolkit.fluxcd.io'],
  ['fluxHelmRelease', 'helm.toolkit.fluxcd.io'],
] as const;

function inNamespace(namespace: string | undefined, name: string): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/**
 * 'shop:autoscaling/HorizontalPodAutoscaler:shop/web' → 'shop'. Controllers copy annotations onto what they make, so an id
 * of another object says nothing, to Argo CD neither.
 */
function trackedBy({ groupKind, namespace, name, annotations }: Provenance): string | undefined {
  const [application, kind, object] = (annotations['argocd.argoproj.io/tracking-id'] ?? '').split(':');
  return kind === groupKind && object === `${namespace}/${name}` ? application : undefined;
}

const OWNERS: { readonly [tool in GitOpsTool]: string } = {
  argoCd: 'Argo CD application',
  fluxKustomization: 'Flux Kustomization',
  fluxHelmRelease: 'Flux HelmRelease',
  helm: 'Helm release',
};
const PATHS: { readonly [kind in GovernorKind]: string } = {
  workload: '/spec/replicas',
  horizontalPodAutoscaler: '/spec/minReplicas and /spec/maxReplicas',
  scaledObject: '/spec/minReplicaCount and /spec/maxReplicaCount',
};
const HABITS: { readonly [tool in GitOpsTool]: string } = {
  argoCd: 'with selfHeal it puts the floor back within seconds, without it at the next sync',
  fluxKustomization: 'it puts the floor back at each of its intervals',
  fluxHelmRelease:
    'with driftDetection it puts the floor back at each of its intervals, without it at the next upgrade',
  helm: 'the next upgrade or rollback puts the floor back',
};

function helpOf({ tool, name }: GitOpsOwner, kind: GovernorKind): string {
  const help: { readonly [tool in GitOpsTool]: string } = {
    argoCd: `let it ignore ${PATHS[kind]} (ignoreDifferences, and RespectIgnoreDifferences=true in its syncOptions)`,
    fluxKustomization: `suspend it for the event (flux suspend kustomization ${lastOf(name)}), or annotate the object kustomize.toolkit.fluxcd.io/reconcile=disabled`,
    fluxHelmRelease: `add ${PATHS[kind]} to its spec.driftDetection.ignore`,
    helm: 'make none while the capacity is held',
  };
  return help[tool];
}

function lastOf(name: string): string {
  return name.split('/').at(-1) || 'NAME';
}

/** What a plan says of the manifests behind the governor; no reason to refuse, because the ledger notices and says so. */
export function gitOpsWarnings(state: Pick<WorkloadState, 'self'>, governor: Governor): readonly string[] {
  const { gitOps } = governor;
  const overruled = `the ledger overrules it ${REAPPLIES.times} times in ${formatDuration(REAPPLIES.withinMs)}, then says contested`;
  return [
    ...(gitOps === undefined
      ? []
      : [
          `${describeGovernor(governor)} is managed by ${describeOwner(gitOps)}: ${HABITS[gitOps.tool]}; ${overruled}; ${helpOf(gitOps, governor.kind)}`,
        ]),
    ...(governor.kind === 'workload' ? [] : countWarnings(state.self)),
  ];
}

/** A manifest that states the count fights with the autoscaler at each sync, hold or no hold. */
function countWarnings(self: Governor): readonly string[] {
  const writer = self.writers?.findLast(({ field }) => field === 'floor')?.manager;
  if (self.gitOps === undefined || writer === undefined || MANAGERS[writer] === undefined) return [];
  return [
    `${describeOwner(self.gitOps)} also sets spec.replicas of ${describeGovernor(self)}, which an autoscaler governs: each sync puts the count back; leave replicas out of the manifest`,
  ];
}

/** 'Argo CD application shop (annotation …)' */
export function describeOwner({ tool, name, evidence }: GitOpsOwner): string {
  return `${OWNERS[tool]}${name === '' ? '' : ` ${name}`} (${evidence})`;
}
