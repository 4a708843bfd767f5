import type { Page, Table } from './report-page.ts';

/** One file that needs nothing else: for an incident folder, for mail, for paper. No script runs in it, and nothing is fetched. */
export function pageHtml({ title, headline, facts, tables }: Page): string {
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<meta charset="utf-8">',
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src \'unsafe-inline\'">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escaped(title)}: ${escaped(headline)}</title>`,
    `<style>${STYLE}</style>`,
    `<h1>${escaped(title)}</h1>`,
    `<p><strong>${escaped(headline)}</strong></p>`,
    '<dl>',
    ...facts.map(([name, text]) => `<div><dt>${escaped(name)}</dt><dd>${escaped(text)}</dd></div>`),
    '</dl>',
    ...tables.flatMap(tableHtml),
    '</html>',
  ].join('\n');
}

/** Words without a space, such as names of nodes or what somebody pasted, break anywhere before they widen the page. */
const STYLE = `
body { max-width: 95rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; color: #1b1b1b; }
h1, dd, td, p { overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; }
h2 { font-size: 1.1rem; margin-top: 2rem; }
dl > div { display: flex; gap: 1rem; }
dt { flex: 0 0 6rem; color: #5f5f5f; }
dd { margin: 0; white-space: pre-line; }
table { width: 100%; border-collapse: collapse; display: block; overflow-x: auto; }
th, td { padding: 0.3rem 0.8rem 0.3rem 0; border-bottom: 1px solid #d0d0d0; text-align: left; vertical-align: top; }
td { min-width: 5rem; white-space: pre-line; }
.short { min-width: 0; white-space: nowrap; }
table { font-size: 0.85rem; }
`;

function tableHtml({ title, timed, head, rows }: Table): readonly string[] {
  if (rows.length === 0) return [];
  const line = (tag: 'th' | 'td', cells: readonly string[]) =>
    `<tr>${cells.map((cell) => `<${tag}${isShort(cell) ? ' class="short"' : ''}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
  return [
    `<h2>${escaped(title)}${timed === true ? ', in UTC' : ''}</h2>`,
    '<table>',
    line('th', head),
    ...rows.map((row) => line('td', row)),
    '</table>',
  ];
}

/** A name, a time, an instance: nothing that makes a table too wide, and nobody reads it broken. */
const isShort = (cell: string): boolean => cell.length <= 32;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** People's words, and AWS's, must not become markup. */
function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign);
}
