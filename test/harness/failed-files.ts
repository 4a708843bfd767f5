import type { TestEvent } from 'node:test/reporters';

/** A reporter: the files in which something failed, one a line. Node's test runner takes a default export only. */
export default async function* failedFiles(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of events)
    if (event.type === 'test:fail' && event.data.file !== undefined) yield `${event.data.file}\n`;
}
