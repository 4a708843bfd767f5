import type { GpuFacts } from '../domain/gpu-status.ts';
import { asking } from './stubs.ts';

/** The GPU nodes as they are now: read by the worker, with the worker's rights, so that people need neither kubeconfig nor AWS keys. */
export async function gpuStatus(): Promise<GpuFacts> {
  return asking.readGpus.executeWithOptions({ summary: 'the GPU nodes and their groups' }, []);
}
