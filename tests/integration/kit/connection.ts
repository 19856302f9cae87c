// Connection: one TCP or UNIX connection in the hands of a test, as client or as origin. Sends exactly the bytes it is
// given and can end, half-end or reset the connection at any moment.
import { connect as connectSocket, type Socket } from 'node:net';
import { once } from 'node:events';
import { readRequest, readResponse, type Request, type Response } from './http.js';
import { ByteReader } from './reader.js';
import { within } from './wait.js';

/** `127.0.0.1:8080`, `[::1]:8080` or `unix:/path`. */
export type Address = string;

export function socketOptions(address: Address): { path: string } | { host: string; port: number } {
  if (address.startsWith('unix:')) return { path: address.slice('unix:'.length) };
  const match = /^\[?([^\]]+)\]?:(\d+)$/.exec(address);
  if (match?.[1] === undefined) throw new Error(`not an address: ${address}`);
  return { host: match[1], port: Number(match[2]) };
}

export class Connection {
  readonly reader: ByteReader;

  constructor(readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('error', () => undefined);  // the reader reports it to whoever reads
    this.reader = new ByteReader(socket);
  }

  /** Sends the bytes; resolves when the kernel has taken them all. */
  async send(bytes: string | Buffer): Promise<void> {
    await new Promise<void>((done, fail) => {
      this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, (error) => (error ? fail(error) : done()));
    });
  }

  /** Sends the bytes one by one, each in a packet of its own. */
  async dribble(bytes: string, pauseMs = 1): Promise<void> {
    for (const byte of bytes) {
      await this.send(byte);
      await new Promise((done) => setTimeout(done, pauseMs));
    }
  }

  async readRequest(): Promise<Request> {
    return readRequest(this.reader);
  }

  async readResponse(method = 'GET'): Promise<Response> {
    return readResponse(this.reader, method);
  }

  /** Sends a whole request and reads the answer. */
  async ask(request: string): Promise<Response> {
    await this.send(request);
    return this.readResponse(request.split(' ')[0]);
  }

  /** No more bytes from us; the other direction stays open. */
  async end(): Promise<void> {
    this.socket.end();
    await within(5000, 'half-closing', once(this.socket, 'finish').then(() => undefined));
  }

  /** Closes with a TCP reset. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  close(): void {
    this.socket.destroy();
  }
}

export async function connect(address: Address): Promise<Connection> {
  const socket = connectSocket({ ...socketOptions(address), allowHalfOpen: true });
  const connection = new Connection(socket);
  await within(5000, `connecting to ${address}`, new Promise<void>((done, fail) => {
    socket.once('connect', () => done());
    socket.once('error', fail);
  }));
  return connection;
}
