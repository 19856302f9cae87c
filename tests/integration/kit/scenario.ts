// scenario(name, body): a test that may start origins and Sluices and never has to clean up.
//
// Everything the body started is stopped afterwards, in reverse order, and the stopping checks too: Sluice must leave
// with status 0, leave no process behind and have printed no sanitizer report. A failure shows the log's tail and the command to
// repeat the test.
import { test } from 'node:test';
import { basename } from 'node:path';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerOptions } from 'node:https';
import { connect, type Address, type Connection } from './connection.js';
import { DnsServer, type DnsScript } from './dns.js';
import { Http2Origin, type AnswerOverHttp2 } from './http2_origin.js';
import { HttpOrigin, ScriptedOrigin, type Script } from './origin.js';
import { HttpsOrigin } from './tls.js';
import { Sluice, type SluiceOptions } from './sluice.js';
import { patience, within } from './wait.js';

export interface Kit {
  /** Starts a Sluice and waits until it serves. */
  sluice(options: SluiceOptions): Promise<Sluice>;
  /** Starts an HTTP origin; without an answer of its own it says `origin`. */
  origin(answer?: (request: IncomingMessage, response: ServerResponse) => void): Promise<HttpOrigin>;
  /** Starts an origin that plays a script byte for byte. */
  scripted(script: Script): Promise<ScriptedOrigin>;
  /** Starts an HTTPS origin with a certificate; without an answer of its own it says `origin`. */
  httpsOrigin(options: ServerOptions, answer?: (request: IncomingMessage, response: ServerResponse) => void): Promise<HttpsOrigin>;
  /** Starts an HTTP/2 origin, over TLS when there is a certificate; without an answer of its own it says `origin`. */
  http2Origin(answer?: AnswerOverHttp2, options?: Parameters<typeof Http2Origin.start>[1]): Promise<Http2Origin>;
  /** Starts a DNS server that answers as the script says; its address belongs in `resolver.servers`. */
  dns(script: DnsScript): Promise<DnsServer>;
  /** Opens a connection that is closed when the scenario ends. */
  connect(address: Address): Promise<Connection>;
  /** Runs when the scenario ends, whatever happened. */
  after(cleanup: () => void | Promise<void>): void;
}

export interface ScenarioOptions {
  /** Milliseconds; default 30,000. */
  readonly timeout?: number;
  /** The reason why this cannot run here; undefined when it can. */
  readonly skip?: string | undefined;
}

export function scenario(name: string, body: (kit: Kit) => Promise<void>, options: ScenarioOptions = {}): void {
  const timeout = options.timeout ?? 30_000;
  test(name, { timeout: timeout * patience + 30_000, ...(options.skip === undefined ? {} : { skip: options.skip }) }, async () => {
    const cleanups: Array<() => void | Promise<void>> = [];
    const sluices: Sluice[] = [];
    const kit: Kit = {
      sluice: async (wanted) => {
        const sluice = await Sluice.launch(wanted);
        sluices.push(sluice);
        cleanups.push(() => sluice.finish());
        await sluice.waitUntilReady();
        return sluice;
      },
      origin: async (answer = (_request, response) => { response.end('origin'); }) => {
        const origin = await HttpOrigin.start(answer);
        cleanups.push(() => origin.close());
        return origin;
      },
      scripted: async (script) => {
        const origin = await ScriptedOrigin.start(script);
        cleanups.push(() => origin.close());
        return origin;
      },
      httpsOrigin: async (options, answer = (_request, response) => { response.end('origin'); }) => {
        const origin = await HttpsOrigin.start(options, answer);
        cleanups.push(() => origin.close());
        return origin;
      },
      http2Origin: async (answer = (_request, response) => { response.end('origin'); }, options = {}) => {
        const origin = await Http2Origin.start(answer, options);
        cleanups.push(() => origin.close());
        return origin;
      },
      dns: async (script) => {
        const server = await DnsServer.start(script);
        cleanups.push(() => server.close());
        return server;
      },
      connect: async (address) => {
        const connection = await connect(address);
        cleanups.push(() => connection.close());
        return connection;
      },
      after: (cleanup) => void cleanups.push(cleanup),
    };

    const failures: unknown[] = [];
    await within(timeout, `scenario "${name}"`, body(kit)).catch((error: unknown) => failures.push(error));
    for (const cleanup of cleanups.reverse()) {
      await Promise.resolve().then(cleanup).catch((error: unknown) => failures.push(error));
    }
    if (failures.length === 0) return;
    throw new Error(describe(name, failures, sluices), { cause: failures[0] });
  });
}

function describe(name: string, failures: readonly unknown[], sluices: readonly Sluice[]): string {
  const text = failures.map((f) => (f instanceof Error ? f.stack ?? f.message : String(f))
    + (f instanceof Error && f.cause instanceof Error ? `\n  because: ${f.cause.message}` : ''));
  const logs = sluices.map((s) => `--- log of sluice ${s.pid} (last lines)\n${s.log.tail()}`);
  const file = basename(process.argv[1] ?? '', '.test.js');
  return [...text, ...logs, `--- repeat: tests/run integration ${file} --name ${JSON.stringify(name)}`].join('\n');
}
