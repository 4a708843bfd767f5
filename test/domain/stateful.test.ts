import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findDatabase, statefulFaults, statefulWarnings } from '../../domain/stateful.ts';
import type { StatefulFacts, WorkloadRef } from '../../domain/workload.ts';

const ref: WorkloadRef = { name: 'cache', namespace: 'shop', kind: 'StatefulSet', object: 'shop-cache' };
function facts(of: Partial<StatefulFacts> = {}): StatefulFacts {
  const plain = { images: ['shop/api:3'], labels: {}, claims: [], firstOrdinal: 0 };
  return { ...plain, ordered: true, whenScaled: 'Retain', ...of };
}

describe('telling a database from its images and labels', () => {
  const databases = [
    'postgres:17',
    'docker.io/bitnami/postgresql:17.2.0-debian-12-r0',
    'bitnami/postgresql-repmgr',
    'ghcr.io/zalando/spilo-15:3.0-p1',
    'timescale/timescaledb-ha:pg16',
    'mysql',
    'mysql/mysql-server:8.0',
    'bitnami/mariadb-galera:11',
    'percona/percona-server-mongodb:7.0',
    'percona/percona-xtradb-cluster:8.0',
    'redis:7.2-alpine',
    'registry.example.com:5000/mirror/redis@sha256:0123456789abcdef',
    'bitnami/redis-cluster:7.2',
    'redis/redis-stack-server:7.4',
    'valkey/valkey:8',
    'mongo:7',
    'mongodb/mongodb-community-server:7.0',
    'cassandra:5',
    'scylladb/scylla:6',
    'cockroachdb/cockroach:v24',
    'quay.io/strimzi/kafka:0.45.0-kafka-3.9.0',
    'confluentinc/cp-kafka:7.7',
    'zookeeper:3.9',
    'rabbitmq:4-management',
    'quay.io/coreos/etcd:v3.5.9',
    'docker.elastic.co/elasticsearch/elasticsearch:8.15.0',
    'opensearchproject/opensearch:2',
    'clickhouse/clickhouse-server:24',
  ];
  for (const image of databases) {
    it(`takes ${image} for one`, () =>
      assert.match(findDatabase(facts({ images: ['shop/agent:1', image] })) ?? '', /image/));
  }

  const others = [
    'shop/api:3',
    'shop/kafka-consumer:1',
    'confluentinc/cp-kafka-connect:7.7',
    'oliver006/redis_exporter:v1',
    'prometheuscommunity/postgres-exporter',
    'edoburu/pgbouncer',
    'redis/redisinsight',
    'postgres/agent:1',
    'registry.example.com/mysql/backup:2',
    '',
  ];
  for (const image of others) {
    it(`does not take '${image}' for one`, () => assert.equal(findDatabase(facts({ images: [image] })), undefined));
  }

  it('takes the label of a chart for a sign, whatever the image is called', () => {
    const found = (labels: Readonly<Record<string, string>>) => findDatabase(facts({ labels }));
    assert.equal(
      found({ 'app.kubernetes.io/name': 'postgresql' }),
      'postgresql (label app.kubernetes.io/name: postgresql)',
    );
    assert.equal(found({ app: 'redis-cluster' }), 'redis (label app: redis-cluster)');
    assert.equal(found({ application: 'spilo' }), 'spilo (label application: spilo)');
    assert.equal(found({ 'app.kubernetes.io/part-of': 'kafka', app: 'kafka-consumer' }), undefined);
  });
});

describe('refusing to scale a StatefulSet by its count', () => {
  const faults = (stateful: StatefulFacts | undefined, of: Partial<Parameters<typeof statefulFaults>[0]> = {}) =>
    statefulFaults({ name: 'cache', ...of }, { ref, ...(stateful && { stateful }) });
  const redis = facts({ images: ['redis:7'] });
  const deleting = facts({ whenScaled: 'Delete', claims: ['data'] });
  const allowing = (allowDatabase: boolean, allowVolumeDeletion: boolean) => ({
    stateful: { allowDatabase, allowVolumeDeletion },
  });

  it('has nothing against one that is no database and keeps its volumes, nor against a Deployment', () => {
    assert.deepEqual([faults(facts()), faults(undefined)], [[], []]);
  });
  it('refuses a database, and names the setting that allows it', () => {
    assert.deepEqual(faults(redis), [
      'cache looks like a database, redis (image redis:7): one more pod neither moves its data nor joins by itself; use its operator, or set workloads.cache.stateful.allowDatabase: true',
    ]);
    assert.deepEqual(faults(redis, allowing(true, false)), []);
    assert.equal(faults(redis, allowing(false, true)).length, 1);
  });
  it('leaves it to the reason that policy gives by itself', () => {
    assert.deepEqual(faults(redis, { refuse: 'Redis does not move its slots' }), []);
  });
  it('refuses one whose volumes go with its pods, and names the setting that allows it', () => {
    const [fault, ...more] = faults(deleting);
    assert.deepEqual(more, []);
    assert.match(
      fault ?? '',
      /^StatefulSet shop\/shop-cache deletes volumes .*whenScaled: Delete.* stored in data; .*workloads\.cache\.stateful\.allowVolumeDeletion: true$/,
    );
    assert.deepEqual(faults(deleting, allowing(false, true)), []);
    assert.equal(faults(deleting, allowing(true, false)).length, 1);
  });
  it('has nothing against Delete where there is no volume', () => {
    assert.deepEqual(faults(facts({ whenScaled: 'Delete' })), []);
  });
  it('names both at once', () => {
    assert.equal(faults({ ...deleting, images: ['redis:7'] }).length, 2);
  });
});

describe('warning of what scaling a StatefulSet does', () => {
  const warnings = (target: number, of: Partial<StatefulFacts> = {}) =>
    statefulWarnings({ ref, wantedReplicas: 3, stateful: facts(of) }, target);

  it('names the pods that start one after the other, and those that go when the capacity is given back', () => {
    assert.deepEqual(warnings(6), [
      'shop-cache is OrderedReady: shop-cache-3 to shop-cache-5 start one after the other, each when the one before is ready',
      'giving the capacity back removes the highest ordinals, shop-cache-5 down to shop-cache-3, whatever they are at',
    ]);
  });
  it('names the one pod where it is one', () => {
    assert.deepEqual(warnings(4), [
      'giving the capacity back removes the highest ordinals, shop-cache-3, whatever they are at',
    ]);
  });
  it('counts from the first ordinal, and says that volumes stay', () => {
    const [warning, ...more] = warnings(5, { ordered: false, firstOrdinal: 10, claims: ['data'] });
    assert.deepEqual(more, []);
    assert.match(
      warning ?? '',
      /shop-cache-14 down to shop-cache-13, whatever they are at; their volumes stay, and are used again$/,
    );
  });
  it('says nothing where no pod comes, nor of a Deployment', () => {
    assert.deepEqual([warnings(3), warnings(2), statefulWarnings({ ref, wantedReplicas: 3 }, 9)], [[], [], []]);
  });
});
