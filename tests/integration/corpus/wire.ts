// Messages of HTTP/1.1 as they stood on the wire, read leniently so that nothing a proxy lets through stays unseen, and
// judged strictly: `ambiguities` says what in a request an origin could read in two ways. Bytes are latin1 strings.

export interface Message {
  readonly start: string;
  readonly lines: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
  /** The message was there to its end. */
  readonly complete: boolean;
  /** Bytes of it. */
  readonly size: number;
  readonly headSize: number;
}

export const value = (message: Message, name: string): string | undefined => {
  const found = message.lines.filter((line) => line.slice(0, line.indexOf(':')).toLowerCase() === name.toLowerCase())
    .map((line) => line.slice(line.indexOf(':') + 1).trim());
  return found.length === 0 ? undefined : found.join(', ');
};

interface Body { body: string; trailers: string[]; complete: boolean; size: number }

function chunked(bytes: string, from: number): Body {
  let at = from;
  let body = '';
  for (;;) {
    const line = /([0-9a-fA-F]+)[^\n]*\n/y;
    line.lastIndex = at;
    const size = line.exec(bytes);
    if (size?.[1] === undefined) return { body, trailers: [], complete: false, size: bytes.length - from };
    at += size[0].length;
    const count = parseInt(size[1], 16);
    if (count === 0) break;
    body += bytes.slice(at, at + count);
    at += count;
    const end = /^\r?\n/.exec(bytes.slice(at, at + 2));
    if (end === null) return { body, trailers: [], complete: false, size: bytes.length - from };
    at += end[0].length;
  }
  const trailers: string[] = [];
  for (;;) {
    const end = bytes.indexOf('\n', at);
    if (end < 0) return { body, trailers, complete: false, size: bytes.length - from };
    const line = bytes.slice(at, end).replace(/\r$/, '');
    at = end + 1;
    if (line === '') return { body, trailers, complete: true, size: at - from };
    trailers.push(line);
  }
}

function counted(bytes: string, from: number, length: number): Body {
  const body = bytes.slice(from, from + length);
  return { body, trailers: [], complete: body.length === length, size: body.length };
}

interface Head { start: string; lines: string[]; size: number }

function readHead(bytes: string): Head | undefined {
  const end = /\r?\n\r?\n/.exec(bytes);
  if (end === null) return undefined;
  const [start = '', ...lines] = bytes.slice(0, end.index).split(/\r?\n/);
  return { start, lines, size: end.index + end[0].length };
}

const isChunked = (lines: readonly string[]): boolean => lines.some((line) => /^transfer-encoding:.*chunked/i.test(line));
const lengthOf = (lines: readonly string[]): number | undefined => {
  const line = lines.find((l) => /^content-length:/i.test(l));
  return line === undefined ? undefined : parseInt(line.slice(line.indexOf(':') + 1), 10) || 0;
};

const assemble = (head: Head, body: Body): Message =>
  ({ start: head.start, lines: head.lines, ...body, size: head.size + body.size, headSize: head.size });
const noBody: Body = { body: '', trailers: [], complete: true, size: 0 };

/** The request that the bytes begin with; undefined while its head is not there. */
export function readRequest(bytes: string): Message | undefined {
  const head = readHead(bytes);
  if (head === undefined) return undefined;
  if (isChunked(head.lines)) return assemble(head, chunked(bytes, head.size));
  return assemble(head, counted(bytes, head.size, lengthOf(head.lines) ?? 0));
}

export const statusOf = (response: Message): number => Number(/^HTTP\/\S+ (\d{3})/.exec(response.start)?.[1] ?? '0');

/** The response that the bytes begin with. `method` is that of its request, `ended` how the connection ended, if it has. */
export function readResponse(bytes: string, method: string, ended: 'close' | 'reset' | undefined): Message | undefined {
  const head = readHead(bytes);
  if (head === undefined) return undefined;
  const status = Number(/^HTTP\/\S+ (\d{3})/.exec(head.start)?.[1] ?? '0');
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return assemble(head, noBody);
  if (method === 'CONNECT' && status < 300) return assemble(head, noBody);
  if (isChunked(head.lines)) return assemble(head, chunked(bytes, head.size));
  const length = lengthOf(head.lines);
  if (length !== undefined) return assemble(head, counted(bytes, head.size, length));
  const body = bytes.slice(head.size);
  return assemble(head, { body, trailers: [], complete: ended === 'close', size: body.length });
}

/** What an origin could read in two ways in these bytes of a request's head; nothing when there is one reading. */
export function ambiguities(head: string): string[] {
  const found: string[] = [];
  if (/(^|[^\r])\n/.test(head)) found.push('a bare LF');
  if (/\r([^\n]|$)/.test(head)) found.push('a bare CR');
  // eslint-disable-next-line no-control-regex
  if (/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(head)) found.push('a control byte');
  const [start = '', ...lines] = head.replace(/\r\n\r\n$/, '').split('\r\n');
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\x21-\x7e]+ HTTP\/1\.1$/.test(start)) found.push(`the request line ${JSON.stringify(start)}`);
  const names: string[] = [];
  for (const line of lines) {
    const name = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): /.exec(`${line} `)?.[1];
    if (name === undefined) found.push(`the line ${JSON.stringify(line)}`);
    else names.push(name.toLowerCase());
  }
  const count = (name: string): number => names.filter((n) => n === name).length;
  if (count('host') !== 1) found.push(`${count('host')} Host lines`);
  if (count('content-length') + count('transfer-encoding') > 1) found.push('more than one framing');
  for (const line of lines) {
    if (/^content-length:/i.test(line) && !/^content-length: \d{1,19}$/i.test(line)) found.push(JSON.stringify(line));
    if (/^transfer-encoding:/i.test(line) && !/^transfer-encoding: chunked$/i.test(line)) found.push(JSON.stringify(line));
  }
  for (const name of ['keep-alive', 'proxy-connection', 'proxy-authorization']) if (count(name) > 0) found.push(`a ${name} line`);
  return found;
}
