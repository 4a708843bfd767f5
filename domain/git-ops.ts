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

export const MANAGERS: { readonly [manager: string]: GitOpsTool } = {
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

/** 'Argo CD application shop (annotation …)' */
export function describeOwner({ tool, name, evidence }: GitOpsOwner): string {
  return `${OWNERS[tool]}${name === '' ? '' : ` ${name}`} (${evidence})`;
}
