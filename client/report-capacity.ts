import type { Report } from '../domain/report.ts';
import type { AlertRow } from '../domain/report-alerts.ts';
import { evidenceWords } from '../domain/report-timeline.ts';
import type { WriteRow } from '../domain/report-writes.ts';
import type { Page, Table } from './report-page.ts';
import { askedFacts, endFacts, headlineOf, lastFacts, steeredTable, timelineTable } from './report-words.ts';
import { time } from './time.ts';

/** Of a run that holds capacity. */
export function capacityPage(report: Report): Page {
  return {
    title: report.id,
    headline: headlineOf(report),
    facts: factsOf(report),
    tables: [countsTable(report.counts), steeredTable(report), writesTable(report.writes), timelineTable(report)],
  };
}

function factsOf(report: Report): Page['facts'] {
  const where = [
    report.workload,
    report.cluster === null ? undefined : `on ${report.cluster}`,
    governed(report.governor),
  ];
  return [
    ['workload', where.filter((word) => word !== undefined).join(' ')],
    ['event', eventWords(report)],
    ...askedFacts(report),
    ...(report.mode === null ? [] : [['mode', MODES[report.mode]] as const]),
    ...report.alerts.map((row) => ['alert', alertWords(row)] as const),
    ...report.evidence.map((row) => ['evidence', `${evidenceWords(row)}, ${time(row.atMs)}`] as const),
    ...endFacts(report),
    ['restored', restoredWords(report)],
    ...report.drift.map((one) => ['drift', one] as const),
    ...lastFacts(report),
  ];
}

const MODES = {
  freeze: 'freeze: no scale-in, scale-out alive',
  pause: 'pause: exactly so many, neither in nor out',
} as const;

function eventWords({ procedure, event: { name, startMs, endMs }, plannedEndMs }: Report): string {
  // quiet ends these before
  const latest = procedure === 'emergencyScaleUp' || procedure === 'stepScale' ? ' at the latest' : '';
  const planned = endMs === plannedEndMs ? '' : `, planned to ${time(plannedEndMs)}`;
  return `${name}, ${time(startMs)} to ${time(endMs)}${latest}${planned}`;
}

function alertWords({ name, firings, resolved, firstAtMs, lastAtMs }: AlertRow): string {
  const [first, last] = [time(firstAtMs), time(lastAtMs)];
  const times = first === last ? first : `${first} to ${last}`;
  return `${name}${firings === 1 ? '' : ` ×${firings}`}, told ${times}, ${resolvedWords(firings, resolved)}`;
}

function resolvedWords(firings: number, resolved: number): string {
  if (resolved === 0) return 'not resolved';
  return resolved === firings ? 'resolved' : `${resolved} of them resolved`;
}

function governed(governor: string | null): string | undefined {
  return governor === null ? undefined : `governed by ${governor}`;
}

function restoredWords({ restored, otherClaims, counts, drift, outcome }: Report): string {
  if (counts.during === null) return 'nothing was asked for, so nothing had to be given back';
  if (restored === true) return `yes, the owner’s values are back${drift.length === 0 ? '' : ', apart from the drift'}`;
  if (restored === false)
    return otherClaims > 0 ? `not yet: ${otherClaims} other claims still hold the workload` : 'no';
  return outcome === 'under way' ? 'not yet: the run is under way' : 'not by this run: the ledger winds down by itself';
}

function countsTable({ before, during, after }: Report['counts']): Table {
  const names = [
    ['floor', 'floor'],
    ['maximum', 'ceiling'],
    ['replicas', 'replicas'],
    ['available', 'available'],
  ] as const;
  if (before === null && during === null && after === null) return { title: 'capacity', head: [], rows: [] };
  return {
    title: 'capacity',
    head: ['', 'before', 'most during', 'after'],
    rows: names.map(([name, count]) => [name, ...[before, during, after].map((counts) => shown(counts?.[count]))]),
  };
}

function writesTable(writes: readonly WriteRow[]): Table {
  const step = ({ from, to }: { readonly from: number | null; readonly to: number | null }) =>
    from === to ? shown(to) : `${shown(from)} → ${shown(to)}`;
  const frozen = (is: boolean | null): string => (is === null ? '?' : { true: 'off', false: 'on' }[`${is}`]);
  return {
    title: 'writes to the governor',
    timed: true,
    head: ['time', 'floor', 'maximum', 'scale-in', 'generation', 'why'],
    rows: writes.map((write) => [
      time(write.atMs),
      step(write.floor),
      step(write.ceiling),
      frozen(write.frozen),
      step(write.generation),
      write.why,
    ]),
  };
}

function shown(count: number | null | undefined): string {
  return count === null || count === undefined ? '-' : String(count);
}
