import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { capacityPage } from '../../client/report-capacity.ts';
import { pageHtml } from '../../client/report-html.ts';
import { pageMarkdown, pageText } from '../../client/report-page.ts';
import { reportOf, type Report } from '../../domain/report.ts';
import { recordedEnding } from '../harness/recorded.ts';

/** Nothing but what Temporal keeps: no worker answers. */
async function reportOfRecorded(ending: string): Promise<Report> {
  const { run, ledger } = await recordedEnding(ending);
  return reportOf({ run, status: null, ledger: ledger, nowMs: Date.now() });
}

describe('reading a report out of recorded histories', () => {
  it('finds every write of the ledger with its reason, in its order', async () => {
    const { writes } = await reportOfRecorded('steered');
    assert.deepEqual(
      writes.map(({ floor }) => [floor.from, floor.to]),
      [
        [3, 6],
        [6, 8],
        [8, 7],
        [7, 6],
        [6, 5],
        [5, 4],
        [4, 3],
      ],
    );
    assert.match(writes[0]?.why ?? '', /^for sale, asked for by tester@/);
    assert.deepEqual(new Set(writes.slice(2, -1).map(({ why }) => why)), new Set(['one step down']));
    assert.equal(writes.at(-1)?.why, 'the owner’s values are back');
    assert.deepEqual(
      writes.map(({ generation }) => generation.to),
      writes.map((_, index) => index + 1),
    );
  });

  it('finds who asked and who steered, with their notes', async () => {
    const { askedFor, steered } = await reportOfRecorded('steered');
    assert.match(askedFor.by, /^tester@/);
    assert.deepEqual(
      steered.map(({ by, what, note }) => [by, what, note]),
      [
        ['alice', 'asked for a floor of 8', 'more carts'],
        ['alice', 'extended the event by 1m', null],
        ['bob', 'declared the event over', null],
        ['bob', 'skipped the wait for quiet', null],
      ],
    );
  });

  it('has before and after, and the warnings of the plan, which stand in no event', async () => {
    const { counts, warnings, restored, outcome, reasons } = await reportOfRecorded('short-4');
    assert.deepEqual(
      [counts.before?.floor, counts.during?.floor, counts.after?.floor, counts.during?.available],
      [3, 6, 3, 4],
    );
    assert.match(warnings.join('\n'), /ResourceQuota four-pods allows 1 of 3 more pods/);
    assert.deepEqual([outcome, restored], ['short', true]);
    assert.match(reasons.join('\n'), /exceeded quota/);
  });
});

/** As a browser reads it back. */
function escapedAsHtml(text: string): string {
  // the ampersand first, or it would meet those of the others
  const names = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": '#39' };
  return Object.entries(names).reduce((shown, [sign, name]) => shown.replaceAll(sign, `&${name};`), text);
}

describe('printing a report', () => {
  /** Cells of GitHub's tables: a backslash takes the next sign out of the markup. */
  const cellsOf = (line: string): number => line.replaceAll(/\\./g, '').split('|').length - 2;
  const nasty = 'a | b\n# `c` <script> [x](y) *z*';

  it('prints Markdown whose tables keep their columns, whatever people wrote', async () => {
    const report = await reportOfRecorded('steered');
    const markdown = pageMarkdown(
      capacityPage({
        ...report,
        askedFor: { ...report.askedFor, note: nasty },
        steered: report.steered.map((row) => ({ ...row, note: nasty })),
        timeline: report.timeline.map((row) => ({ ...row, what: nasty })),
      }),
    );
    const tables = markdown.split('\n\n').filter((block) => block.startsWith('|'));
    assert.equal(tables.length, 4);
    for (const table of tables) {
      const [head = '', rule = '', ...rows] = table.split('\n');
      assert.match(rule, /^\|( --- \|)+$/);
      assert.ok(rows.length > 0);
      for (const row of [rule, ...rows]) assert.equal(cellsOf(row), cellsOf(head), row);
    }
    assert.equal(markdown.match(/^#/gm)?.length, 5);
    assert.doesNotMatch(markdown.replaceAll(/\\./g, ''), /[`<[]/);
  });

  it('prints HTML that is whole, and has no markup but its own, whatever people wrote', async () => {
    const report = await reportOfRecorded('steered');
    const hostile = `"><script>alert('x')</script><img src=x onerror=y> &amp; </td></table>\n${'long'.repeat(2_000)}`;
    const html = pageHtml(
      capacityPage({
        ...report,
        id: hostile,
        askedFor: { ...report.askedFor, by: hostile, note: hostile },
        steered: report.steered.map((row) => ({ ...row, by: hostile, note: hostile })),
        timeline: report.timeline.map((row) => ({ ...row, what: hostile })),
        reasons: [hostile],
      }),
    );
    const open: string[] = [];
    const seen = new Set<string>();
    for (const [, slash, name = ''] of html.matchAll(/<(\/?)([a-z!][a-z0-9]*)/gi)) {
      seen.add(name);
      if (slash === '/') assert.equal(open.pop(), name);
      else if (name !== '!doctype' && name !== 'meta') open.push(name);
    }
    assert.deepEqual(open, []);
    const own = ['!doctype', 'html', 'meta', 'title', 'style', 'h1', 'h2', 'p', 'strong', 'dl', 'div', 'dt', 'dd'];
    assert.deepEqual(
      [...seen].filter((name) => ![...own, 'table', 'tr', 'th', 'td'].includes(name)),
      [],
    );
    // as it was written, and all of it
    const shown = escapedAsHtml(hostile);
    assert.equal(html.split(shown).length - 1, 2 + 2 + 2 * report.steered.length * 2 + report.timeline.length + 1);
    for (const table of html.split('<table>').slice(1)) {
      const rows = (table.split('</table>')[0] ?? '').split('</tr>').slice(0, -1);
      assert.ok(rows.length > 1);
      const cells = rows.map((row) => row.split(/<t[hd][ >]/).length);
      assert.deepEqual([...new Set(cells)], [cells[0]]);
    }
  });

  it('says of a run under way that this is the report so far', async () => {
    const { run, ledger } = await recordedEnding('steered');
    const steps = run.steps.slice(
      0,
      run.steps.findIndex(({ kind }) => kind === 'let go'),
    );
    const under = { ...run, steps, end: null };
    const nowMs = Date.UTC(2026, 10, 24, 7);
    const text = pageText(capacityPage(reportOf({ run: under, status: null, ledger: ledger, nowMs })));
    assert.match(text, /under way, so far until 2026-11-24T07:00:00Z/);
    assert.match(text, /restored +not yet: the run is under way/);
  });
});
