import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Command } from 'commander';

/** Adds `headroom sandbox kubectl`: nobody needs one of their own to look into a sandbox. */
export function registerKubectlCommand(sandbox: Command): void {
  sandbox
    .command('kubectl')
    .description('kubectl as its administrator, of the version of its API server; built when it is first asked for')
    .usage('[--name <name>] <words…>')
    .argument('<words...>', 'as kubectl takes them')
    .option('--name <name>', 'which sandbox; before the words', 'default')
    .passThroughOptions()
    .action(async (words: readonly string[], { name }: { readonly name: string }) => {
      try {
        process.exitCode = await runKubectl(name, words);
      } catch (error) {
        process.stderr.write(`headroom: ${error instanceof Error ? error.message : String(error)}\n`);
        process.exitCode = 1;
      }
    });
}

/** Its exit code. */
async function runKubectl(name: string, words: readonly string[]): Promise<number> {
  const [{ isRunning, readName, readStatus, sandboxDirectory }, { provision }] = await Promise.all([
    import('./state.ts'),
    import('./provision.ts'),
  ]);
  const found = readStatus(sandboxDirectory(readName(name)));
  if (found === undefined || !isRunning(found))
    throw new Error(`sandbox ${name} is not running; "headroom sandbox up --detach --name ${name}" starts it`);
  const { kubectl } = await provision(['kubectl'], (line) => void process.stderr.write(`${line}\n`));
  if (kubectl === undefined) throw new Error('there is no kubectl');
  const child = spawn(kubectl.path, words, {
    env: { ...process.env, KUBECONFIG: found.kubeconfig.admin },
    stdio: 'inherit',
  });
  const [code] = await once(child, 'exit');
  return typeof code === 'number' ? code : 1;
}
