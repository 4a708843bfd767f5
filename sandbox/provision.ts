import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { goBuild, whyNoGo } from './go.ts';
import { withLock } from './lock.ts';
import { isInRange, pinnedVersion, programVersion, PROGRAMS, type Program, type ProgramName } from './programs.ts';

export type OnProgress = (line: string) => void;

export interface ResolvedProgram {
  readonly name: string;
  readonly path: string;
  readonly version: string;
}

const run = promisify(execFile);

/** `${XDG_CACHE_HOME:-~/.cache}/headroom`: programs in `bin/`, resource definitions in `share/`. */
export const cacheDirectory = (): string =>
  join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'headroom');

const binDirectory = (): string => join(cacheDirectory(), 'bin');
const cachedPath = (program: Program): string => join(binDirectory(), `${program.name}-${pinnedVersion(program)}`);
export const buildLock = (): string => join(cacheDirectory(), '.build.lock');

export const settingOf = (name: string): string => `HEADROOM_${name.toUpperCase().replaceAll('-', '_')}_BIN`;

/**
 * Finds every named program, building what is missing. First hit wins: the explicit setting, the cache, PATH when
 * the version will do, Go. A cached file bears its version in its name, and got that name only after it was asked.
 */
export async function provision(
  names: readonly ProgramName[],
  onProgress: OnProgress,
): Promise<Readonly<Record<string, ResolvedProgram>>> {
  const programs = PROGRAMS.filter(({ name }) => names.includes(name));
  const found = await Promise.all(programs.map(async (program) => ({ program, hit: await findProgram(program) })));
  const resolved = new Map(found.flatMap(({ hit }) => (hit.program ? [[hit.program.name, hit.program]] : [])));
  const missing = found.filter(({ hit }) => hit.program === undefined);
  if (missing.length > 0) {
    const waiting = () => onProgress('another process is building programs; waiting for it');
    await withLock(buildLock(), waiting, async () => {
      for (const [index, { program, hit }] of missing.entries()) {
        const progress = `${index + 1} of ${missing.length}`;
        resolved.set(program.name, await buildProgram({ program, tried: hit.tried, progress, onProgress }));
      }
    });
  }
  return Object.fromEntries(resolved);
}

interface Search {
  readonly program?: ResolvedProgram;
  /** What was looked at and why it would not do, for the error that may follow. */
  readonly tried: readonly string[];
}

export async function findProgram(program: Program): Promise<Search> {
  const { name } = program;
  const explicit = process.env[settingOf(name)];
  if (explicit) return { program: await checkExplicit(program, explicit), tried: [] };
  const cached = cachedPath(program);
  if (existsSync(cached)) return { program: { name, path: cached, version: programVersion(program) }, tried: [] };
  const tried = [`${settingOf(name)} is not set`, `there is no ${cached}`];
  const path = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find(isExecutable);
  if (path === undefined) return { tried: [...tried, `there is no ${name} on PATH`] };
  const version = await askVersion(program, path);
  if (version !== undefined && isInRange(version, program.range)) return { program: { name, path, version }, tried };
  return { tried: [...tried, `${path} is ${version ?? 'of unknown version'}, not ${rangeText(program)}`] };
}

async function checkExplicit(program: Program, path: string): Promise<ResolvedProgram> {
  const setting = `${settingOf(program.name)}=${path}`;
  if (!isExecutable(path)) throw new Error(`${setting} is not an executable file`);
  const version = await askVersion(program, path);
  if (version !== undefined && isInRange(version, program.range)) return { name: program.name, path, version };
  throw new Error(`${setting} is ${version ?? 'of unknown version'}, but the sandbox needs ${rangeText(program)}`);
}

const rangeText = (program: Program): string =>
  `${programVersion(program)} (from ${program.range[0]}, before ${program.range[1]})`;

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Undefined when the program does not answer, or answers something else. */
async function askVersion({ versionArgs, dependency }: Program, path: string): Promise<string | undefined> {
  try {
    if (versionArgs === undefined) return findBuiltVersion(await readFile(path), dependency);
    const { stdout, stderr } = await run(path, [...versionArgs], { timeout: 20_000 });
    return /(\d+\.\d+\.\d+)/.exec(stdout + stderr)?.[1];
  } catch {
    return undefined;
  }
}

/** Go writes the modules that a program was built from into it, as lines of text; and the linker's variables, unless told not to. */
function findBuiltVersion(file: Buffer, dependency: string): string | undefined {
  const marks = [`\t${dependency}\tv`, `${dependency}/version.Version=`];
  const found = marks.map((mark) => ({ mark, at: file.indexOf(mark) })).find(({ at }) => at >= 0);
  if (found === undefined) return undefined;
  const start = found.at + found.mark.length;
  return /^v?(\d+\.\d+\.\d+)/.exec(file.toString('latin1', start, start + 30))?.[1];
}

interface Build {
  readonly program: Program;
  readonly tried: readonly string[];
  readonly progress: string;
  readonly onProgress: OnProgress;
}

async function buildProgram({ program, tried, progress, onProgress }: Build): Promise<ResolvedProgram> {
  const { name } = program;
  const version = programVersion(program);
  const built = { name, path: cachedPath(program), version };
  if (existsSync(built.path)) return built; // whoever had the lock before us built it
  const why = await whyNoGo(program.module);
  if (why !== undefined) throw new Error(notFound(program, [...tried, why]));
  sweepUnfinished();
  const label = `${name} ${version} (${progress})`;
  onProgress(`building ${label}: about ${minutes(program.buildSeconds)} on two cores`);
  const startedMs = Date.now();
  const elapsed = () => minutes(Math.round((Date.now() - startedMs) / 1000));
  const ticker = setInterval(() => onProgress(`building ${label}: ${elapsed()} so far`), 15_000);
  try {
    await buildInto(program, built.path);
  } finally {
    clearInterval(ticker);
  }
  onProgress(`built ${label} in ${elapsed()}`);
  return built;
}

/** Built beside its final name and renamed once it has proved its version: a file in the cache is whole and right. */
async function buildInto(program: Program, path: string): Promise<void> {
  const unfinished = join(binDirectory(), `.building-${program.name}-${process.pid}`);
  mkdirSync(binDirectory(), { recursive: true });
  const { command, failure } = goBuild({
    module: program.module,
    package: program.package,
    tags: program.tags ?? [],
    variables: program.versionVariables?.(pinnedVersion(program)) ?? {},
    output: unfinished,
  });
  const lastLines = await failure;
  if (lastLines !== undefined) throw new Error(`building ${program.name} failed\n  ${command}\n${indent(lastLines)}`);
  const version = await askVersion(program, unfinished);
  if (version !== programVersion(program)) {
    rmSync(unfinished);
    throw new Error(`the freshly built ${program.name} says ${version}, not ${programVersion(program)}\n  ${command}`);
  }
  renameSync(unfinished, path);
}

/** Leftovers of builds that were killed. Only under the lock, where no other build is alive. */
function sweepUnfinished(): void {
  if (!existsSync(binDirectory())) return;
  for (const file of readdirSync(binDirectory())) {
    if (file.startsWith('.building-')) rmSync(join(binDirectory(), file), { force: true });
  }
}

function notFound(program: Program, tried: readonly string[]): string {
  return [
    `the sandbox needs ${program.name} ${rangeText(program)} and could not get it:`,
    ...tried.map((line) => `  - ${line}`),
    `what would help: install Go, or put ${program.name} on PATH, or set ${settingOf(program.name)} to its path`,
  ].join('\n');
}

const indent = (text: string): string => text.replaceAll(/^/gm, '    ');

function minutes(seconds: number): string {
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
