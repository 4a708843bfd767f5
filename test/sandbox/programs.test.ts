import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  compareVersions,
  DEFINITION_SETS,
  isInRange,
  moduleDirectory,
  pinnedVersion,
  programVersion,
  PROGRAMS,
} from '../../sandbox/programs.ts';

describe('pinning programs', () => {
  for (const program of PROGRAMS) {
    it(`takes the version of ${program.name} and its tool line from the go.mod`, () => {
      const text = readFileSync(join(moduleDirectory(program.module), 'go.mod'), 'utf8');
      assert.ok(text.includes(`${program.dependency} ${pinnedVersion(program)}`));
      assert.match(text, new RegExp(String.raw`^(tool |\t)${RegExp.escape(program.package)}$`, 'm'));
    });

    it(`accepts the pinned ${program.name} by its own range`, () => {
      assert.ok(isInRange(programVersion(program), program.range));
    });
  }

  it('knows the module version of the definitions', () => {
    for (const set of DEFINITION_SETS) assert.match(pinnedVersion(set), /^v\d+\.\d+\.\d+$/);
  });

  it('reads the version of Prometheus out of its module version', () => {
    const prometheus = PROGRAMS.find(({ name }) => name === 'prometheus');
    assert.ok(prometheus);
    const [, major, minor] = /^v0\.(\d)(\d\d)\./.exec(pinnedVersion(prometheus)) ?? [];
    assert.ok(programVersion(prometheus).startsWith(`${major}.${Number(minor)}.`));
  });
});

describe('comparing versions', () => {
  it('counts, and does not spell', () => {
    assert.ok(compareVersions('1.26.10', '1.26.9') > 0);
    assert.ok(compareVersions('v1.9.0', '1.10.0') < 0);
    assert.equal(compareVersions('v1.36.3', '1.36.3'), 0);
  });

  it('ends a range before its upper bound', () => {
    assert.equal(isInRange('3.8.0', ['3.5.0', '3.8.0']), false);
    assert.equal(isInRange('3.7.99', ['3.5.0', '3.8.0']), true);
  });
});
