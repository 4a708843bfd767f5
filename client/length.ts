import { formatDuration, readDuration } from '../domain/duration.ts';

/** How long something is to last, as an option says it: its milliseconds, or what is wrong in the words of the command. Absent: neither. */
export function readLength(
  option: string,
  text: string | undefined,
  { mostMs, longer = '' }: { readonly mostMs: number; readonly longer?: string },
): { readonly ms?: number; readonly fault?: string } {
  if (text === undefined) return {};
  const read = readDuration(text);
  if (read.kind === 'fault') return { fault: `--${option} ${read.message}` };
  if (read.ms > 0 && read.ms <= mostMs) return { ms: read.ms };
  return {
    fault: `--${option} ${text} is not accepted; give more than 0s and at most ${formatDuration(mostMs)}${longer}`,
  };
}
