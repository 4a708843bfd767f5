import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, type Logger, type WorkflowBundleOption } from '@temporalio/worker';

/** The workflows as one script: built ahead (HEADROOM_WORKFLOW_BUNDLE names the file), or now, which takes a second or two. */
export async function workflowBundle(logger: Logger): Promise<WorkflowBundleOption> {
  const codePath = process.env['HEADROOM_WORKFLOW_BUNDLE'];
  return codePath === undefined || codePath === '' ? buildWorkflowBundle(logger) : { codePath };
}

export async function buildWorkflowBundle(logger: Logger): Promise<{ readonly code: string }> {
  const extension = import.meta.filename.endsWith('.ts') ? 'ts' : 'js';
  const workflowsPath = fileURLToPath(new URL(`../workflows/index.${extension}`, import.meta.url));
  // loaded once and not for each run: none of these modules keeps anything, and the SDK freezes what they export
  return bundleWorkflowCode({ workflowsPath, preloadModules: [workflowsPath], logger });
}
