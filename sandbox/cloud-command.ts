import type { Command } from 'commander';
import type { CloudView } from './cloud/steering.ts';
import { askControl, Refused } from './control-client.ts';

interface CloudOptions {
  readonly name: string;
  readonly json?: boolean;
}

interface Order {
  readonly usage: string;
  readonly description: string;
  /** As `POST /cloud` takes it, which also judges it. */
  readonly read: (...words: string[]) => object;
}

/** What is no number goes as it is, to be refused with its words. */
function number(text = ''): number | string {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isNaN(value) ? text : value;
}

const ORDERS: readonly Order[] = [
  {
    usage: 'capacity <group> <nodes>',
    description: 'how many more instances AWS has for a node group; "enough" ends it',
    read: (group, nodes) => ({ do: 'capacity', group, nodes: nodes === 'enough' ? null : number(nodes) }),
  },
  {
    usage: 'fail <operation> <what> [times]',
    description:
      'the next calls of an operation ("terminate" will do) fail: throttle, reset-before, reset-after, hang-before, hang-after, or the code of an error',
    read: (operation, what, times = '1') => ({ do: 'fail', operation, what, times: number(times) }),
  },
  { usage: 'clear', description: 'no call fails from now on', read: () => ({ do: 'clear' }) },
  {
    usage: 'fate <group> <fate>',
    description: 'what becomes of the instances that launch from now on: "whole", "never join" or "without GPUs"',
    read: (group, fate) => ({ do: 'fate', group, fate }),
  },
  {
    usage: 'desired <group> <nodes>',
    description: 'somebody else sets the desired size of the Auto Scaling group, such as Cluster Autoscaler',
    read: (group, nodes) => ({ do: 'desired', group, nodes: number(nodes) }),
  },
  {
    usage: 'lose <instance>',
    description: 'an instance is gone without a word, and its node with it',
    read: (instance) => ({ do: 'lose', instance }),
  },
  {
    usage: 'order <json>',
    description: 'anything that POST /cloud of the control endpoint takes',
    read: (json = '') => JSON.parse(json) as object,
  },
];

/** Adds `headroom sandbox cloud`. */
export function registerCloudCommand(sandbox: Command): void {
  const cloud = sandbox
    .command('cloud')
    .description('the stand-in for AWS of a sandbox `--with cloud`: show it, or order what AWS and others do');
  withOptions(cloud).action((options: CloudOptions) => answer(options));
  for (const { usage, description, read } of ORDERS) {
    withOptions(cloud.command(usage).description(description)).action(async (...given: unknown[]) => {
      const command = given.at(-1) as Command;
      await answer(command.optsWithGlobals(), () => read(...command.args));
    });
  }
}

const withOptions = (command: Command): Command =>
  command.option('--name <name>', 'which sandbox', 'default').option('--json', 'one JSON document');

async function answer({ name, json }: CloudOptions, order?: () => object): Promise<void> {
  const absent = `sandbox ${name} was started without it: headroom sandbox up --with cloud`;
  try {
    const asked = order === undefined ? { method: 'GET' as const } : { method: 'POST' as const, body: order() };
    const view = await askControl<CloudView>({ name, path: '/cloud', absent, ...asked });
    process.stdout.write(`${json === true ? JSON.stringify(view) : describeCloud(view)}\n`);
  } catch (error) {
    process.stderr.write(`headroom: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = error instanceof Refused || error instanceof SyntaxError ? 2 : 1;
  }
}

function describeCloud({ groups, waitingFaults }: CloudView): string {
  const sizes = ({ min, max, desired }: CloudView['groups'][number]['live']) => `${desired} of ${min} to ${max}`;
  const lines = groups.flatMap(({ name, status, live, stored, capacity, instances }) => [
    `${name}  ${status}, ${sizes(live)} (EKS was told ${sizes(stored)})${capacity === null ? '' : `, AWS has ${capacity} more`}`,
    ...instances.map(({ id, type, zone, lifecycle, node }) => `  ${id}  ${type}  ${zone}  ${lifecycle}, node ${node}`),
  ]);
  return [...lines, ...waitingFaults.map(({ operation, what, times }) => `fails: ${operation} ${what} ×${times}`)].join(
    '\n',
  );
}
