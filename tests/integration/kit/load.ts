// Load: clients that ask on fresh and on kept connections until they are told to stop, and note every failure.
import { strict as assert } from 'node:assert';
import { connect, type Connection } from './connection.js';
import type { Sluice } from './sluice.js';
import { sleep } from './wait.js';

const once = 'GET / HTTP/1.1\r\nHost: web.test\r\nConnection: close\r\n\r\n';
const post = 'POST / HTTP/1.1\r\nHost: web.test\r\nContent-Length: 5\r\n\r\nhello';

/** Asks until told to stop; every failure is one. */
export class Load {
  asked = 0;
  readonly failures: string[] = [];
  private running = true;
  private readonly all: Promise<unknown>;

  constructor(proxy: Sluice, endpoint: string, clients: number) {
    const address = proxy.address(endpoint);
    const fresh = async (): Promise<void> => {
      while (this.running) {
        await this.try(async () => {
          const client = await connect(address);
          try {
            assert.equal((await client.ask(once)).status, 200);
          } finally {
            client.close();
          }
        });
      }
    };
    // POST is never asked again: a connection may be closed only behind an answer that said so
    const kept = async (): Promise<void> => {
      let client: Connection | undefined;
      while (this.running) {
        await this.try(async () => {
          client ??= await connect(address);
          const response = await client.ask(post);
          assert.equal(response.status, 200);
          if (response.head.get('connection')?.toLowerCase() === 'close') {
            client.close();
            client = undefined;
          }
        });
        await sleep(Math.random() * 20);
      }
      client?.close();
    };
    this.all = Promise.all(Array.from({ length: clients }, (_, i) => (i % 2 === 0 ? fresh() : kept())));
  }

  private async try(what: () => Promise<void>): Promise<void> {
    try {
      await what();
      this.asked += 1;
    } catch (error) {
      this.failures.push((error as Error).message);
      await sleep(10);
    }
  }

  async stop(): Promise<void> {
    this.running = false;
    await this.all;
  }
}
