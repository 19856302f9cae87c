// A reporter for node:test: one line per test, the whole message of a failure, and the counts as a file for main.ts.
import { appendFileSync } from 'node:fs';

interface Event {
  readonly type: string;
  readonly data: {
    readonly name: string;
    readonly nesting: number;
    readonly skip?: string | boolean;
    readonly details?: { readonly duration_ms?: number; readonly error?: Error };
  };
}

export default async function* report(events: AsyncIterable<Event>): AsyncGenerator<string> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    if (type === 'test:fail') {
      counts.failed += 1;
      const error = data.details?.error;
      const cause = error?.cause;
      yield `  FAIL  ${data.name}\n${(cause instanceof Error ? cause.message : error?.message ?? '').replace(/^/gm, '        ')}\n`;
    } else if (data.skip !== undefined && data.skip !== false) {
      // a test that --name left out is not a skipped test
      if (typeof data.skip === 'string' && data.skip.includes('name does not match')) continue;
      counts.skipped += 1;
      yield `  skip  ${data.name}: ${String(data.skip)}\n`;
    } else {
      counts.passed += 1;
      yield `  ok    ${data.name} (${Math.round(data.details?.duration_ms ?? 0)} ms)\n`;
    }
  }
  const file = process.env['SLUICE_TEST_FILE_COUNTS'];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(counts)}\n`);
}
