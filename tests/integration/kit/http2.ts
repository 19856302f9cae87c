// HTTP/2 from a client's side. Http2Client is Node's own, an honest client that keeps all rules. Frames written by hand go
// over a Connection: `h2.frame()` and `h2.frames()`.
import { connect as connectHttp2, type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { connect as connectSecurely, type ConnectionOptions as TlsOptions } from 'node:tls';
import { once } from 'node:events';
import { socketOptions, type Address, type Connection } from './connection.js';
import { within } from './wait.js';

export interface Answer2 {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly trailers: IncomingHttpHeaders;
  /** Interim responses before it. */
  readonly interim: readonly IncomingHttpHeaders[];
}

/** The whole answer on a stream. Errors: the stream was reset. */
export async function readAnswer(stream: ClientHttp2Stream): Promise<Answer2> {
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  const interim: IncomingHttpHeaders[] = [];
  const parts: Buffer[] = [];
  stream.on('headers', (h: IncomingHttpHeaders) => interim.push(h));
  stream.on('response', (h) => { headers = h; });
  stream.on('trailers', (h) => { trailers = h; });
  stream.on('data', (part: Buffer) => parts.push(part));
  await within(10_000, 'an answer over HTTP/2', new Promise<void>((done, fail) => {
    let ended = false;  // which may be told before the trailers are
    stream.once('end', () => { ended = true; });
    stream.once('error', fail);
    stream.once('close', () => (ended || stream.rstCode === 0 ? done() : fail(new Error(`reset with ${stream.rstCode}`))));
  }));
  return { status: Number(headers[':status']), headers, text: Buffer.concat(parts).toString('latin1'), trailers, interim };
}

export class Http2Client {
  /** GOAWAYs, as they came: error code and last stream. */
  readonly goaways: Array<{ code: number; last: number }> = [];
  closed = false;

  constructor(readonly session: ClientHttp2Session) {
    session.on('goaway', (code: number, last: number) => this.goaways.push({ code, last }));
    session.on('close', () => { this.closed = true; });
    session.on('error', () => undefined);  // told to whoever waits for a stream
  }

  /** `tls`: over TLS, as a client that trusts this authority and offers h2. */
  static async open(address: Address, tls?: TlsOptions): Promise<Http2Client> {
    const session = tls === undefined
      ? connectHttp2('http://web.test', { createConnection: () => connectSocket(socketOptions(address)) })
      : connectHttp2('https://web.test', {
        createConnection: () => connectSecurely({ ...socketOptions(address), servername: 'web.test', ALPNProtocols: ['h2'], ...tls }),
      });
    const client = new Http2Client(session);
    await within(5000, `connecting to ${address}`, once(session, 'connect'));
    return client;
  }

  /** Begins a request; without a body unless `more` says `body: true`. */
  request(headers: OutgoingHttpHeaders = {}, more: { body?: boolean; trailers?: boolean } = {}): ClientHttp2Stream {
    return this.session.request({ ':path': '/', ...headers }, { endStream: more.body !== true, waitForTrailers: more.trailers === true });
  }

  async ask(headers: OutgoingHttpHeaders | string = {}, body?: string | Buffer): Promise<Answer2> {
    const stream = this.request(typeof headers === 'string' ? { ':path': headers } : headers, { body: body !== undefined });
    const answer = readAnswer(stream);
    if (body !== undefined) stream.end(body);
    return answer;
  }

  close(): void {
    this.session.destroy();
  }
}

export const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export const type = { data: 0, headers: 1, priority: 2, reset: 3, settings: 4, push: 5, ping: 6, goaway: 7, window: 8, continuation: 9 } as const;

export function frame(kind: number, flags: number, stream: number, payload: Buffer | string = ''): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload;
  const head = Buffer.alloc(9);
  head.writeUIntBE(bytes.length, 0, 3);
  head.writeUInt8(kind, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, bytes]);
}

const text = (value: string): Buffer => {
  if (value.length > 126) throw new Error('a longer text needs a longer length');
  return Buffer.concat([Buffer.from([value.length]), Buffer.from(value, 'latin1')]);
};

/** A block of fields: HPACK literals without indexing. */
export function block(fields: ReadonlyArray<readonly [name: string, value: string]>): Buffer {
  return Buffer.concat(fields.map(([name, value]) => Buffer.concat([Buffer.from([0]), text(name), text(value)])));
}

/** HEADERS of a GET that ends its stream. */
export const get = (stream: number, path = '/'): Buffer =>
  frame(type.headers, 5, stream, block([[':method', 'GET'], [':scheme', 'http'], [':path', path], [':authority', 'web.test']]));

/** The next frame that a server sends. */
export async function readFrame(connection: Connection): Promise<Frame> {
  const head = await connection.reader.exactly(9);
  const payload = await connection.reader.exactly(head.readUIntBE(0, 3));
  return { type: head.readUInt8(3), flags: head.readUInt8(4), stream: head.readUInt32BE(5), payload };
}

/** The server's side of a connection that begins: the client's preface, and our SETTINGS. */
export async function accept(connection: Connection, settings: Buffer = Buffer.alloc(0)): Promise<void> {
  const begin = await connection.reader.exactly(preface.length);
  if (begin.toString('latin1') !== preface) throw new Error(`no preface: ${begin.toString('latin1')}`);
  await connection.send(frame(type.settings, 0, 0, settings));
}

/** HEADERS of an answer. */
export const head = (stream: number, fields: ReadonlyArray<readonly [name: string, value: string]>, flags = 4): Buffer =>
  frame(type.headers, flags, stream, block(fields));

/** The next request's HEADERS; PINGs and SETTINGS before it are answered. */
export async function nextRequest(connection: Connection): Promise<Frame> {
  for (;;) {
    const one = await readFrame(connection);
    if (one.type === type.headers) return one;
    if ((one.type === type.ping || one.type === type.settings) && (one.flags & 1) === 0)
      await connection.send(frame(one.type, 1, 0, one.type === type.ping ? one.payload : ''));
  }
}

/** Frames up to the one that is looked for. */
export async function until(connection: Connection, wanted: (frame: Frame) => boolean): Promise<Frame[]> {
  const frames: Frame[] = [];
  for (;;) {
    const one = await readFrame(connection);
    frames.push(one);
    if (wanted(one)) return frames;
  }
}
