import { readDuration } from '../domain/duration.ts';
import { targetFaults } from '../domain/capacity-plan.ts';
import { windowFaults, type PreScaleRequest } from '../domain/pre-scale.ts';
import { usage } from './exit.ts';

export interface PreScaleOptions {
  readonly event?: string;
  readonly starts?: string;
  readonly ends?: string;
  readonly replicas?: string;
  readonly factor?: string;
  readonly lead?: string;
  readonly as?: string;
  readonly note?: string;
}

const SLUG = /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$/;
export const SLUG_ACCEPTED = 'letters, digits, - and _, with a letter or digit at both ends';
const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})$/;

/** A request out of command-line words, or one failure (exit 2) that names every fault and what would be accepted. */
export function readPreScale(
  workload: string,
  options: PreScaleOptions,
  { nowMs, requestedBy }: { readonly nowMs: number; readonly requestedBy: string },
): PreScaleRequest {
  const faults: string[] = [];
  const name = options.event ?? '';
  if (!isSlug(workload)) faults.push(`workload ${quoted(workload)} is not a name; accepted are ${SLUG_ACCEPTED}`);
  if (!isSlug(name))
    faults.push(`--event ${quoted(name)} is not a slug; accepted are up to 63 ${SLUG_ACCEPTED}, such as black-friday`);
  const startMs = readTime('--starts', options.starts, faults);
  const endMs = readTime('--ends', options.ends, faults);
  const target = readTarget(options, faults);
  const lead = options.lead === undefined ? undefined : readDuration(options.lead);
  if (lead?.kind === 'fault') faults.push(`--lead ${lead.message}`);
  const request: PreScaleRequest = {
    workload,
    event: { name, startMs, endMs },
    target,
    ...(lead?.kind === 'duration' && { leadMs: lead.ms }),
    requestedBy: options.as ?? requestedBy,
    ...(options.note !== undefined && { note: options.note }),
  };
  const hasWindow = !Number.isNaN(startMs) && !Number.isNaN(endMs);
  const all = [...faults, ...(hasWindow ? windowFaults(request, nowMs) : []), ...targetFaults(request)];
  if (all.length > 0) throw usage(all);
  return request;
}

function readTime(option: string, text: string | undefined, faults: string[]): number {
  const ms = text !== undefined && ISO.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms))
    faults.push(
      `${option} ${quoted(text ?? '')} is not a time; give ISO 8601 with an offset, such as 2026-11-27T09:00:00Z`,
    );
  return ms;
}

export function readTarget(
  { replicas, factor }: Pick<PreScaleOptions, 'replicas' | 'factor'>,
  faults: string[],
): PreScaleRequest['target'] {
  if ((replicas === undefined) === (factor === undefined)) faults.push('give either --replicas N or --factor F');
  if (factor !== undefined) {
    const value = factor.trim() === '' ? Number.NaN : Number(factor);
    return { kind: 'factor', factor: value };
  }
  return { kind: 'replicas', replicas: replicas === undefined || replicas.trim() === '' ? 1 : Number(replicas) };
}

export function isSlug(text: string): boolean {
  return SLUG.test(text);
}

export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
}
