import { z } from 'zod';
import { DURATION_ACCEPTED, DURATION_PATTERN, readDuration } from '../domain/duration.ts';
import { show } from './policy-faults.ts';

/** The kinds of value that headroom.yaml is made of; each says what it accepts, in the same words for faults, editors and docs. */

/** What we note on a schema beside its rules. */
declare module 'zod' {
  interface GlobalMeta {
    /** For people: `a whole number from 0 to 10,000`. */
    accepted?: string;
    /** The procedure, not built yet, that will read the value and everything under it. */
    readLaterBy?: string;
  }
}

/** Names that a file gives (workloads, metrics, triggers …) are parts of paths and of workflow ids: no dots. */
export const NAME_PATTERN = '^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$';
export const NAME_ACCEPTED =
  'letters, digits, - and _, at most 63, beginning and ending with a letter or digit (no dots)';
export const OBJECT_NAME_PATTERN = '^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$';
export const NAMESPACE_PATTERN = '^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$';
/** No workload here comes near; a slip such as an extra zero or two does. */
const MOST_REPLICAS = 10_000;

export function leaf<S extends z.ZodType>(schema: S, accepted: string, description: string): S {
  return schema.meta({ accepted, description });
}

export function matching(pattern: string, accepted: string, description: string) {
  return leaf(z.string().regex(new RegExp(pattern)), accepted, description);
}

export function text(description: string) {
  return leaf(z.string().regex(/\S/), 'a text that is not empty', description);
}

export function reference(to: string, description: string) {
  return leaf(z.string(), to, description);
}

export function count(description: string, { min = 0, max = MOST_REPLICAS } = {}) {
  const accepted = `a whole number from ${min} to ${max.toLocaleString('en')}`;
  return leaf(z.int().min(min).max(max), accepted, description);
}

export function amount(description: string) {
  return leaf(z.number().min(0), 'a number, 0 or more', description);
}

export function flag(description: string) {
  return leaf(z.boolean(), 'true or false', description);
}

export function oneOf<const V extends readonly [string, ...string[]]>(values: V, description: string) {
  return leaf(z.enum(values), values.length === 1 ? values[0] : `one of ${values.join(', ')}`, description);
}

export function address(description: string) {
  return leaf(
    z.string().refine(isHttpUrl, { error: ({ input }) => show(input) }),
    'an http or https address, such as http://prometheus.monitoring:9090',
    description,
  );
}

export function moment(description: string) {
  return leaf(
    z.iso.datetime({ offset: true }),
    'a time with its offset, such as 2026-12-24T18:00:00+01:00',
    description,
  );
}

/** In the file `30m`, here 1,800,000 ms. */
export function duration(description: string, { orZero = false } = {}) {
  const accepted = orZero ? DURATION_ACCEPTED : `${DURATION_ACCEPTED}, above 0`;
  const schema = z.string().transform((written, context) => {
    const read = readDuration(written);
    if (read.kind === 'duration' && (orZero || read.ms > 0)) return read.ms;
    context.addIssue(read.kind === 'fault' ? read.found : JSON.stringify(written));
    return z.NEVER;
  });
  return leaf(schema.meta({ pattern: DURATION_PATTERN }), accepted, description);
}

export function promql(description: string) {
  const schema = z.string().superRefine((query, context) => {
    const found = judgePromql(query);
    if (found !== undefined) context.addIssue(found);
  });
  const accepted = 'a PromQL query with its brackets and quotes closed';
  return leaf(schema.meta({ pattern: '\\S' }), accepted, description);
}

/** A map by names that the file gives; the names are checked by policy-file.ts, which then also looks at what is under a bad one. */
export function byName<S extends z.ZodType>(value: S, description: string) {
  return z.record(z.string().meta({ pattern: NAME_PATTERN }), value).meta({ description });
}

export function limits(what: string, { min = 0 } = {}) {
  return z.strictObject({
    min: count(`Fewest ${what}; at most \`max\`.`, { min }),
    max: count(`Most ${what}.`, { min: Math.max(min, 1) }),
  });
}

export function range(what: string) {
  return z.strictObject({ min: count(`Fewest ${what}.`), max: count(`Most ${what}; at least \`min\`.`) });
}

function isHttpUrl(written: string): boolean {
  return URL.canParse(written) && /^https?:$/.test(new URL(written).protocol);
}

const CLOSERS: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** What is plainly wrong with a query, or undefined: Prometheus itself judges the rest when it is asked. */
export function judgePromql(query: string): string | undefined {
  const open: string[] = [];
  // strings first, so that brackets in a label value do not count; then comments; then brackets
  const tokens = query.matchAll(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`|#[^\n]*|["'`()[\]{}]|\S/g);
  let words = 0;
  for (const [token] of tokens) {
    if (token.startsWith('#')) continue;
    words += 1;
    if (token === '"' || token === "'" || token === '`') return `a query with an open ${token}`;
    const closer = CLOSERS[token];
    if (closer !== undefined) open.push(closer);
    else if (token.length === 1 && ')]}'.includes(token) && open.pop() !== token)
      return `a query with a ${token} that closes nothing`;
  }
  if (words === 0) return 'an empty query';
  const missing = open.at(-1);
  return missing === undefined ? undefined : `a query without its closing ${missing}`;
}
