// The log of a running Sluice: JSON lines on its standard error, kept whole for the report of a failing test.
import type { Readable } from 'node:stream';
import { eventually } from './wait.js';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** Lines that may never appear: sanitizer reports, failed checks, counted bugs, leaks of coroutines. */
const alarms = /(ERROR|WARNING): \w+Sanitizer|: runtime error: |sluice: (check failed|bug): |"event": ?"coroutine frames left"/;
/** And those that only an attacker in a worker's place may cause. */
const nonsense = /"event": ?"(worker misbehaved|slab damaged)"/;

export class Log {
  readonly lines: string[] = [];
  readonly records: JsonObject[] = [];
  private rest = '';

  constructor(stream: Readable) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      const lines = (this.rest + text).split('\n');
      this.rest = lines.pop() ?? '';
      for (const line of lines) this.add(line);
    });
  }

  private add(line: string): void {
    this.lines.push(line);
    try {
      const value = JSON.parse(line) as Json;
      if (value !== null && typeof value === 'object' && !Array.isArray(value)) this.records.push(value);
    } catch {
      // not a record: a sanitizer's or the dynamic loader's words
    }
  }

  /** The first record, old or new, that the predicate likes. */
  async waitFor(what: string, predicate: (record: JsonObject) => boolean, ms = 5000): Promise<JsonObject> {
    return eventually(`log record: ${what}`, () => this.records.find(predicate), ms);
  }

  /** Records that the predicate likes, as of now. */
  all(predicate: (record: JsonObject) => boolean): JsonObject[] {
    return this.records.filter(predicate);
  }

  /** The first line that gives alarm and what follows it; `attacks`: workers may break the rules. */
  alarms(expected: 'attacks' | 'none' = 'none'): string[] {
    const first = this.lines.findIndex((line) => alarms.test(line) || (expected === 'none' && nonsense.test(line)));
    return first < 0 ? [] : this.lines.slice(first, first + 40);
  }

  tail(count = 40): string {
    return [...this.lines.slice(-count), this.rest].map((line) => (line.length > 1000 ? `${line.slice(0, 1000)}…` : line)).join('\n');
  }
}
