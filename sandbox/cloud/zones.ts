import type { Group, Instance } from './model.ts';

interface Zone {
  readonly zone: string;
  readonly count: number;
}

/** How many of these instances each zone has, from the emptiest to the fullest. */
export function zonesOf({ zones }: Group, counted: readonly Instance[]): readonly Zone[] {
  return zones
    .map((zone) => ({ zone, count: counted.filter((instance) => instance.zone === zone).length }))
    .toSorted((one, other) => one.count - other.count);
}

/** Between which zones an instance has to move, if between any. */
export function imbalanceOf(
  group: Group,
  counted: readonly Instance[],
): { readonly emptiest: string; readonly fullest: string } | undefined {
  const zones = zonesOf(group, counted);
  const [emptiest, fullest] = [zones[0], zones.at(-1)];
  if (emptiest === undefined || fullest === undefined || fullest.count - emptiest.count < 2) return undefined;
  return { emptiest: emptiest.zone, fullest: fullest.zone };
}

/** The fullest zone first, then the oldest instance; never a protected one, and a spared one last. */
export function pickForScaleIn(group: Group, counted: readonly Instance[]): Instance | undefined {
  const counts = new Map(zonesOf(group, counted).map(({ zone, count }) => [zone, count]));
  const fullness = ({ zone }: Instance) => counts.get(zone) ?? 0;
  const candidates = counted.filter(({ protectedFromScaleIn }) => !protectedFromScaleIn);
  return candidates.toSorted(
    (one, other) =>
      Number(one.spared) - Number(other.spared) ||
      fullness(other) - fullness(one) ||
      one.launchedAtMs - other.launchedAtMs,
  )[0];
}
