import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { registerClientCommands } from '../../client/cli.ts';
import { registerSandboxCommands } from '../../sandbox/cli.ts';
import { registerWorkerCommands } from '../../worker/cli.ts';

const ROOT = join(import.meta.dirname, '../..');
/** The runbook is somebody else's document, kept as it came. */
const FOREIGN = 'docs/tensafe-scaling-runbook.md';
const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: ROOT })
  .filter((page) => page !== FOREIGN)
  .toSorted();
const textOf = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

/** What `bin/headroom --help` and each subcommand's `--help` are printed from. */
const program = new Command('headroom');
registerClientCommands(program, async () => ({ kind: 'refused', reasons: [] }));
registerWorkerCommands(program, async () => ({ kind: 'unusable', cluster: '', reason: '' }));
registerSandboxCommands(program);

/** Every `headroom …` of a page's code, as words; what is printed in `text` blocks is output and not a command. */
function commandsOf(page: string): readonly (readonly string[])[] {
  const text = textOf(page);
  const blocks = [...text.matchAll(/^ *```sh\n(.*?)^ *```$/gms)].map(([, code = '']) => code.replaceAll('\\\n', ' '));
  const spans = [...text.replaceAll(/^ *```.*?^ *```$/gms, '').matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
  const shell = [...blocks, ...spans].flatMap((code) => code.split(/\n|&&|;|\||\$\(/));
  return shell
    .map((one) => one.replace(/#.*$/, '').trim())
    .filter((one) => /^(bin\/)?headroom [a-z]/.test(one))
    .map((one) =>
      one
        .replaceAll(/'[^']*'|"[^"]*"/g, 'quoted')
        .replace(/\).*$/, '')
        .split(/\s+/)
        .slice(1),
    );
}

function faultOf(words: readonly string[]): string | undefined {
  let command = program;
  for (const word of words) {
    if (command.commands.length === 0) break;
    const next = command.commands.find((one) => one.name() === word);
    if (next === undefined) return `"${pathOf(command)}" has no command ${word}`;
    command = next;
  }
  // what stands behind these words is another program's
  if (command.name() === 'kubectl') return undefined;
  const known = command.options.flatMap(({ long }) => long ?? []);
  const options = words.flatMap((word) => /^--[\w-]+/.exec(word)?.[0] ?? []);
  const unknown = options.filter((option) => option !== '--help' && !known.includes(option));
  return unknown.length === 0 ? undefined : `"${pathOf(command)}" has no ${unknown.join(', ')}`;
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** As GitHub makes them out of headings. */
const anchorsOf = (page: string): readonly string[] =>
  [...textOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-'),
  );

function linkFaults(page: string): readonly string[] {
  const prose = textOf(page).replaceAll(/^ *```.*?^ *```$/gms, '');
  const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^https?:/.test(link));
  return links.flatMap((link) => {
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? page : join(dirname(page), path);
    if (!existsSync(join(ROOT, target))) return [`${page}: ${link} is not there`];
    if (anchor === undefined || anchorsOf(target).includes(anchor)) return [];
    return [`${page}: ${target} has no heading #${anchor}`];
  });
}

describe('the documentation', () => {
  it('names only commands and options that there are', () => {
    const named = pages.flatMap((page) => commandsOf(page).map((words) => ({ page, words })));
    assert.ok(named.length > 30, `only ${named.length} commands were found: the test no longer sees them`);
    const faults = named.flatMap(({ page, words }) => {
      const fault = faultOf(words);
      return fault === undefined ? [] : [`${page}: ${fault}`];
    });
    assert.deepEqual(faults, []);
  });

  it('would be caught naming others', () => {
    assert.match(faultOf(['pre-scael', 'web']) ?? '', /no command pre-scael/);
    assert.match(faultOf(['sandbox', 'upp']) ?? '', /no command upp/);
    assert.match(faultOf(['extend', 'RUN', '--until', '9']) ?? '', /no --until/);
  });

  it('names every command that bin/headroom --help lists', async () => {
    const { stdout } = await promisify(execFile)(join(ROOT, 'bin/headroom'), ['--help']);
    const listed = [...stdout.matchAll(/^ {2}([a-z][\w-]*) .*/gm)].flatMap(([, name]) => name ?? []);
    assert.deepEqual(listed, [...program.commands.map((one) => one.name()), 'help']);
    const named = new Set(pages.flatMap(commandsOf).map(([first]) => first));
    assert.deepEqual(
      listed.filter((command) => command !== 'help' && !named.has(command)),
      [],
    );
  });

  it('has no dead link', () => assert.deepEqual(pages.flatMap(linkFaults), []));

  it('names the two commands that set everything up', () => {
    for (const command of ['npm ci && npm start', 'npm ci && npm test'])
      assert.ok(textOf('README.md').includes(`\n${command}\n`), command);
  });
});
