import { describeEvictionPort } from '../contracts/eviction-port.ts';
import { describeNodePort } from '../contracts/node-port.ts';
import { openRealNodes } from './real-nodes.ts';

describeNodePort('nodes on a real API server, with the rights of the worker', openRealNodes);
describeEvictionPort('evictions on a real API server, with the rights of the worker', openRealNodes);
