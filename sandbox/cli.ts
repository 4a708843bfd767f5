import type { Command } from 'commander';
import { registerCloudCommand } from './cloud-command.ts';
import type { NameOptions, StatusOptions, UpOptions } from './commands.ts';
import { registerDemoCommand } from './demo-command.ts';
import { registerKubectlCommand } from './kubectl-command.ts';
import { registerLoadCommand } from './load-command.ts';

/** Adds `headroom sandbox …`. What a command does is loaded when it is called, so that `--help` stays quick. */
export function registerSandboxCommands(program: Command): Command {
  const sandbox = program
    .command('sandbox')
    .description('a real control plane on this machine, without containers: Kubernetes, Temporal, Prometheus')
    // what stands behind kubectl's own words is kubectl's
    .enablePositionalOptions();
  const named = (command: string, description: string) =>
    sandbox.command(command).description(description).option('--name <name>', 'which sandbox', 'default');

  named('up', 'start one, and keep it until Ctrl-C')
    .option('--detach', 'return when it is ready, and leave it running')
    .option(
      '--with <extra>',
      'keda: KEDA, and the example under its ScaledObject; alertmanager: Alertmanager, and alert rules on a short clock; cloud: a stand-in for EKS node groups and Auto Scaling (repeatable, or with commas)',
      gather,
      [],
    )
    .option('--no-seed', 'leave the cluster empty, without the TenSafe workloads and their load')
    .action(async (options: UpOptions) => (await import('./commands.ts')).up(options));
  named('status', 'state, addresses, kubeconfigs, versions, pids')
    .option('--json', 'one JSON document')
    .action(async (options: StatusOptions) => (await import('./commands.ts')).status(options));
  named('env', 'the exports that point a shell at it: eval "$(headroom sandbox env)"').action(
    async (options: NameOptions) => (await import('./commands.ts')).env(options),
  );
  named('down', 'stop it; its logs stay').action(async (options: NameOptions) =>
    (await import('./commands.ts')).down(options),
  );
  registerKubectlCommand(sandbox);
  registerLoadCommand(sandbox);
  registerCloudCommand(sandbox);
  registerDemoCommand(sandbox);
  return sandbox;
}

const gather = (text: string, before: readonly string[]): readonly string[] => [...before, text];
