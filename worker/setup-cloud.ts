import type { CloudAccess } from '../domain/cloud-access.ts';
import { eksClusterOf, type Policy } from '../domain/policy.ts';

/** One line of what setup tells. */
export interface Finding {
  readonly what: string;
  /** Null: not tried. */
  readonly ok: boolean | null;
  readonly detail: string;
}

export type AskCloudAccess = (groups: readonly string[]) => Promise<CloudAccess>;

/** What AWS allows, where the policy names node groups: to a worker, whose credentials count; where none answers, to this command. */
export async function cloudFindings(
  policy: Policy,
  { ofWorker, ofCommand }: { readonly ofWorker: AskCloudAccess; readonly ofCommand: AskCloudAccess },
): Promise<readonly Finding[]> {
  const groups = Object.keys(policy.nodeGroups).toSorted();
  if (groups.length === 0) return [];
  const told = await ofWorker(groups).catch((error: unknown) =>
    error instanceof Error ? error.message : String(error),
  );
  const access = typeof told === 'string' ? await ofCommand(groups) : told;
  const whose =
    typeof told === 'string'
      ? `tried with the credentials of this command, which need not be the worker’s (${told}); start a worker and run setup again`
      : 'tried by a worker, with its credentials';
  return [placeOf(access, eksClusterOf(policy).cluster, whose), ...verdictsOf(access)];
}

function placeOf(access: CloudAccess, cluster: string, whose: string): Finding {
  const region = access.kind === 'asked' ? `, region ${access.region}` : '';
  const what = `AWS, cluster ${access.cluster}${region}`;
  if (access.kind === 'unusable') return { what, ok: false, detail: `${access.reason}; ${whose}` };
  if (access.cluster === cluster) return { what, ok: true, detail: whose };
  const other = `the worker goes by another headroom.yaml: here the cluster is ${cluster}`;
  return { what, ok: false, detail: `${other}; ${whose}` };
}

function verdictsOf(access: CloudAccess): readonly Finding[] {
  if (access.kind === 'unusable') return [];
  return access.verdicts.map(({ action, target, kind, reason }) => ({
    what: `may ${action} on ${target}`,
    ok: kind === 'not tried' ? null : kind === 'allowed',
    detail: reason,
  }));
}
