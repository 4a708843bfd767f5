import { describeMetricsPort, QUERIES } from '../contracts/metrics-port.ts';
import { FakeMetrics } from '../fakes/metrics.ts';

describeMetricsPort('the fake Prometheus', async () => {
  const metrics = new FakeMetrics();
  metrics.say(QUERIES.one, 1);
  metrics.say(QUERIES.clock, (atMs) => atMs / 1_000);
  metrics.say(QUERIES.notANumber, Number.NaN);
  metrics.say(QUERIES.infinite, Number.POSITIVE_INFINITY);
  metrics.say(QUERIES.evenMinutes, (atMs) => (Math.floor(atMs / 60_000) % 2 === 0 ? 1 : undefined));
  metrics.answers.set(QUERIES.labelled, [{ labels: { pod: 'web-1' }, at: () => 1 }]);
  metrics.answers.set(QUERIES.two, [
    { labels: { pod: 'a' }, at: () => 1 },
    { labels: { pod: 'b' }, at: () => 2 },
  ]);
  metrics.answers.set(QUERIES.broken, 'badQuery');
  metrics.answers.set(QUERIES.doubtful, 'warning');
  return { port: metrics, close: async () => {} };
});
