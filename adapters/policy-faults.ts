/** One thing that is wrong with headroom.yaml. */
export interface PolicyFault {
  /** `workloads.tensafe-server.limits.max`; places in lists are numbers from 0, odd keys stand in quotes; empty for the file as a whole. */
  readonly path: string;
  readonly found: string;
  readonly accepted: string;
  /** `examples/tensafe/headroom.yaml:12`: the file, of those merged, that says it, and its line. */
  readonly where?: string;
}

/** A fault that does not know yet in which file it stands. */
export interface Finding {
  readonly at: readonly string[];
  readonly found: string;
  readonly accepted: string;
}

/** The only error that loading a policy throws; its message holds every fault, one a line. */
export class PolicyError extends Error {
  readonly faults: readonly PolicyFault[];

  constructor(faults: readonly PolicyFault[]) {
    const count = faults.length === 1 ? '1 fault' : `${faults.length} faults`;
    super(`the configuration has ${count}:\n${formatFaults(faults)}`);
    this.name = 'PolicyError';
    this.faults = faults;
  }
}

export function formatFaults(faults: readonly PolicyFault[]): string {
  return faults
    .map(({ where, path, found, accepted }) =>
      [where, path].filter(Boolean).concat(`found ${found}; accepted: ${accepted}`).join(': '),
    )
    .join('\n');
}

/** The keys as one word; a key with a dot or a blank in it stands in quotes. */
export function pathOf(at: readonly string[]): string {
  return at.map((key) => (/^[\w*-]+$/.test(key) ? key : JSON.stringify(key))).join('.');
}

/** A value as a fault shows it: on one line and not too long. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'nothing (null)';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  if (typeof value === 'object')
    return `a map with ${list(
      Object.keys(value).map((key) => pathOf([key])),
      'no keys',
    )}`;
  if (typeof value === 'number') return `${value} (a number)`;
  if (typeof value === 'boolean') return `${value} (true or false)`;
  const text = JSON.stringify(value) ?? 'something that is not data';
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

/** `a, b, c`, shortened in the middle of nowhere when there are many. */
export function list(words: readonly string[], none: string): string {
  if (words.length === 0) return none;
  return words.length > 12 ? `${words.slice(0, 12).join(', ')} and ${words.length - 12} more` : words.join(', ');
}

/** ` (did you mean limits?)`, or nothing when no known word is near. */
export function suggestion(word: string, known: readonly string[]): string {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .toSorted((a, b) => a.distance - b.distance);
  const nearest = ranked[0];
  const near = nearest !== undefined && nearest.distance <= Math.max(1, Math.floor(nearest.candidate.length / 3));
  return near ? ` (did you mean ${nearest.candidate}?)` : '';
}

/** Letters to change, add, drop or swap with their neighbour to make one word of the other. */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1];
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current[column] = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (beforeLast[column - 2] ?? 0) + 1 : Infinity,
      );
    }
    beforeLast = last;
    last = current;
  }
  return last[to.length] ?? 0;
}
