import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { spawnGuarded } from './guard.ts';
import { compareVersions, moduleDirectory } from './programs.ts';

const run = promisify(execFile);

/** The oldest Go that builds everything; a module's own `go` line may ask for more. */
const OLDEST_GO = '1.26.4';

/** `local`: never fetch another toolchain behind the user's back; a clear error names the version instead. */
const goEnvironment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  GOTOOLCHAIN: 'local',
  CGO_ENABLED: '0',
  GOFLAGS: '-trimpath -buildvcs=false',
  GOWORK: 'off',
});

/** Why Go cannot build this module here, or undefined when it can. */
export async function whyNoGo(module: string): Promise<string | undefined> {
  const goLine = /^go (\S+)$/m.exec(readFileSync(join(moduleDirectory(module), 'go.mod'), 'utf8'))?.[1] ?? OLDEST_GO;
  const wanted = compareVersions(goLine, OLDEST_GO) > 0 ? goLine : OLDEST_GO;
  try {
    const { stdout } = await run('go', ['env', 'GOVERSION'], { env: goEnvironment() });
    const found = stdout.trim().replace(/^go/, '');
    return compareVersions(found, wanted) >= 0 ? undefined : `Go ${found} is too old, ${wanted} or later is needed`;
  } catch {
    return `there is no Go on PATH, ${wanted} or later is needed`;
  }
}

export interface GoBuild {
  readonly module: string;
  readonly package: string;
  readonly tags: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  readonly output: string;
}

/** Answers the last lines of what Go said when it failed, undefined when it built. */
export function goBuild({ module, package: name, tags, variables, output }: GoBuild): {
  readonly command: string;
  readonly failure: Promise<string | undefined>;
} {
  const linkerFlags = ['-s', '-w', ...Object.entries(variables).map(([key, value]) => `-X ${key}=${value}`)].join(' ');
  const args = [
    'build',
    ...(tags.length > 0 ? ['-tags', tags.join(',')] : []),
    '-ldflags',
    linkerFlags,
    '-o',
    output,
    name,
  ];
  const child = spawnGuarded('go', args, { cwd: moduleDirectory(module), env: goEnvironment() });
  const lines: string[] = [];
  const keep = (chunk: Buffer) => {
    lines.push(...chunk.toString().split('\n').filter(Boolean));
    lines.splice(0, lines.length - 15);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  const failure = new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) =>
      resolve(code === 0 ? undefined : lines.join('\n') || `ended by ${signal ?? code}`),
    );
  });
  const quoted = args.map((arg) => (arg.includes(' ') ? `'${arg}'` : arg)).join(' ');
  return { command: `cd ${moduleDirectory(module)} && GOTOOLCHAIN=local CGO_ENABLED=0 go ${quoted}`, failure };
}

/** The directory of a dependency's source, downloaded if need be. */
export async function goSource(module: string, dependency: string): Promise<string> {
  const command = `go mod download -json ${dependency}`;
  try {
    const { stdout } = await run('go', ['mod', 'download', '-json', dependency], {
      cwd: moduleDirectory(module),
      env: goEnvironment(),
    });
    const source: { readonly Dir: string } = JSON.parse(stdout);
    return source.Dir;
  } catch (error) {
    throw new Error(`"${command}" failed in ${moduleDirectory(module)}: ${said(error)}`, { cause: error });
  }
}

/** `go mod download` writes its reason to stdout, as JSON. */
function said(error: unknown): string {
  const output = error instanceof Error && 'stdout' in error ? String(error.stdout).trim() : '';
  return output || String(error);
}
