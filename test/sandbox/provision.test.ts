import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { pinnedVersion, programVersion, PROGRAMS } from '../../sandbox/programs.ts';
import { provision, settingOf } from '../../sandbox/provision.ts';

const etcd = PROGRAMS[0];
const root = mkdtempSync(join(tmpdir(), 'headroom-provision-'));
const cache = join(root, 'cache');
const bin = join(root, 'bin');
const built = join(cache, 'headroom', 'bin', `etcd-${pinnedVersion(etcd)}`);
const goCalls = join(root, 'go-calls');

/** A program that says its version, and nothing else. */
function put(path: string, script: string): void {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}

const putEtcd = (path: string, version: string) => put(path, `echo "etcd Version: ${version}"`);

/** A Go that takes a moment, and "builds" a script; `$5` is the path behind `-o`. */
function putGo(builds: string, goVersion = 'go1.26.8'): void {
  const build = `echo "$@" >> ${goCalls}; sleep 0.3; ${builds}`;
  put(join(bin, 'go'), `case "$1" in env) echo ${goVersion};; build) ${build};; esac`);
}

const BUILDS_ETCD = `printf '#!/bin/sh\\necho etcd Version: ${programVersion(etcd)}\\n' > "$5"; chmod +x "$5"`;

const search = (lines: string[] = []) => provision(['etcd'], (line) => lines.push(line));

beforeEach(() => {
  rmSync(root, { recursive: true, force: true });
  mkdirSync(bin, { recursive: true });
  process.env['XDG_CACHE_HOME'] = cache;
  process.env['PATH'] = `${bin}:/bin`;
  delete process.env[settingOf('etcd')];
});
after(() => rmSync(root, { recursive: true, force: true }));

describe('finding a program that cannot be asked for its version', () => {
  const file = join(root, 'mine');
  const searchKeda = () => provision(['keda-operator'], () => undefined);
  const rows: readonly (readonly [name: string, content: string, version: string | undefined])[] = [
    ['a build of ours', '\0dep\tgithub.com/kedacore/keda/v2\tv2.19.1\th1:SR60v8\n\0', '2.19.1'],
    ['a build of its project', '\0build\t-ldflags="-X=github.com/kedacore/keda/v2/version.Version=2.18.3"\n', '2.18.3'],
    ['one that is too old', '\0dep\tgithub.com/kedacore/keda/v2\tv2.17.0\th1:SR60v8\n\0', undefined],
    ['one that says nothing', '\0dep\tgithub.com/kedacore/http-add-on\tv0.10.0\n', undefined],
  ];
  for (const [name, content, version] of rows) {
    it(`reads what Go wrote into it: ${name}`, async () => {
      put(file, content);
      process.env[settingOf('keda-operator')] = file;
      const found = searchKeda();
      if (version === undefined)
        await assert.rejects(found, /mine is .*, but the sandbox needs 2\.\d+\.\d+ \(from 2\.18\.0/);
      else assert.deepEqual(await found, { 'keda-operator': { name: 'keda-operator', path: file, version } });
      delete process.env[settingOf('keda-operator')];
    });
  }
});

describe('finding a program', () => {
  it('takes the explicit setting first', async () => {
    putEtcd(join(root, 'mine'), '3.6.1');
    putEtcd(built, programVersion(etcd));
    process.env[settingOf('etcd')] = join(root, 'mine');
    assert.deepEqual(await search(), { etcd: { name: 'etcd', path: join(root, 'mine'), version: '3.6.1' } });
  });

  it('refuses an explicit one of another version instead of passing it over', async () => {
    putEtcd(join(root, 'mine'), '3.4.23');
    process.env[settingOf('etcd')] = join(root, 'mine');
    await assert.rejects(search(), /HEADROOM_ETCD_BIN=.*mine is 3\.4\.23, but the sandbox needs 3\.6\.\d+/);
  });

  it('refuses an explicit one that is not there', async () => {
    process.env[settingOf('etcd')] = join(root, 'nothing');
    await assert.rejects(search(), /HEADROOM_ETCD_BIN=.*nothing is not an executable file/);
  });

  it('takes the cache before PATH', async () => {
    putEtcd(built, programVersion(etcd));
    putEtcd(join(bin, 'etcd'), '3.5.9');
    assert.equal((await search())['etcd']?.path, built);
  });

  it('takes one on PATH whose version is in range', async () => {
    putEtcd(join(bin, 'etcd'), '3.5.9');
    assert.deepEqual(await search(), { etcd: { name: 'etcd', path: join(bin, 'etcd'), version: '3.5.9' } });
  });

  it('names the program, what was looked for and what would help, when nothing will do', async () => {
    putEtcd(join(bin, 'etcd'), '3.4.23');
    await assert.rejects(search(), (error: Error) => {
      for (const part of [
        'needs etcd 3.6',
        'HEADROOM_ETCD_BIN is not set',
        built,
        '3.4.23',
        'no Go on PATH',
        'install Go',
      ]) {
        assert.ok(error.message.includes(part), `"${part}" is missing in: ${error.message}`);
      }
      return true;
    });
  });
});

describe('building a program', () => {
  it('puts it into the cache, with progress, and finds it there the next time', async () => {
    putGo(BUILDS_ETCD);
    const lines: string[] = [];
    assert.equal((await search(lines))['etcd']?.path, built);
    assert.match(lines[0] ?? '', /^building etcd 3\.6\.\d+ \(1 of 1\): about 28 s on two cores$/);
    assert.match(lines[1] ?? '', /^built etcd/);
    putGo('exit 1');
    assert.equal((await search())['etcd']?.path, built);
  });

  it('names the command and its last lines when it fails, and leaves nothing in the cache', async () => {
    putGo('echo compiling >&2; echo "undefined: frobnicate" >&2; exit 1');
    await assert.rejects(search(), /building etcd failed[^]*go build [^]*go\.etcd\.io\/etcd[^]*undefined: frobnicate/);
    assert.equal(existsSync(built), false);
  });

  it('does not keep one that says another version', async () => {
    putGo(`printf '#!/bin/sh\\necho 1.2.3\\n' > "$5"; chmod +x "$5"`);
    await assert.rejects(search(), /freshly built etcd says 1\.2\.3/);
    assert.deepEqual(readdirSync(join(cache, 'headroom', 'bin')), []);
  });

  it('refuses a Go that is too old, naming both versions', async () => {
    putGo(BUILDS_ETCD, 'go1.25.1');
    await assert.rejects(search(), /Go 1\.25\.1 is too old, 1\.26\.4 or later is needed/);
  });

  it('sweeps what a killed build left, and takes its lock over', async () => {
    putGo(BUILDS_ETCD);
    mkdirSync(join(cache, 'headroom', 'bin'), { recursive: true });
    writeFileSync(join(cache, 'headroom', 'bin', '.building-etcd-1'), 'half');
    const first = spawnSearch();
    while (!existsSync(goCalls)) await new Promise((resolve) => setTimeout(resolve, 20));
    first.kill('SIGKILL');
    await once(first, 'exit');
    await search();
    assert.deepEqual(readdirSync(join(cache, 'headroom', 'bin')), [`etcd-${pinnedVersion(etcd)}`]);
  });

  it('happens once when two processes want it at the same time', async () => {
    putGo(BUILDS_ETCD);
    const searches = [spawnSearch(), spawnSearch()];
    const codes = await Promise.all(searches.map(async (child) => (await once(child, 'exit'))[0]));
    assert.deepEqual(codes, [0, 0]);
    assert.equal(readFileSync(goCalls, 'utf8').trim().split('\n').length, 1);
  });
});

function spawnSearch() {
  const module = new URL('../../sandbox/provision.ts', import.meta.url).href;
  const source = `import { provision } from '${module}'; await provision(['etcd'], () => {});`;
  return spawn(process.execPath, ['--input-type=module', '--eval', source], { stdio: 'ignore' });
}
