import { formatDuration } from '../domain/duration.ts';
import type { PreScaleStatus } from '../domain/procedures.ts';
import type { LedgerView } from './messages.ts';

/** The page an operator reads in Temporal's UI (User Metadata). The UI sends it as a URL, so it stays well under 6 KB. */
export function runDetails(status: PreScaleStatus): string {
  const { plan, next, claim, available } = status;
  const lines = [
    `## ${status.phase}`,
    `**${status.workload}** for **${status.event.name}**, ${iso(status.event.startMs)} to ${iso(status.event.endMs)}, asked for by ${status.requestedBy}`,
    '',
    `**Next:** ${next.what}${next.atMs === null ? '' : `, ${iso(next.atMs)}`}`,
    ...(plan === null
      ? []
      : [
          '',
          '| | before | during the event |',
          '|---|---|---|',
          `| floor | ${plan.target.floor.from} | ${status.target ?? plan.target.floor.to} |`,
          ...(plan.target.ceiling === null
            ? []
            : [`| maximum | ${plan.target.ceiling.from} | ${plan.target.ceiling.to} |`]),
          `| released | | after ${formatDuration(plan.quiet.windowMs)} of low ${plan.quiet.metrics.join(', ') || 'load'} |`,
        ]),
    ...(claim === null ? [] : ['', `**Claim:** ${claim.state}${claim.reason === '' ? '' : `, ${claim.reason}`}`]),
    ...(available === null
      ? []
      : [
          '',
          `**Available:** ${available.replicas}${available.kind === 'short' ? `, short: ${available.reasons.join('; ')}` : ''}`,
        ]),
    ...(plan === null || plan.dashboards.length === 0
      ? []
      : ['', `**Look at:** ${plan.dashboards.map(({ title, url }) => `[${title}](${url})`).join(', ')}`]),
    ...(plan === null || plan.warnings.length === 0 ? [] : ['', ...plan.warnings.map((warning) => `- ${warning}`)]),
    '',
    ...(status.phase === 'done'
      ? []
      : [
          '**You can send** (Update): `endNow` `{"as":"you"}`, `skipWait` `{"as":"you"}`, `extend` `{"as":"you","forMs":1800000}`, `amendFloor` `{"as":"you","floor":12}`. Cancel lets the capacity go at once, step by step.',
        ]),
    '',
    ...status.timeline.slice(-8).map(({ atMs, what }) => `- ${iso(atMs)} ${what}`),
  ];
  return page(lines);
}

export function ledgerDetails({ workload, claims, standing, trouble }: LedgerView): string {
  const lines = [
    `## ${workload}`,
    trouble === null ? '' : `**Trouble:** ${trouble}`,
    standing === null || !standing.held
      ? 'Nothing is held: the owner’s values stand.'
      : `Floor **${standing.floor}**${standing.ceiling === undefined ? '' : `, maximum **${standing.ceiling}**`}; the owner’s floor is ${standing.baselineFloor}. ${standing.waitingFor === undefined ? '' : `Waiting for ${standing.waitingFor}.`}`,
    '',
    ...(claims.length === 0
      ? ['No claims.']
      : [
          '| claim | floor | for |',
          '|---|---|---|',
          ...claims.map(({ id, floor, reason }) => `| ${id.split('/')[0]} | ${floor} | ${reason} |`),
        ]),
    ...(standing?.drift ?? []).map(
      ({ field, ours, found }) =>
        `- ${field} is ${JSON.stringify(found)}, not our ${JSON.stringify(ours)}: somebody else set it`,
    ),
  ];
  return page(lines);
}

/** The UI's frame cuts off the last lines of a page: these are the ones it may have. */
function page(lines: readonly string[]): string {
  return [...lines, '', '\u00a0', '', '\u00a0'].join('\n');
}

function iso(ms: number): string {
  // hand-made input may carry a time that is none, and a page must not fail the run
  return Math.abs(ms) <= 8.64e15 ? `${new Date(ms).toISOString().slice(0, 19)}Z` : String(ms);
}
