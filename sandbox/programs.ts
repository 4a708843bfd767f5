import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Modules that pin what the sandbox runs: `sandbox/programs/<module>/go.mod`. */
type GoModule = 'etcd' | 'kubernetes' | 'metrics-server' | 'prometheus' | 'temporal' | 'keda' | 'alertmanager';

export interface Program {
  readonly name: string;
  readonly module: GoModule;
  /** The Go package to build; also a `tool` line of the module. */
  readonly package: string;
  /** The dependency whose version is this program's. */
  readonly dependency: string;
  /** What `--version` of the program is to say, where that is not the dependency's version. */
  readonly ownVersion?: (version: string) => string;
  /** Other versions that will do when found on PATH or named explicitly: from (inclusive) to (exclusive). */
  readonly range: readonly [from: string, to: string];
  /** Absent: it has no such option, and what Go wrote into the file is read instead. */
  readonly versionArgs?: readonly string[];
  readonly tags?: readonly string[];
  /** Go variables that carry the version: without them the program says "unknown" or v0.0.0. */
  readonly versionVariables?: (version: string) => Readonly<Record<string, string>>;
  /** From an empty build cache, on two cores. */
  readonly buildSeconds: number;
}

const kubernetes = <Name extends string>(name: Name, buildSeconds: number): Program & { readonly name: Name } => ({
  name,
  module: 'kubernetes',
  package: `k8s.io/kubernetes/cmd/${name}`,
  dependency: 'k8s.io/kubernetes',
  range: ['1.33.0', '1.38.0'],
  versionArgs: name === 'kubectl' ? ['version', '--client'] : ['--version'],
  versionVariables: (version) => ({
    'k8s.io/component-base/version.gitVersion': version,
    'k8s.io/component-base/version.gitMajor': version.slice(1).split('.')[0] ?? '',
    'k8s.io/component-base/version.gitMinor': version.split('.')[1] ?? '',
    'k8s.io/client-go/pkg/version.gitVersion': version,
  }),
  buildSeconds,
});

/** Go modules count Prometheus 3.16.0 as v0.316.0, because a v3 would need another import path. */
const prometheusVersion = (version: string): string => {
  const [, minor = '', patch = ''] = version.split('.');
  return `${Number(minor.slice(0, -2))}.${Number(minor.slice(-2))}.${patch}`;
};

const prometheus = <Name extends string>(name: Name, buildSeconds: number): Program & { readonly name: Name } => ({
  name,
  module: 'prometheus',
  package: `github.com/prometheus/prometheus/cmd/${name}`,
  dependency: 'github.com/prometheus/prometheus',
  ownVersion: prometheusVersion,
  range: ['2.42.0', '4.0.0'],
  versionArgs: ['--version'],
  // drops every cloud's discovery, half of the build; static, file and HTTP discovery stay
  tags: ['remove_all_sd'],
  versionVariables: (version) => ({ 'github.com/prometheus/common/version.Version': prometheusVersion(version) }),
  buildSeconds,
});

const keda = <Name extends string>(
  name: Name,
  command: string,
  buildSeconds: number,
): Program & { readonly name: Name } => ({
  name,
  module: 'keda',
  package: `github.com/kedacore/keda/v2/cmd/${command}`,
  dependency: 'github.com/kedacore/keda/v2',
  // the first that can freeze scale-in
  range: ['2.18.0', '3.0.0'],
  // KEDA stamps it on the HPAs that it makes, where headroom reads whether it can freeze
  versionVariables: (version) => ({ 'github.com/kedacore/keda/v2/version.Version': version.slice(1) }),
  buildSeconds,
});

/** Everything the sandbox can run; the order is the order of the builds. */
export const PROGRAMS = [
  {
    name: 'etcd',
    module: 'etcd',
    package: 'go.etcd.io/etcd/server/v3',
    dependency: 'go.etcd.io/etcd/server/v3',
    range: ['3.5.0', '3.8.0'],
    versionArgs: ['--version'],
    buildSeconds: 28,
  },
  kubernetes('kube-apiserver', 200),
  kubernetes('kube-controller-manager', 50),
  kubernetes('kube-scheduler', 20),
  {
    name: 'kwok',
    module: 'kubernetes',
    package: 'sigs.k8s.io/kwok/cmd/kwok',
    dependency: 'sigs.k8s.io/kwok',
    range: ['0.7.0', '0.9.0'],
    versionArgs: ['--version'],
    versionVariables: (version) => ({ 'sigs.k8s.io/kwok/pkg/consts.Version': version.slice(1) }),
    buildSeconds: 40,
  },
  {
    name: 'metrics-server',
    module: 'metrics-server',
    package: 'sigs.k8s.io/metrics-server/cmd/metrics-server',
    dependency: 'sigs.k8s.io/metrics-server',
    range: ['0.7.0', '0.10.0'],
    versionArgs: ['--version'],
    versionVariables: (version) => ({ 'k8s.io/client-go/pkg/version.gitVersion': version }),
    buildSeconds: 100,
  },
  {
    name: 'temporal',
    module: 'temporal',
    package: 'github.com/temporalio/cli/cmd/temporal',
    dependency: 'github.com/temporalio/cli',
    range: ['1.3.0', '2.0.0'],
    versionArgs: ['--version'],
    versionVariables: (version) => ({ 'github.com/temporalio/cli/temporalcli.Version': version.slice(1) }),
    buildSeconds: 150,
  },
  prometheus('prometheus', 120),
  kubernetes('kubectl', 20),
  prometheus('promtool', 10),
  keda('keda-operator', 'operator', 232),
  keda('keda-webhooks', 'webhooks', 10),
  keda('keda-adapter', 'adapter', 70),
  {
    name: 'alertmanager',
    module: 'alertmanager',
    package: 'github.com/prometheus/alertmanager/cmd/alertmanager',
    // later ones embed a web page that their module does not hold, and cannot be built from it
    dependency: 'github.com/prometheus/alertmanager',
    range: ['0.25.0', '1.0.0'],
    versionArgs: ['--version'],
    versionVariables: (version) => ({ 'github.com/prometheus/common/version.Version': version.slice(1) }),
    buildSeconds: 42,
  },
] as const satisfies readonly Program[];

export type ProgramName = (typeof PROGRAMS)[number]['name'];

/** Custom resource definitions, taken from the source of the program that serves them. */
export interface DefinitionSet {
  readonly name: string;
  readonly module: GoModule;
  readonly dependency: string;
  /** Directory inside of the dependency. */
  readonly directory: string;
  readonly files: RegExp;
}

export const DEFINITION_SETS: readonly DefinitionSet[] = [
  {
    name: 'kwok',
    module: 'kubernetes',
    dependency: 'sigs.k8s.io/kwok',
    directory: 'kustomize/crd/bases',
    files: /_(stages|metrics|resourceusages|clusterresourceusages)\.yaml$/,
  },
  {
    name: 'keda',
    module: 'keda',
    dependency: 'github.com/kedacore/keda/v2',
    directory: 'config/crd/bases',
    files: /\.yaml$/,
  },
];

export const moduleDirectory = (module: string): string => join(import.meta.dirname, 'programs', module);

/** The pinned version as Go writes it (`v1.36.3`), read from the go.mod: there is no second place to update. */
export function pinnedVersion({ module, dependency }: Pick<Program, 'module' | 'dependency'>): string {
  const file = join(moduleDirectory(module), 'go.mod');
  const version = readFileSync(file, 'utf8')
    .split('\n')
    .map((line) =>
      line
        .trim()
        .replace(/^require /, '')
        .split(' '),
    )
    .find(([path, version]) => path === dependency && version?.startsWith('v'))?.[1];
  if (version === undefined) throw new Error(`${file} requires no ${dependency}`);
  return version;
}

/** The program's own version, without a `v`. */
export function programVersion(program: Program): string {
  const version = pinnedVersion(program);
  return program.ownVersion?.(version) ?? version.replace(/^v/, '');
}

export function isInRange(version: string, [from, to]: readonly [string, string]): boolean {
  return compareVersions(version, from) >= 0 && compareVersions(version, to) < 0;
}

export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.replace(/^v/, '').split(/[.+-]/).slice(0, 3).map(Number));
  for (const index of [0, 1, 2]) {
    const difference = (left?.[index] ?? 0) - (right?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
