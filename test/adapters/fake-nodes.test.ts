import { describeEvictionPort } from '../contracts/eviction-port.ts';
import { describeNodePort } from '../contracts/node-port.ts';
import type { NodeWorld } from '../contracts/node-world.ts';
import { FakeNodes } from '../fakes/nodes.ts';

async function open(): Promise<NodeWorld> {
  const fake = new FakeNodes();
  const apps = new Map<string, string>();
  const count = (app: string) => fake.count(app);
  return {
    nodes: fake,
    evictions: fake,
    addNode: async (name) => fake.addNode(name),
    removeNode: async (name) => fake.removeNode(name),
    setSchedulable: async (name, schedulable) => fake.setSchedulable(name, schedulable),
    addPod: async (node, app, given = {}) => fake.addPod(node, { labels: { app }, ...given }),
    release: async ({ uid }) => fake.changePod(uid, { finalizers: [] }),
    async addBudget(name, app, minAvailable) {
      apps.set(name, app);
      const healthy = count(app);
      fake.addBudget(name, {
        selector: { matchLabels: { app }, matchExpressions: [] },
        disruptionsAllowed: healthy - minAvailable,
        currentHealthy: healthy,
        desiredHealthy: minAvailable,
      });
    },
    removeBudget: async (name) => fake.removeBudget(name),
    open: async (name, minAvailable) => fake.allow(name, count(apps.get(name) ?? '') - minAvailable),
    close: async () => {},
  };
}

describeNodePort('the nodes of the fake', open);
describeEvictionPort('the evictions of the fake', open);
