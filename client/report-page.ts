/** A report as it is read: what is said first, then tables. */
export interface Page {
  /** Id of the run. */
  readonly title: string;
  readonly headline: string;
  readonly facts: readonly (readonly [name: string, text: string])[];
  readonly tables: readonly Table[];
}

export interface Table {
  readonly title: string;
  /** Its times are UTC, which a page without room for it in each cell says above. */
  readonly timed?: true;
  /** The facts say it already; a page to keep has it as a table besides. */
  readonly besides?: true;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** For a terminal, and for whoever was just woken up. */
export function pageText({ title, headline, facts, tables }: Page): string {
  return [
    `${title}  ${headline}`,
    ...facts.map(([name, text]) => `  ${name.padEnd(10)}${text}`),
    ...tables.filter(({ besides }) => besides !== true).flatMap(section),
  ].join('\n');
}

/** For an incident document: headings, a list, and tables of GitHub's kind. */
export function pageMarkdown({ title, headline, facts, tables }: Page): string {
  return [
    `## ${escaped(title)}: ${escaped(headline)}`,
    '',
    ...facts.map(([name, text]) => `- **${capital(name)}:** ${escaped(text)}`),
    ...tables.flatMap(markdownSection),
  ].join('\n');
}

function section({ title, timed, head, rows }: Table): readonly string[] {
  if (rows.length === 0) return [];
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const text = lines.map((line) => `  ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`);
  return ['', `${title}${timed === true ? ', in UTC' : ''}`, ...text.map((line) => line.trimEnd())];
}

function markdownSection({ title, head, rows }: Table): readonly string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]) => `| ${cells.map(escaped).join(' | ')} |`;
  return ['', `### ${capital(title)}`, '', line(head), line(head.map(() => '---')), ...rows.map(line)];
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** People's words must not become markup, nor break a table. */
function escaped(text: string): string {
  if (text === '---') return text;
  return text.replaceAll(/[\\`*_[\]<>|#~]/g, (sign) => `\\${sign}`).replaceAll(/\s*[\r\n]+\s*/g, ' ');
}
