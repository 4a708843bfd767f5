import { formatDuration } from './duration.ts';
import { type GitOpsOwner, type GitOpsTool, MANAGERS, describeOwner } from './git-ops.ts';
import { REAPPLIES } from './reapply.ts';
import { type Governor, type GovernorKind, type WorkloadState, describeGovernor } from './workload.ts';

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
