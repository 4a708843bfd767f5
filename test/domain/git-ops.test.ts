import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findGitOpsOwner, type GitOpsOwner, type Provenance } from '../../domain/git-ops.ts';
import { gitOpsWarnings } from '../../domain/git-ops-warnings.ts';
import type { Governor, GovernorKind } from '../../domain/workload.ts';

const hpa: Provenance = {
  groupKind: 'autoscaling/HorizontalPodAutoscaler',
  namespace: 'shop',
  name: 'web-hpa',
  labels: {},
  annotations: {},
  managers: ['kubectl-client-side-apply', 'kube-controller-manager'],
};
const tracking = 'argocd.argoproj.io/tracking-id';

describe('finding whose manifest an object comes from', () => {
  const rows: readonly (readonly [string, Partial<Provenance>, string | undefined])[] = [
    ['nobody, where nothing tells', {}, undefined],
    [
      'an application of Argo CD',
      { annotations: { [tracking]: 'web:autoscaling/HorizontalPodAutoscaler:shop/web-hpa' } },
      'argoCd web',
    ],
    [
      'an application in a namespace of its own',
      { annotations: { [tracking]: 'team_web:autoscaling/HorizontalPodAutoscaler:shop/web-hpa' } },
      'argoCd team_web',
    ],
    [
      'nobody, by an id of another kind',
      { annotations: { [tracking]: 'web:keda.sh/ScaledObject:shop/web-hpa' } },
      undefined,
    ],
    [
      'nobody, by an id of another object',
      { annotations: { [tracking]: 'web:autoscaling/HorizontalPodAutoscaler:shop/web' } },
      undefined,
    ],
    ['nobody, by an id that is none', { annotations: { [tracking]: '' } }, undefined],
    ["an application, by Argo CD's label", { labels: { 'argocd.argoproj.io/instance': 'web' } }, 'argoCd web'],
    ['Argo CD, by its field manager', { managers: ['argocd-controller'] }, 'argoCd '],
    ['Argo CD, by its older field manager', { managers: ['argocd-application-controller'] }, 'argoCd '],
    ['a Kustomization of Flux', { labels: { 'kustomize.toolkit.fluxcd.io/name': 'shop' } }, 'fluxKustomization shop'],
    ['Flux, by its field manager', { managers: ['kustomize-controller', 'headroom'] }, 'fluxKustomization '],
    [
      'a HelmRelease of Flux, which bears the annotations of Helm too',
      {
        labels: { 'helm.toolkit.fluxcd.io/name': 'web', 'helm.toolkit.fluxcd.io/namespace': 'flux-system' },
        annotations: { 'meta.helm.sh/release-name': 'web' },
        managers: ['helm-controller'],
      },
      'fluxHelmRelease flux-system/web',
    ],
    [
      'Flux rather than Helm, by the field manager',
      { managers: ['helm-controller'], annotations: { 'meta.helm.sh/release-name': 'web' } },
      'fluxHelmRelease ',
    ],
    [
      'a release of Helm',
      {
        annotations: { 'meta.helm.sh/release-name': 'web', 'meta.helm.sh/release-namespace': 'shop' },
        managers: ['helm'],
      },
      'helm shop/web',
    ],
    ['Helm, by its field manager', { managers: ['helm'] }, 'helm '],
    [
      'nobody, by a label that charts bear whoever renders them',
      { labels: { 'app.kubernetes.io/managed-by': 'Helm' } },
      undefined,
    ],
  ];
  for (const [title, given, expected] of rows) {
    it(`finds ${title}`, () => {
      const found = findGitOpsOwner({ ...hpa, ...given });
      assert.equal(found && `${found.tool} ${found.name}`, expected);
    });
  }
});

function governor(kind: GovernorKind, of: Partial<Governor> = {}): Governor {
  return {
    kind,
    workloadKind: 'Deployment',
    namespace: 'shop',
    name: 'web',
    uid: 'u',
    hasAnnotations: true,
    hasLabels: true,
    fields: {},
    marks: {},
    ignored: false,
    ...of,
  };
}
const owner = (tool: GitOpsOwner['tool'], name = 'web'): GitOpsOwner => ({ tool, name, evidence: 'label x' });

describe('warning of manifests that put a floor back', () => {
  it('says nothing where nobody does', () => {
    assert.deepEqual(gitOpsWarnings({ self: governor('workload') }, governor('horizontalPodAutoscaler')), []);
  });

  it('says who it is, what the ledger will do, and what helps', () => {
    const gitOps = owner('argoCd');
    assert.deepEqual(gitOpsWarnings({ self: governor('workload') }, governor('horizontalPodAutoscaler', { gitOps })), [
      'HorizontalPodAutoscaler shop/web is managed by Argo CD application web (label x): with selfHeal it puts the floor back within seconds, without it at the next sync; the ledger overrules it 3 times in 10m, then says contested; let it ignore /spec/minReplicas and /spec/maxReplicas (ignoreDifferences, and RespectIgnoreDifferences=true in its syncOptions)',
    ]);
  });

  const rows: readonly (readonly [GitOpsOwner, GovernorKind, RegExp])[] = [
    [owner('argoCd'), 'scaledObject', /ignore \/spec\/minReplicaCount and \/spec\/maxReplicaCount /],
    [owner('argoCd'), 'workload', /^workload shop\/web .* ignore \/spec\/replicas /],
    [owner('argoCd', ''), 'workload', /Argo CD application \(label x\)/],
    [
      owner('fluxKustomization', 'flux-system/shop'),
      'workload',
      /Flux Kustomization flux-system\/shop .*flux suspend kustomization shop\)/,
    ],
    [owner('fluxKustomization', ''), 'workload', /flux suspend kustomization NAME\)/],
    [
      owner('fluxHelmRelease'),
      'horizontalPodAutoscaler',
      /add \/spec\/minReplicas and .* to its spec\.driftDetection\.ignore/,
    ],
    [
      owner('helm'),
      'workload',
      /the next upgrade or rollback puts the floor back; .*; make none while the capacity is held$/,
    ],
  ];
  for (const [gitOps, kind, expected] of rows) {
    it(`tells ${gitOps.tool} '${gitOps.name}' on a ${kind} how to leave the floor alone`, () => {
      const [warning, ...others] = gitOpsWarnings({ self: governor('workload') }, governor(kind, { gitOps }));
      assert.match(warning ?? '', expected);
      assert.deepEqual(others, []);
    });
  }

  it('speaks of a manifest that sets the count under an autoscaler, and not of one that leaves it out', () => {
    const gitOps = owner('argoCd');
    const written = (manager: string) =>
      gitOpsWarnings(
        { self: governor('workload', { gitOps, writers: [{ field: 'floor', manager, atMs: 1 }] }) },
        governor('horizontalPodAutoscaler'),
      );
    assert.match(
      written('argocd-controller')[0] ?? '',
      /^Argo CD application web .* also sets spec\.replicas of workload shop\/web, .*leave replicas out/,
    );
    assert.deepEqual(written('kube-controller-manager'), []);
  });

  it('speaks once of a workload without an autoscaler', () => {
    const self = governor('workload', {
      gitOps: owner('helm'),
      writers: [{ field: 'floor', manager: 'helm', atMs: 1 }],
    });
    assert.equal(gitOpsWarnings({ self }, self).length, 1);
  });
});
