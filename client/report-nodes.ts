import { counted } from '../domain/counted.ts';
import type { AdditionReport, NewNodeRow, OrderRow } from '../domain/report-addition.ts';
import type { DrainedRow, DrainReport, JobRow } from '../domain/report-drain.ts';
import { formatDuration } from '../domain/duration.ts';
import type { Page, Table } from './report-page.ts';
import { askedFacts, endFacts, headlineOf, lastFacts, steeredTable, timelineTable } from './report-words.ts';
import { time } from './time.ts';

export function drainPage(report: DrainReport): Page {
  return {
    title: report.id,
    headline: headlineOf(report),
    facts: drainFacts(report),
    tables: [nodesTable(report), jobsTable(report.jobs, report.currency), steeredTable(report), timelineTable(report)],
  };
}

function drainFacts(report: DrainReport): Page['facts'] {
  const { cluster, group, nodes, size, lost, savedPerHour, currency } = report;
  const where = `${counted(nodes.length, 'node')}${group === null ? '' : ` of ${group}`}${onCluster(cluster)}`;
  const { before, after } = size;
  const evicted = nodes.reduce((sum, node) => sum + node.evicted, 0);
  return [
    ['nodes', where],
    ...askedFacts(report),
    ...approvalFacts(report),
    ...endFacts(report),
    ['evicted', counted(evicted, 'pod')],
    ...(before === null
      ? []
      : [
          [
            'size',
            `${before.desired}${after === null ? '' : ` → ${after}`}, minimum ${before.min}, maximum ${before.max}`,
          ] as const,
        ]),
    ...(savedPerHour === null ? [] : [['saves', `${savedPerHour} ${currency} an hour`] as const]),
    ...(lost.length === 0 ? [] : [['LOST', `${lost.join(', ')}: gone meanwhile, and not by headroom`] as const]),
    ...lastFacts(report),
  ];
}

function nodesTable({ nodes, remove }: DrainReport): Table {
  const ends = ({ toldAtMs, goneAtMs }: DrainedRow) => (remove ? [shownTime(toldAtMs), shownTime(goneAtMs)] : []);
  return {
    title: 'nodes',
    timed: true,
    head: [
      'node',
      'instance',
      'type',
      'GPUs',
      'became',
      'pods evicted',
      'cordoned',
      'empty',
      ...(remove ? ['told to terminate', 'gone'] : []),
    ],
    rows: nodes.map((node) => [
      node.name,
      node.instanceId ?? '-',
      node.type ?? '-',
      node.gpus === null ? '-' : String(node.gpus),
      node.state,
      String(node.evicted),
      shownTime(node.cordonedAtMs),
      shownTime(node.emptyAtMs),
      ...ends(node),
    ]),
  };
}

function jobsTable(jobs: readonly JobRow[], currency: string | null): Table {
  return {
    title: 'jobs',
    head: ['job', 'on', 'became', 'cost of an interruption'],
    rows: jobs.map(({ name, nodes, became, cost: { nodeHours, money } }) => [
      name,
      nodes.join(', '),
      became,
      `${nodeHours} node hours${money === null ? '' : `, ${money} ${currency}`}`,
    ]),
  };
}

export function additionPage(report: AdditionReport): Page {
  return {
    title: report.id,
    headline: headlineOf(report),
    facts: additionFacts(report),
    tables: [ordersTable(report.orders), newNodesTable(report.nodes), steeredTable(report), timelineTable(report)],
  };
}

function additionFacts(report: AdditionReport): Page['facts'] {
  const { cluster, group, count, orders, costs, loan } = report;
  return [
    ['group', `${group}${onCluster(cluster)}`],
    ...askedFacts(report),
    ...(costs?.costPerHour == null
      ? []
      : [
          [
            'cost',
            `at most ${costs.costPerHour} ${costs.currency} an hour${costs.costCeiling === null ? '' : `, ${costs.costCeiling} ${costs.currency} in all`}`,
          ] as const,
        ]),
    ...approvalFacts(report),
    ...endFacts(report),
    ['usable', `${orders.reduce((sum, { usable }) => sum + usable, 0)} of ${count}`],
    ...orders.flatMap(({ group, said }) => said.map((words) => ['AWS', `${group}: ${words}`] as const)),
    ...(loan === null ? [] : [['loan', loanWords(loan)] as const]),
    ...lastFacts(report),
  ];
}

function loanWords({ forMs, returned, drains }: NonNullable<AdditionReport['loan']>): string {
  const by = drains.length === 0 ? '' : `, by ${drains.join(', ')}`;
  const given = returned === null ? 'not over' : 'not given back, or not all of it';
  return `for ${formatDuration(forMs)}: ${returned === true ? 'given back' : given}${by}`;
}

function ordersTable(orders: readonly OrderRow[]): Table {
  return {
    title: 'orders, in their order',
    timed: true,
    head: ['time', 'group', 'asked for', 'usable', 'desired', 'afterwards'],
    rows: orders.map(({ atMs, group, asked, usable, desired: { from, to, after } }) => [
      time(atMs),
      group,
      String(asked),
      String(usable),
      `${from} → ${to}`,
      after === null ? '-' : String(after),
    ]),
  };
}

function newNodesTable(nodes: readonly NewNodeRow[]): Table {
  return {
    title: 'nodes that came',
    head: ['node', 'instance', 'type', 'zone', 'group', 'usable'],
    rows: nodes.map(({ name, instanceId, type, zone, group, usableAfterMs, missing }) => [
      name ?? '-',
      instanceId,
      type,
      zone,
      group,
      usableAfterMs === null ? `no: ${missing.join(', ')}` : `within ${formatDuration(toSeconds(usableAfterMs))}`,
    ]),
  };
}

/** By steering is told who gave it. */
function approvalFacts({ approval }: DrainReport | AdditionReport): Page['facts'] {
  if (approval === null) return [];
  return [['approval', approval === 'always' ? 'policy asks for a second person’s' : 'policy asks for none']];
}

/** Up to the next second: that is how it is known. */
function toSeconds(ms: number): number {
  return Math.ceil(ms / 1_000) * 1_000;
}

function shownTime(atMs: number | null): string {
  return atMs === null ? '-' : time(atMs);
}

function onCluster(cluster: string | null): string {
  return cluster === null ? '' : ` on ${cluster}`;
}
