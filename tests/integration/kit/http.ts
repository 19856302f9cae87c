// Reading HTTP/1.1 messages byte for byte. Deliberately strict and deliberately not Node's parser: a test wants to see
// what was really on the wire, in order and with its spelling.
import type { ByteReader } from './reader.js';

export class Head {
  readonly startLine: string;
  readonly fields: ReadonlyArray<readonly [name: string, value: string]>;

  constructor(readonly raw: string) {
    const lines = raw.replace(/\r\n\r\n$/, '').split('\r\n');
    this.startLine = lines[0] ?? '';
    this.fields = lines.slice(1).map((line) => {
      const colon = line.indexOf(':');
      if (colon <= 0) throw new Error(`not a header line: ${JSON.stringify(line)}`);
      return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
    });
  }

  /** Every value of the field, in order. */
  all(name: string): string[] {
    return this.fields.filter(([n]) => n.toLowerCase() === name.toLowerCase()).map(([, v]) => v);
  }

  /** The values joined by a comma, undefined when the field is absent. */
  get(name: string): string | undefined {
    const values = this.all(name);
    return values.length === 0 ? undefined : values.join(', ');
  }

  has(name: string): boolean {
    return this.all(name).length > 0;
  }
}

export interface Message {
  readonly head: Head;
  readonly body: Buffer;
  /** Field lines of the trailer section as they came. */
  readonly trailers: readonly string[];
  /** Sizes of the chunks, when the body was chunked. */
  readonly chunks: readonly number[];
}

export interface Response extends Message {
  readonly status: number;
  readonly reason: string;
  readonly text: string;
}

export interface Request extends Message {
  readonly method: string;
  readonly target: string;
  readonly text: string;
}

export async function readHead(reader: ByteReader, what: string): Promise<Head> {
  return new Head((await reader.until('\r\n\r\n', what)).toString('latin1'));
}

type Body = Omit<Message, 'head'>;
const emptyBody: Body = { body: Buffer.alloc(0), trailers: [], chunks: [] };

async function readChunked(reader: ByteReader): Promise<Body> {
  const parts: Buffer[] = [];
  for (;;) {
    const line = (await reader.until('\r\n', 'a chunk size')).toString('latin1').trim();
    const size = /^[0-9a-fA-F]+/.exec(line)?.[0];
    if (size === undefined) throw new Error(`not a chunk size: ${JSON.stringify(line)}`);
    const count = parseInt(size, 16);
    if (count === 0) break;
    parts.push(Buffer.from(await reader.exactly(count, 'a chunk')));
    const end = (await reader.exactly(2, 'the end of a chunk')).toString('latin1');
    if (end !== '\r\n') throw new Error(`chunk does not end with CRLF but ${JSON.stringify(end)}`);
  }
  const trailers: string[] = [];
  for (;;) {
    const line = (await reader.until('\r\n', 'the trailers')).toString('latin1').slice(0, -2);
    if (line === '') return { body: Buffer.concat(parts), trailers, chunks: parts.map((p) => p.length) };
    trailers.push(line);
  }
}

async function readBody(reader: ByteReader, head: Head, toEnd: boolean): Promise<Body> {
  if (head.get('transfer-encoding')?.toLowerCase().endsWith('chunked')) return readChunked(reader);
  const length = head.get('content-length');
  if (length !== undefined) return { ...emptyBody, body: await reader.exactly(Number(length), `a body of ${length} bytes`) };
  return toEnd ? { ...emptyBody, body: await reader.toEnd('a body up to the close') } : emptyBody;
}

export async function readRequest(reader: ByteReader): Promise<Request> {
  const head = await readHead(reader, 'a request head');
  const [method = '', target = ''] = head.startLine.split(' ');
  const body = await readBody(reader, head, false);
  return { head, method, target, ...body, text: body.body.toString('latin1') };
}

/** `method` is that of the request: an answer to HEAD or a successful CONNECT has no body. */
export async function readResponse(reader: ByteReader, method = 'GET'): Promise<Response> {
  const head = await readHead(reader, 'a response head');
  const match = /^HTTP\/1\.[01] (\d{3})(?: (.*))?$/.exec(head.startLine);
  if (match === null) throw new Error(`not a status line: ${JSON.stringify(head.startLine)}`);
  const status = Number(match[1]);
  const bodiless = method === 'HEAD' || status < 200 || status === 204 || status === 304 || (method === 'CONNECT' && status < 300);
  const body = bodiless ? emptyBody : await readBody(reader, head, true);
  return { head, status, reason: match[2] ?? '', ...body, text: body.body.toString('latin1') };
}
