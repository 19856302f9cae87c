// CONNECT through a forward proxy.
import type { Connection } from './connection.js';
import type { Response } from './http.js';

/** Asks for a tunnel to `target` (host:port); after a 2xx the connection carries the tunnel's bytes. */
export async function connectThrough(connection: Connection, target: string, fields: readonly string[] = []): Promise<Response> {
  return connection.ask(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${fields.map((f) => `${f}\r\n`).join('')}\r\n`);
}
