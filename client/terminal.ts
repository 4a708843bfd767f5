/** Among our words are people's, and a terminal would obey their control characters and marks that change direction: only lines stay. */
export function forTerminal(text: string): string {
  return text.toWellFormed().replaceAll(/[^\P{C}\n]+/gu, ' ');
}
