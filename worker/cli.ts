import type { Command } from 'commander';

/** Commands that need the worker's surroundings: cluster, policy file, Temporal. */
export function registerWorkerCommands(program: Command): void {
  program
    .command('worker')
    .description('run the worker process: all procedures and the capacity ledgers')
    .option('--config <file...>', 'headroom.yaml and its overlays (default: HEADROOM_CONFIG)')
    .action(async ({ config }: { readonly config?: readonly string[] }) => {
      const { runWorkerProcess } = await import('./process.ts');
      await runWorkerProcess(config);
    });
  program
    .command('setup')
    .description('register search attributes, check permissions and versions, name what is missing')
    .option('--json', 'one JSON document on stdout')
    .action(async ({ json = false }: { readonly json?: boolean }) => {
      const { setup } = await import('./setup.ts');
      await setup({ json });
    });
}
