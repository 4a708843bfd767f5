import type { GovernorWrite } from './ledger-writes.ts';
import type { RunFacts } from './run-facts.ts';

export interface WriteRow {
  readonly atMs: number;
  readonly floor: { readonly from: number | null; readonly to: number };
  readonly ceiling: { readonly from: number | null; readonly to: number | null };
  readonly generation: { readonly from: number | null; readonly to: number };
  readonly frozen: boolean | null;
  readonly why: string;
}

/** Those of the run's life, and after it those that still take its claim back. */
export function relevantWrites(
  { id, startedAtMs, end }: RunFacts,
  ledger: readonly GovernorWrite[],
): readonly GovernorWrite[] {
  const since = ledger.filter(({ atMs }) => atMs >= startedAtMs);
  if (end === null) return since;
  const during = since.filter(({ atMs }) => atMs <= end.atMs);
  const last = during.at(-1);
  const isOpen = last?.held === true && (last.owners.includes(id) || last.owners.length === 0);
  if (!isOpen) return during;
  const later = since.slice(during.length);
  const home = later.findIndex((write) => !write.owners.includes(id) && isSettled(write));
  return [...during, ...(home === -1 ? later : later.slice(0, home + 1))];
}

function isSettled({ held, owners, floor, wantedFloor }: GovernorWrite): boolean {
  return owners.length === 0 ? !held : floor === wantedFloor;
}

export function asRows(
  writes: readonly GovernorWrite[],
  ledger: readonly GovernorWrite[],
  ownersCeiling: number | null,
): readonly WriteRow[] {
  return writes.map((write) => {
    const earlier = ledger[ledger.indexOf(write) - 1];
    // between two holds the values are the owner's, and he may have changed them
    const prior = earlier?.held === true ? earlier : undefined;
    return {
      atMs: write.atMs,
      floor: { from: prior?.floor ?? write.baselineFloor, to: write.floor },
      ceiling: { from: (prior === undefined ? ownersCeiling : prior.ceiling) ?? null, to: write.ceiling },
      generation: { from: earlier?.generation ?? null, to: write.generation },
      frozen: write.frozen,
      why: write.why,
    };
  });
}

export function gapsOf(
  { steps, end }: RunFacts,
  ledger: readonly GovernorWrite[] | null,
  writes: readonly GovernorWrite[],
): readonly string[] {
  const asked = steps.some(({ kind }) => kind === 'claimed');
  if (!asked || writes.length > 0) return [];
  if (ledger === null)
    return ['the ledger’s history is gone (Temporal keeps it for its retention time): what it wrote is not known here'];
  return end === null ? [] : ['the ledger wrote nothing while this run lived: what was asked for stood already'];
}
