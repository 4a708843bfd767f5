import { createMetricsPort } from '../../adapters/prometheus.ts';
import { describeMetricsPort } from '../contracts/metrics-port.ts';
import { required } from './real-cluster.ts';

describeMetricsPort('the Prometheus adapter on a real Prometheus', async () => ({
  port: createMetricsPort({ url: required('HEADROOM_TEST_PROMETHEUS_URL') }),
  close: async () => {},
}));
