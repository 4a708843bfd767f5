import { describeWorkloadPort } from '../contracts/workload-port.ts';
import { openRealCluster } from './real-cluster.ts';

describeWorkloadPort('the Kubernetes adapter on a real API server, with the rights of the worker', openRealCluster);
