import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { goSource, whyNoGo } from './go.ts';
import type { KubeObject } from './kube.ts';
import { withLock } from './lock.ts';
import { DEFINITION_SETS, pinnedVersion, type DefinitionSet } from './programs.ts';
import { buildLock, cacheDirectory, type OnProgress } from './provision.ts';

const cachedFile = (set: DefinitionSet): string =>
  join(cacheDirectory(), 'share', `${set.name}-${pinnedVersion(set)}`, 'definitions.json');

/**
 * Every custom resource definition the sandbox installs. They come out of the source of the program that serves
 * them, and are kept as JSON: parsing KEDA's megabyte of YAML would cost each start half a second.
 */
export async function provisionDefinitions(onProgress: OnProgress): Promise<readonly string[]> {
  const missing = DEFINITION_SETS.filter((set) => !existsSync(cachedFile(set)));
  if (missing.length > 0) {
    await withLock(
      buildLock(),
      () => onProgress('another process is building programs; waiting for it'),
      async () => {
        for (const set of missing) await extract(set, onProgress);
      },
    );
  }
  return DEFINITION_SETS.map(cachedFile);
}

export function readDefinitions(file: string): readonly KubeObject[] {
  return JSON.parse(readFileSync(file, 'utf8'));
}

async function extract(set: DefinitionSet, onProgress: OnProgress): Promise<void> {
  const file = cachedFile(set);
  if (existsSync(file)) return;
  const why = await whyNoGo(set.module);
  if (why !== undefined) {
    throw new Error(`the sandbox needs the resource definitions of ${set.name}: there is no ${file}, and ${why}`);
  }
  onProgress(`fetching the resource definitions of ${set.name} ${pinnedVersion(set)}`);
  const source = join(await goSource(set.module, set.dependency), set.directory);
  const names = readdirSync(source).filter((name) => set.files.test(name) && name !== 'kustomization.yaml');
  if (names.length === 0) throw new Error(`${source} has no resource definitions of ${set.name}`);
  const definitions: unknown[] = names.toSorted().map((name) => parse(readFileSync(join(source, name), 'utf8')));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, JSON.stringify(definitions));
  renameSync(`${file}.new`, file);
}
