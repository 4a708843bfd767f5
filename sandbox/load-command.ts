import type { Command } from 'commander';
import { askControl, Refused } from './control-client.ts';
import type { LoadView } from './load-view.ts';

interface LoadOptions {
  readonly name: string;
  readonly namespace: string;
  readonly rps?: string;
  readonly errors?: string;
  readonly json?: boolean;
}

/** Adds `headroom sandbox load`. */
export function registerLoadCommand(sandbox: Command): void {
  sandbox
    .command('load')
    .description('the load on a Deployment: show it, or set it for Prometheus and the autoscaler to see')
    .argument('[workload]', 'a Deployment (default: all that have a load)')
    .option('--rps <number>', 'requests per second from now on, over all its pods; 0 ends all traffic')
    .option('--errors <percent>', 'with --rps: so many of them fail (500); without it, none')
    .option('--namespace <namespace>', 'where the Deployment is', 'tensafe')
    .option('--name <name>', 'which sandbox', 'default')
    .option('--json', 'one JSON document')
    .action(async (workload: string | undefined, options: LoadOptions) => {
      try {
        const views = await askForLoad(workload, options);
        const one = workload === undefined ? views : views[0];
        const text = views.length === 0 ? 'nothing has a load' : views.map(describeLoad).join('\n');
        process.stdout.write(`${options.json === true ? JSON.stringify(one) : text}\n`);
      } catch (error) {
        process.stderr.write(`headroom: ${error instanceof Error ? error.message : String(error)}\n`);
        process.exitCode = error instanceof Usage || error instanceof Refused ? 2 : 1;
      }
    });
}

/** What was asked wrongly: exit code 2. */
class Usage extends Error {}

async function askForLoad(workload: string | undefined, options: LoadOptions): Promise<readonly LoadView[]> {
  const { namespace, rps, errors = '0' } = options;
  if (rps === undefined) {
    if (options.errors !== undefined) throw new Usage('--errors needs --rps beside it: the share of which load?');
    const all = await send<{ readonly loads: readonly LoadView[] }>('GET', options);
    const found = all.loads.filter((view) => workload === undefined || isOf(view, namespace, workload));
    if (workload !== undefined && found.length === 0) {
      const known = all.loads.map((view) => `${view.namespace}/${view.workload}`).join(', ');
      throw new Error(
        `${namespace}/${workload} has no load; there is one on ${known || 'nothing'}; --rps gives it one`,
      );
    }
    return found;
  }
  if (workload === undefined)
    throw new Usage('--rps needs to know which Deployment: headroom sandbox load <workload> --rps …');
  const read = [readNumber('--rps', rps, 1_000_000), readNumber('--errors', errors, 100)];
  const faults = read.filter((value) => typeof value === 'string');
  if (faults.length > 0) throw new Usage(faults.join('; '));
  const [value, errorPercent] = read;
  return [await send<LoadView>('POST', options, { namespace, workload, rps: value, errorPercent })];
}

/** Or what is wrong with it. */
function readNumber(option: string, text: string, most: number): number | string {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return value >= 0 && value <= most ? value : `${option} "${text}" is not a number from 0 to ${most}`;
}

const isOf = (view: LoadView, namespace: string, workload: string): boolean =>
  view.namespace === namespace && view.workload === workload;

function send<T>(method: 'GET' | 'POST', { name }: LoadOptions, body?: object): Promise<T> {
  const absent = `sandbox ${name} was started without workloads (--no-seed)`;
  return askControl({ name, method, path: '/load', absent, ...(body !== undefined && { body }) });
}

function describeLoad(view: LoadView): string {
  const { namespace, workload, rps, readyPods } = view;
  const failing = view.errorPercent > 0 ? `, of which ${view.errorPercent} % fail,` : '';
  const overload = view.utilisationPercent > 100 ? ': more than they can serve' : '';
  return [
    `${namespace}/${workload}  ${rps} requests/s${failing} on ${readyPods} ready pods (${view.utilisationPercent} % of ${view.capacityRps}${overload})`,
    `  cpu ${view.cpuPercent} % and memory ${view.memoryPercent} % of the limits, p95 ${view.p95Ms} ms, queue ${view.queueDepth}, HE-LoRA queue ${view.heLoraQueueDepth}, GPU ${view.gpuPercent} %`,
  ].join('\n');
}
