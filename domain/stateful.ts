import type { WorkloadPolicy } from './policy.ts';
import type { StatefulFacts, WorkloadState } from './workload.ts';

/** What scaling a StatefulSet does besides (R31): a database gains nothing by a pod, and a scale-down may delete data. */

const PRODUCTS = [
  'postgres',
  'postgresql',
  'spilo',
  'timescaledb',
  'mysql',
  'mariadb',
  'percona',
  'redis',
  'valkey',
  'keydb',
  'dragonfly',
  'memcached',
  'mongo',
  'mongod',
  'mongodb',
  'cassandra',
  'scylla',
  'cockroach',
  'cockroachdb',
  'kafka',
  'redpanda',
  'zookeeper',
  'rabbitmq',
  'etcd',
  'consul',
  'vault',
  'elasticsearch',
  'opensearch',
  'clickhouse',
  'neo4j',
  'influxdb',
  'couchdb',
  'minio',
];
/** What distributors add to a product's name; any other word makes it something else: an exporter, a consumer, a proxy. */
const EDITIONS = [
  'cluster',
  'community',
  'db',
  'enterprise',
  'fips',
  'galera',
  'ha',
  'kraft',
  'mongodb',
  'node',
  'oss',
  'repmgr',
  'replica',
  'server',
  'sharded',
  'stack',
  'xtradb',
];
const DATABASE = new RegExp(`^(?:cp-)?(${PRODUCTS.join('|')})(?:-(?:${EDITIONS.join('|')}|v?\\d[\\d.]*))*$`);

/** Labels by which charts and operators say what they run. */
const TELLING_LABELS = ['app.kubernetes.io/name', 'app.kubernetes.io/component', 'app', 'k8s-app', 'application'];

/** 'redis (image redis:7.2)', or undefined when it does not look like a database. */
export function findDatabase({ images, labels }: Pick<StatefulFacts, 'images' | 'labels'>): string | undefined {
  const image = images.find((one) => productOf(repositoryOf(one)) !== undefined);
  if (image !== undefined) return `${productOf(repositoryOf(image))} (image ${image})`;
  const label = TELLING_LABELS.find((key) => productOf(labels[key] ?? '') !== undefined);
  return label === undefined ? undefined : `${productOf(labels[label] ?? '')} (label ${label}: ${labels[label]})`;
}

function productOf(name: string): string | undefined {
  return DATABASE.exec(name.toLowerCase())?.[1];
}

/** 'registry:5000/bitnami/redis:7.2@sha256:…' → 'redis' */
function repositoryOf(image: string): string {
  return image.replace(/@.*$/, '').split('/').at(-1)?.replace(/:.*$/, '') ?? '';
}

/** What policy has to allow by name before such a StatefulSet is scaled. */
export function statefulFaults(
  { name, refuse, stateful }: Pick<WorkloadPolicy, 'name' | 'refuse' | 'stateful'>,
  { ref, stateful: facts }: Pick<WorkloadState, 'ref' | 'stateful'>,
): readonly string[] {
  if (facts === undefined) return [];
  const database = findDatabase(facts);
  const asksForDatabase = database !== undefined && refuse === undefined && stateful?.allowDatabase !== true;
  const deletes = facts.whenScaled === 'Delete' && facts.claims.length > 0 && stateful?.allowVolumeDeletion !== true;
  return [
    ...(asksForDatabase
      ? [
          `${name} looks like a database, ${database}: one more pod neither moves its data nor joins by itself; use its operator, or set workloads.${name}.stateful.allowDatabase: true`,
        ]
      : []),
    ...(deletes
      ? [
          `StatefulSet ${ref.namespace}/${ref.object} deletes volumes when it is scaled down (persistentVolumeClaimRetentionPolicy.whenScaled: Delete), so giving the capacity back deletes what the added pods have stored in ${facts.claims.join(', ')}; set it to Retain, or set workloads.${name}.stateful.allowVolumeDeletion: true`,
        ]
      : []),
  ];
}

/** What a plan says of the way up and the way back. */
export function statefulWarnings(
  { ref, stateful, wantedReplicas }: Pick<WorkloadState, 'ref' | 'stateful' | 'wantedReplicas'>,
  target: number,
): readonly string[] {
  if (stateful === undefined || target <= wantedReplicas) return [];
  const podAt = (place: number) => `${ref.object}-${stateful.firstOrdinal + place}`;
  const [first, last] = [podAt(wantedReplicas), podAt(target - 1)];
  const volumes =
    stateful.claims.length === 0 || stateful.whenScaled === 'Delete' ? '' : '; their volumes stay, and are used again';
  return [
    ...(stateful.ordered && target - wantedReplicas > 1
      ? [
          `${ref.object} is OrderedReady: ${first} to ${last} start one after the other, each when the one before is ready`,
        ]
      : []),
    `giving the capacity back removes the highest ordinals, ${last === first ? first : `${last} down to ${first}`}, whatever they are at${volumes}`,
  ];
}
