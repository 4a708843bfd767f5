import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { registerClientCommands } from '../client/cli.ts';
import { registerWorkerCommands } from '../worker/cli.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};

const program = new Command('headroom')
  .description('Durable scaling runbooks for Kubernetes and EKS, on Temporal')
  .version(version)
  .showHelpAfterError('(headroom --help lists the commands)')
  .exitOverride((error) => {
    if (error.exitCode !== 0 && process.argv.includes('--json'))
      process.stdout.write(`${JSON.stringify({ error: error.message.replace(/^error: /, '') })}\n`);
    // commander says 1 for a usage error unless told
    process.exit(error.exitCode === 0 ? 0 : 2);
  });

registerClientCommands(program, async (workload) => {
  const { restoreOffline } = await import('../worker/restore.ts');
  return restoreOffline(workload);
});
registerWorkerCommands(program, async (groups) => {
  const { askCloudAccess } = await import('../client/cloud-access.ts');
  return askCloudAccess(groups);
});
await registerSandbox();
await program.parseAsync();

/** The sandbox is not part of the image; where it is, commands without any setting use the only one that runs. */
async function registerSandbox(): Promise<void> {
  const [cli, environment] = await Promise.all([
    import('../sandbox/cli.ts'),
    import('../sandbox/environment.ts'),
  ]).catch(() => []);
  if (cli === undefined || environment === undefined) return;
  cli.registerSandboxCommands(program);
  environment.useOnlySandbox(process.env);
}
