import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';

interface Service {
  readonly image?: string;
  readonly ports?: readonly string[];
  readonly build?: { readonly dockerfile?: string };
}

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
// compose-spec.json is github.com/compose-spec/compose-go/v2@v2.16.2/schema/compose-spec.json, formatted and otherwise unchanged.
// Copyright 2020 The Compose Specification Authors, Apache License 2.0 (the text is in LICENSE).
const schema: object = JSON.parse(read('test/docs/compose-spec.json'));
const validate = new Ajv2020({ strict: false, allErrors: true }).compile(schema);
const faultsOf = (text: string) =>
  validate(parse(text, { merge: true }))
    ? []
    : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);

const compose = read('docker-compose.yml');
const { services } = parse(compose, { merge: true }) as { readonly services: Readonly<Record<string, Service>> };
const dockerfile = read('deploy/Dockerfile');

/** A version down to the patch: `16` or `latest` is another program next month. */
const PINNED = /:\d+\.\d+(\.\d+)?(-[a-z]+)*$/;

describe('docker-compose.yml', () => {
  it('keeps to the Compose Specification', () => assert.deepEqual(faultsOf(compose), []));

  it('would not, with a mistyped key or a wrong type', () => {
    assert.notDeepEqual(faultsOf(compose.replace('depends_on:', 'depend_on:')), []);
    assert.notDeepEqual(faultsOf(compose.replace('retries: 30', 'retries: [30]')), []);
    assert.notDeepEqual(faultsOf(compose.replace('condition: service_healthy', 'condition: service_ready')), []);
  });

  it('runs Temporal with PostgreSQL and its UI, and the worker', () => {
    assert.deepEqual(Object.keys(services), ['postgresql', 'temporal', 'temporal-ui', 'setup', 'worker']);
  });

  it('pins every image, and publishes ports on loopback only', () => {
    for (const [name, { image = '', ports = [] }] of Object.entries(services)) {
      assert.match(image, PINNED, `image of ${name}`);
      for (const port of ports) assert.match(port, /^127\.0\.0\.1:/, `port of ${name}`);
    }
  });

  it('builds the worker from a Dockerfile that is there, under the version of package.json', () => {
    const { version } = JSON.parse(read('package.json')) as { readonly version: string };
    const { worker } = services;
    assert.equal(worker?.image, `headroom:${version}`);
    assert.equal(worker?.build?.dockerfile, 'deploy/Dockerfile');
  });
});

describe('deploy/Dockerfile', () => {
  const instructions = dockerfile.split('\n').filter((line) => /^[A-Z]+ /.test(line));
  const images = instructions.filter((line) => line.startsWith('FROM ')).map((line) => line.split(' ')[1] ?? '');

  it('starts from the Node of package.json, pinned', () => {
    const { dependencies } = JSON.parse(read('package.json')) as { readonly dependencies: { readonly node: string } };
    assert.deepEqual([...new Set(images)], [`node:${dependencies.node}-bookworm-slim`]);
  });

  it('does not end as root', () => {
    assert.match(instructions.findLast((line) => line.startsWith('USER ')) ?? '', /^USER [1-9]\d*:[1-9]\d*$/);
  });

  it('copies every room that the build compiles', () => {
    const build = JSON.parse(read('tsconfig.build.json')) as { readonly include: readonly string[] };
    for (const room of build.include) assert.ok(instructions.includes(`COPY ${room} ./${room}`), room);
  });
});
