/** What a sandbox can have besides, and what `--with` takes. A plain one neither runs nor builds it. */
export const EXTRAS = ['keda', 'alertmanager', 'cloud'] as const;
export type Extra = (typeof EXTRAS)[number];

/** Words and comma-separated lists of them, each at most once in the answer; all unknown ones are named in one fault. */
export function readExtras(texts: readonly string[]): readonly Extra[] {
  const words = texts.flatMap((text) => text.split(',').map((word) => word.trim()));
  const unknown = words.filter((word) => !isExtra(word));
  if (unknown.length === 0) return EXTRAS.filter((extra) => words.includes(extra));
  const named = unknown.map((word) => `"${word}"`).join(', ');
  throw new UnknownExtra(`--with does not know ${named}; it takes ${EXTRAS.join(', ')}`);
}

const isExtra = (word: string): boolean => EXTRAS.some((extra) => extra === word);

/** A class of its own, because it is the caller's mistake: exit code 2. */
export class UnknownExtra extends Error {}
