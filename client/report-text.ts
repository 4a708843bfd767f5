import type { Report } from '../domain/report.ts';
import type { AlertRow } from '../domain/report-alerts.ts';
import { evidenceWords, type TimelineRow } from '../domain/report-timeline.ts';
import type { WriteRow } from '../domain/report-writes.ts';
import { time } from './time.ts';

type Table = { readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] };

/** For a terminal, and for whoever was just woken up. */
export function reportText(report: Report): string {
  const { counts, writes, timeline } = report;
  return [
    `${report.id}  ${headline(report)}`,
    ...factsOf(report).map(([name, text]) => `  ${name.padEnd(10)}${text}`),
    ...section('capacity', countsTable(counts)),
    ...section('writes to the governor, in UTC', writesTable(writes)),
    ...section('timeline, in UTC', timelineTable(timeline)),
  ].join('\n');
}

/** For an incident document: headings, a list, and tables of GitHub's kind. */
export function reportMarkdown(report: Report): string {
  const { counts, writes, timeline, steered } = report;
  return [
    `## ${escaped(report.id)}: ${escaped(headline(report))}`,
    '',
    ...factsOf(report).map(([name, text]) => `- **${capital(name)}:** ${escaped(text)}`),
    ...markdownSection('Capacity', countsTable(counts)),
    ...markdownSection('Who steered', {
      head: ['time (UTC)', 'who', 'what', 'why'],
      rows: steered.map(({ atMs, by, what, note }) => [time(atMs), by ?? '', what, note ?? '']),
    }),
    ...markdownSection('Writes to the governor', writesTable(writes)),
    ...markdownSection('Timeline', timelineTable(timeline)),
  ].join('\n');
}

function headline({ outcome, untilMs }: Report): string {
  return outcome === 'under way' ? `under way, so far until ${time(untilMs)}` : outcome;
}

function factsOf(report: Report): readonly (readonly [string, string])[] {
  const { askedFor, outcome, steered } = report;
  const where = [
    report.workload,
    report.cluster === null ? undefined : `on ${report.cluster}`,
    governed(report.governor),
  ];
  const name = outcome === 'under way' ? 'so far' : 'ended';
  return [
    ['workload', where.filter((word) => word !== undefined).join(' ')],
    ['event', eventWords(report)],
    [
      'asked for',
      `${askedFor.what} by ${askedFor.by}, ${time(askedFor.atMs)}${askedFor.note === null ? '' : ` (${askedFor.note})`}`,
    ],
    ...(askedFor.trigger === null ? [] : [['trigger', askedFor.trigger] as const]),
    ...(report.mode === null ? [] : [['mode', MODES[report.mode]] as const]),
    ...report.alerts.map((row) => ['alert', alertWords(row)] as const),
    ...report.evidence.map((row) => ['evidence', `${evidenceWords(row)}, ${time(row.atMs)}`] as const),
    ...(steered.length === 0
      ? [['steered', 'by nobody'] as const]
      : steered.map(
          ({ atMs, by, what, note }) =>
            ['steered', `${what} by ${by}, ${time(atMs)}${note === null ? '' : ` (${note})`}`] as const,
        )),
    [name, outcome === 'under way' ? time(report.untilMs) : `${outcome}, ${time(report.untilMs)}`],
    ...report.reasons.map((reason) => ['reason', reason] as const),
    ['restored', restoredWords(report)],
    ...report.drift.map((one) => ['drift', one] as const),
    ...report.warnings.map((one) => ['warning', one] as const),
    ...report.gaps.map((one) => ['not known', one] as const),
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
  if (before === null && during === null && after === null) return { head: [], rows: [] };
  return {
    head: ['', 'before', 'most during', 'after'],
    rows: names.map(([name, count]) => [name, ...[before, during, after].map((counts) => shown(counts?.[count]))]),
  };
}

function writesTable(writes: readonly WriteRow[]): Table {
  const step = ({ from, to }: { readonly from: number | null; readonly to: number | null }) =>
    from === to ? shown(to) : `${shown(from)} → ${shown(to)}`;
  const frozen = (is: boolean | null): string => (is === null ? '?' : { true: 'off', false: 'on' }[`${is}`]);
  return {
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

function timelineTable(timeline: readonly TimelineRow[]): Table {
  return {
    head: ['time', 'who', 'what'],
    rows: timeline.map(({ atMs, by, what }) => [time(atMs), by ?? 'the run', what]),
  };
}

function shown(count: number | null | undefined): string {
  return count === null || count === undefined ? '-' : String(count);
}

function section(title: string, { head, rows }: Table): readonly string[] {
  if (rows.length === 0) return [];
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const text = lines.map((line) => `  ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`);
  return ['', title, ...text.map((line) => line.trimEnd())];
}

function markdownSection(title: string, { head, rows }: Table): readonly string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]) => `| ${cells.map(escaped).join(' | ')} |`;
  return ['', `### ${title}`, '', line(head), line(head.map(() => '---')), ...rows.map(line)];
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** People's words must not become markup, nor break a table. */
function escaped(text: string): string {
  if (text === '---') return text;
  return text.replaceAll(/[\\`*_[\]<>|#~]/g, (sign) => `\\${sign}`).replaceAll(/\s*[\r\n]+\s*/g, ' ');
}
