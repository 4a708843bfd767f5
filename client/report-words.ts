import type { ReportHead } from '../domain/report-head.ts';
import type { Page, Table } from './report-page.ts';
import { time } from './time.ts';

/** What the reports of all runs say in the same words. */

export function headlineOf({ outcome, untilMs }: ReportHead): string {
  return outcome === 'under way' ? `under way, so far until ${time(untilMs)}` : outcome;
}

/** Who asked, and what started it for them. */
export function askedFacts({ askedFor: { what, by, atMs, note, trigger } }: ReportHead): Page['facts'] {
  return [
    ['asked for', `${what} by ${by}, ${time(atMs)}${note === null ? '' : ` (${note})`}`],
    ...(trigger === null ? [] : [['trigger', trigger] as const]),
  ];
}

/** Who steered, how it ended and why. */
export function endFacts({ steered, outcome, untilMs, reasons }: ReportHead): Page['facts'] {
  return [
    ...(steered.length === 0
      ? [['steered', 'by nobody'] as const]
      : steered.map(
          ({ atMs, by, what, note }) =>
            ['steered', `${what} by ${by}, ${time(atMs)}${note === null ? '' : ` (${note})`}`] as const,
        )),
    outcome === 'under way' ? ['so far', time(untilMs)] : ['ended', `${outcome}, ${time(untilMs)}`],
    ...reasons.map((reason) => ['reason', reason] as const),
  ];
}

export function lastFacts({ warnings, gaps }: ReportHead): Page['facts'] {
  return [...warnings.map((one) => ['warning', one] as const), ...gaps.map((one) => ['not known', one] as const)];
}

export function steeredTable({ steered }: ReportHead): Table {
  return {
    title: 'who steered',
    besides: true,
    head: ['time (UTC)', 'who', 'what', 'why'],
    rows: steered.map(({ atMs, by, what, note }) => [time(atMs), by ?? '', what, note ?? '']),
  };
}

export function timelineTable({ timeline }: ReportHead): Table {
  return {
    title: 'timeline',
    timed: true,
    head: ['time', 'who', 'what'],
    rows: timeline.map(({ atMs, by, what }) => [time(atMs), by ?? 'the run', what]),
  };
}
