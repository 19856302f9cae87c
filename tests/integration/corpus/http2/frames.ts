// What the cases of HTTP/2 are made of: frames and blocks of fields written by hand, right or wrong. Fields are HPACK
// literals without indexing (RFC 7541 section 6.2.2), and the client allows us no table, so that the little reading of
// statuses here is all the HPACK that a case needs.
import { h2 } from '../../kit/index.js';

const { frame, type } = h2;
export { frame, type };

export const flag = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

export const codes: Readonly<Record<number, string>> = {
  0: 'NO_ERROR', 1: 'PROTOCOL_ERROR', 2: 'INTERNAL_ERROR', 3: 'FLOW_CONTROL_ERROR', 4: 'SETTINGS_TIMEOUT', 5: 'STREAM_CLOSED', 6: 'FRAME_SIZE_ERROR',
  7: 'REFUSED_STREAM', 8: 'CANCEL', 9: 'COMPRESSION_ERROR', 10: 'CONNECT_ERROR', 11: 'ENHANCE_YOUR_CALM',
};

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** An integer of HPACK with a prefix of so many bits, behind the bits that `first` has set. */
export function integer(value: number, prefix: number, first = 0): Buffer {
  const most = 2 ** prefix - 1;
  if (value < most) return Buffer.from([first | value]);
  const bytes = [first | most];
  let rest = value - most;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}

export type Lines = ReadonlyArray<readonly [name: string, value: string]>;

const text = (value: string): Buffer => Buffer.concat([integer(value.length, 7), Buffer.from(value, 'latin1')]);
export const block = (lines: Lines): Buffer => Buffer.concat(lines.map(([name, value]) => Buffer.concat([Buffer.from([0]), text(name), text(value)])));

export const request = (method = 'GET', path = '/', more: Lines = []): Lines =>
  [[':method', method], [':scheme', 'http'], [':path', path], [':authority', 'web.test'], ...more];
export const without = (name: string, lines: Lines = request()): Lines => lines.filter(([one]) => one !== name);
/** A GET in which one field has another value. */
export const but = (name: string, value: string): Lines => request().map(([one, old]) => [one, one === name ? value : old] as const);

export const headers = (stream: number, lines: Lines | Buffer, flags: number = flag.endHeaders | flag.endStream): Buffer =>
  frame(type.headers, flags, stream, Buffer.isBuffer(lines) ? lines : block(lines));
/** HEADERS that a body follows. */
export const open = (stream: number, lines: Lines = request('POST')): Buffer => headers(stream, lines, flag.endHeaders);
export const data = (stream: number, bytes: string, flags = 0): Buffer => frame(type.data, flags, stream, bytes);
export const last = (stream: number, bytes = ''): Buffer => data(stream, bytes, flag.endStream);
export const settings = (...entries: ReadonlyArray<readonly [id: number, value: number]>): Buffer =>
  frame(type.settings, 0, 0, Buffer.concat(entries.map(([id, value]) => Buffer.concat([Buffer.from([id >> 8, id & 255]), u32(value)]))));
export const ack = frame(type.settings, flag.ack, 0);
export const ping = (eight = 'sluice!!', flags = 0): Buffer => frame(type.ping, flags, 0, eight);
export const reset = (stream: number, code = 8): Buffer => frame(type.reset, 0, stream, u32(code));
export const credit = (stream: number, more: number): Buffer => frame(type.window, 0, stream, u32(more));
export const continuation = (stream: number, bytes: Buffer | string, flags: number = flag.endHeaders): Buffer => frame(type.continuation, flags, stream, bytes);
export const priority = (stream: number, bytes: Buffer | string = Buffer.from([0, 0, 0, 0, 15])): Buffer => frame(type.priority, 0, stream, bytes);
export const priorityUpdate = (stream: number, value = 'u=1', on = 0): Buffer => frame(16, 0, on, Buffer.concat([u32(stream), Buffer.from(value)]));
export const goaway = (lastStream = 0, code = 0): Buffer => frame(type.goaway, 0, 0, Buffer.concat([u32(lastStream), u32(code)]));
export const many = (count: number, one: (i: number) => Buffer): Buffer => Buffer.concat(Array.from({ length: count }, (_, i) => one(i)));

/** Preface and SETTINGS that allow no table of HPACK. */
export const hello = Buffer.concat([Buffer.from(h2.preface), settings([1, 0])]);

// A digit in Huffman's code: RFC 7541 appendix B.
function digits(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  let out = '';
  for (let at = 0; out.length < 3;) {
    const five = parseInt(bits.slice(at, at + 5), 2);
    out += five <= 2 ? five : parseInt(bits.slice(at, at + 6), 2) - 0b011001 + 3;
    at += five <= 2 ? 5 : 6;
  }
  return out;
}

/** The status that a block of ours begins with. Undefined: it begins with something else, as trailers do. */
export function status(bytes: Buffer): number | undefined {
  let at = 0;
  while (((bytes[at] ?? 0) & 0xe0) === 0x20) at += 1;  // the table is 0 bytes large
  const first = bytes[at] ?? 0;
  const indexed = [200, 204, 206, 304, 400, 404, 500][(first & 0x7f) - 8];
  if ((first & 0x80) !== 0) return indexed;
  const name = (first & 0xc0) === 0x40 ? first & 0x3f : first & 0x0f;
  if (name < 8 || name > 14) return undefined;
  const size = bytes[at + 1] ?? 0;
  const value = bytes.subarray(at + 2, at + 2 + (size & 0x7f));
  return Number((size & 0x80) !== 0 ? digits(value) : value.toString('latin1'));
}
