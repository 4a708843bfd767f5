import { counted } from '../domain/counted.ts';
import { describeClaim } from '../domain/claim.ts';
import { describeTaken } from '../domain/claim-state.ts';
import { formatDuration } from '../domain/duration.ts';
import { wantedCeiling } from '../domain/hold-targets.ts';
import type { CapacityPlan } from '../domain/capacity-plan.ts';
import type { RunStatus } from '../domain/procedures.ts';
import type { LedgerView } from './messages.ts';

/** The page an operator reads in Temporal's UI (User Metadata). The UI sends it as a URL, so it stays well under 6 KB. */
export function runDetails(status: RunStatus): string {
  const { plan, next, claim, available, approval, suspended, question } = status;
  const lines = [
    `## ${status.phase}${suspended === null ? '' : `, suspended by ${suspended.by}`}`,
    `**${status.subject}** for **${status.event.name}**${windowOf(status)}, asked for by ${status.requestedBy}${status.trigger === undefined ? '' : ` (${status.trigger})`}`,
    ...(approval?.state === 'asked'
      ? [
          '',
          `**Needs an approval** by somebody else than ${status.requestedBy}, until ${iso(approval.untilMs)}: Update \`approve\` \`{"as":"you","planHash":"${approval.planHash.slice(0, 8)}"}\`, or \`reject\` \`{"as":"you","note":"why"}\``,
          ...approval.changes.map((change) => `- ${change}`),
        ]
      : []),
    ...(question === null ? [] : ['', `**Question:** ${question.what}`, ...question.reasons.map((one) => `- ${one}`)]),
    '',
    `**Next:** ${next.what}${next.atMs === null ? '' : `, ${iso(next.atMs)}`}`,
    ...(plan === null
      ? []
      : [
          '',
          '| | before | during the event |',
          '|---|---|---|',
          `| floor | ${plan.target.floor.from} | ${status.target ?? plan.target.floor.to} |`,
          ...maximumRow(plan, status.target),
          ...holdRow(plan),
          `| released | | ${plan.hold === undefined ? `after ${formatDuration(plan.quiet.windowMs)} of low ${plan.quiet.metrics.join(', ') || 'load'}` : iso(status.event.endMs)} |`,
        ]),
    ...configurationRows(status),
    ...nodeRows(status),
    ...nodeWords(status),
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
    ...(plan?.conflict === undefined ? [] : ['', `**Conflict:** ${plan.conflict.reason}`]),
    ...(plan === null || plan.warnings.length === 0 ? [] : ['', ...plan.warnings.map((warning) => `- ${warning}`)]),
    '',
    ...steeringWords(status),
    '',
    ...status.timeline.slice(-8).map(({ atMs, what }) => `- ${iso(atMs)} ${what}`),
  ];
  return page(lines);
}

/** A run on nodes has no event; its end is known while it only waits for that. */
function windowOf({ event, addition, drain, phase }: RunStatus): string {
  if (addition === undefined && drain === undefined) return `, ${iso(event.startMs)} to ${iso(event.endMs)}`;
  return phase === 'holding' ? `, until ${iso(event.endMs)}` : '';
}

/** Each node, and what has become of it. */
function nodeRows({ addition, drain }: RunStatus): readonly string[] {
  const added = (addition?.nodes ?? []).map(({ name, instanceId, type }) => `| ${name} | ${instanceId} | ${type} |`);
  const drained = (drain?.nodes ?? []).map(({ name, instanceId, state, evicted }) => {
    return `| ${name} | ${instanceId} | ${state}, ${counted(evicted, 'pod')} evicted |`;
  });
  const rows = [...added, ...drained].slice(0, SHOWN_DIFFERENCES);
  return rows.length === 0 ? [] : ['', '| node | instance | |', '|---|---|---|', ...rows];
}

/** What can be sent to a run on nodes in this phase, ready to paste. */
function nodeWords({ addition, drain, phase, suspended }: RunStatus): readonly string[] {
  if (addition === undefined && drain === undefined) return [];
  const words = {
    endNow: '`endNow` `{"as":"you"}`',
    skipWait: '`skipWait` `{"as":"you"}`',
    extend: '`extend` `{"as":"you","forMs":1800000}`',
    suspend: suspended === null ? '`suspend` `{"as":"you"}`' : '`resume` `{"as":"you"}`',
  };
  const allowed: { readonly [one in RunStatus['phase']]?: readonly (keyof typeof words)[] } = {
    'waiting for approval': ['endNow', 'suspend'],
    'waiting for its turn': ['suspend'],
    'waiting for jobs': ['skipWait', 'extend', 'endNow', 'suspend'],
    draining: ['extend', 'suspend'],
    adding: ['skipWait', 'extend'],
    holding: ['endNow', 'extend'],
  };
  const can = (allowed[phase] ?? []).map((word) => words[word]);
  const cancel =
    drain === undefined
      ? 'Cancel takes back what has not come.'
      : 'Cancel gives back every node that is not told to terminate.';
  return can.length === 0 ? [] : ['', `**You can send** (Update): ${can.join(', ')}. ${cancel}`];
}

/** Of the floor as it was amended last. */
function maximumRow({ target, ceilingReplicas, conflict }: CapacityPlan, amended: number | null): readonly string[] {
  const { floor, ceiling } = target;
  if (ceiling === null) return [];
  const limit = Math.min(ceilingReplicas, conflict?.maximum ?? Infinity);
  const wanted = wantedCeiling(amended ?? floor.to, { floor: floor.from, ceiling: ceiling.from }, limit);
  return [`| maximum | ${ceiling.from} | ${wanted} |`];
}

/** What a hold of the autoscaler stops. */
function holdRow({ hold }: CapacityPlan): readonly string[] {
  if (hold === undefined) return [];
  return [`| scale-in | | off |`, `| scale-out | | ${hold.mode === 'freeze' ? 'alive' : 'off'} |`];
}

/** The page has to stay small; all of them are in the plan. */
const SHOWN_DIFFERENCES = 12;

/** What a change of the autoscaler's configuration sets, and until when. */
function configurationRows({ configuration, phase, event }: RunStatus): readonly string[] {
  if (configuration === undefined) return [];
  const { governor, differences, untilMs, warnings } = configuration;
  const isOpen = untilMs !== null && (phase === 'configuring' || phase === 'holding');
  return [
    '',
    `**Settings** of ${governor.name}${untilMs === null ? '' : `, until ${iso(event.endMs)}`}:`,
    ...differences.slice(0, SHOWN_DIFFERENCES).map((line) => `- ${line}`),
    ...(differences.length > SHOWN_DIFFERENCES ? ['- …'] : []),
    ...(warnings.length === 0 ? [] : ['', ...warnings.map((warning) => `- ${warning}`)]),
    ...(isOpen
      ? [
          '',
          '**You can send** (Update): `endNow` `{"as":"you"}`, `extend` `{"as":"you","forMs":1800000}`. Cancel gives the old settings back too.',
        ]
      : []),
  ];
}

/** What can be sent in this phase, ready to paste. */
function steeringWords({ phase, suspended, plan, configuration, addition, drain }: RunStatus): readonly string[] {
  if (configuration !== undefined || addition !== undefined || drain !== undefined) return [];
  const words = {
    endNow: '`endNow` `{"as":"you"}`',
    skipWait: '`skipWait` `{"as":"you"}`',
    extend: '`extend` `{"as":"you","forMs":1800000}`',
    amendFloor: '`amendFloor` `{"as":"you","floor":12}`',
    suspend: suspended === null ? '`suspend` `{"as":"you"}`' : '`resume` `{"as":"you"}`',
    retryUndo: '`retryUndo` `{"as":"you"}`',
  };
  const allowed: { readonly [phase in RunStatus['phase']]?: readonly (keyof typeof words)[] } = {
    'waiting for approval': ['endNow', 'suspend'],
    sleeping: ['endNow', 'extend', 'suspend'],
    scaling: ['endNow', 'skipWait', 'extend', 'amendFloor', 'suspend'],
    holding: ['endNow', 'skipWait', 'extend', 'amendFloor', 'suspend'],
    'waiting for quiet': ['skipWait', 'extend', 'amendFloor', 'suspend'],
    'winding down': ['retryUndo'],
  };
  const isTaken = (word: keyof typeof words) => plan?.hold === undefined || isOfHold(word, plan.hold.mode);
  const can = (allowed[phase] ?? []).filter(isTaken).map((word) => words[word]);
  if (can.length === 0) return [];
  return [`**You can send** (Update): ${can.join(', ')}. Cancel lets the capacity go at once, step by step.`];
}

/** A hold awaits no quiet and ends at its date; only a pause asks for a count. */
function isOfHold(word: string, mode: 'freeze' | 'pause'): boolean {
  return ['endNow', 'extend', 'retryUndo', ...(mode === 'pause' ? ['amendFloor'] : [])].includes(word);
}

export function ledgerDetails({ workload, claims, standing, trouble }: LedgerView): string {
  const lines = [
    `## ${workload}`,
    trouble === null ? '' : `**Trouble:** ${trouble}`,
    ...(standing?.contested === undefined ? [] : [`**Contested:** ${describeTaken(standing.contested)}`]),
    ...(standing?.unprotected === undefined ? [] : [`**Not held:** ${standing.unprotected.reason}`]),
    ...(standing?.conflict === undefined ? [] : [`**Conflict:** ${standing.conflict}`]),
    standing === null || !standing.held
      ? 'Nothing is held: the owner’s values stand.'
      : `Floor **${standing.floor}**${standing.ceiling === undefined ? '' : `, maximum **${standing.ceiling}**`}; the owner’s floor is ${standing.baselineFloor}.${standing.frozen === true ? ' Scale-in is frozen.' : ''} ${standing.waitingFor === undefined ? '' : `Waiting for ${standing.waitingFor}.`}`,
    '',
    ...(claims.length === 0
      ? ['No claims.']
      : [
          '| claim | asks for | for |',
          '|---|---|---|',
          ...claims.map((claim) => `| ${claim.id.split('/')[0]} | ${describeClaim(claim)} | ${claim.reason} |`),
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
