// Requests that are malformed (RFC 9113 section 8.1.1): the stream is reset, the origin sees nothing of it that it could
// take for whole, and the connection goes on.
import type { Case } from './play.js';
import { but, data, flag, headers, last, open, request, without, type Lines } from './frames.js';

const malformed = (name: string, why: string, lines: Lines): Case => ({ name, why, send: [headers(1, lines)], resets: { 1: 'PROTOCOL_ERROR' } });
const field = (name: string, why: string, ...more: Array<readonly [string, string]>): Case => malformed(name, why, request('GET', '/', more));
/** One that shows only once its body comes: the origin may have seen its head by then, never its end. */
const late = (name: string, why: string, lines: Lines, ...body: Buffer[]): Case =>
  ({ name, why, send: [open(1, lines), ...body], resets: { 1: 'PROTOCOL_ERROR' }, may: ['POST / cut'] });
/** One that has come as far as its length says when more comes: the origin may have seen what the length says, and no more. */
const longer = (name: string, why: string, whole: string, lines: Lines, ...body: Buffer[]): Case =>
  ({ ...late(name, why, lines, ...body), may: ['POST / cut', whole] });
const post = (...more: Array<readonly [string, string]>): Lines => request('POST', '/', more);

export const malformedRequests: readonly Case[] = [
  field('a name in upper case', '8.2.1', ['X-Up', '1']),
  field('an empty name', '8.2.1', ['', '1']),
  field('a name with a space', '8.2.1', ['x y', '1']),
  field('a name with a colon', '8.2.1', ['x:y', '1']),
  field('a name with a line end', '8.2.1', ['x\r\ny', '1']),
  field('a name with a control byte', '8.2.1', ['x\x01', '1']),
  field('a name with DEL', '8.2.1', ['x\x7f', '1']),
  field('a name beyond ASCII', '8.2.1', ['x\xe4', '1']),
  field('CR in a value', '8.2.1', ['x', 'a\rb']),
  field('LF in a value', '8.2.1', ['x', 'a\nb']),
  field('NUL in a value', '8.2.1', ['x', 'a\0b']),
  field('a request smuggled into a value', '8.2.1', ['x', 'a\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n']),
  field('a space before a value', '8.2.1', ['x', ' a']),
  field('a space behind a value', '8.2.1', ['x', 'a ']),
  field('a tab behind a value', '8.2.1', ['x', 'a\t']),

  field('Connection', '8.2.2', ['connection', 'keep-alive']),
  field('Connection that names Host', '8.2.2', ['connection', 'host']),
  field('Keep-Alive', '8.2.2', ['keep-alive', 'timeout=5']),
  field('Proxy-Connection', '8.2.2', ['proxy-connection', 'close']),
  field('Upgrade', '8.2.2', ['upgrade', 'websocket']),
  field('TE that is more than trailers', '8.2.2', ['te', 'trailers, gzip']),
  late('Transfer-Encoding', '8.2.2', post(['transfer-encoding', 'chunked']), last(1, '0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n')),
  late('Transfer-Encoding beside a length', '8.2.2', post(['content-length', '5'], ['transfer-encoding', 'chunked']), last(1, '0\r\n\r\n')),

  malformed('no :method', '8.3.1', without(':method')),
  malformed('no :scheme', '8.3.1', without(':scheme')),
  malformed('no :path', '8.3.1', without(':path')),
  malformed('neither :authority nor Host', '8.3.1', without(':authority')),
  malformed('no fields at all', '8.3.1', []),
  malformed('an empty :path', '8.3.1', but(':path', '')),
  malformed('an empty :method', '8.3.1', but(':method', '')),
  malformed('an empty :scheme', '8.3.1', but(':scheme', '')),
  field('two :method', '8.3', [':method', 'GET']),
  field('two :path', '8.3', [':path', '/admin']),
  field('two :scheme', '8.3', [':scheme', 'http']),
  field('two :authority', '8.3', [':authority', 'web.test']),
  field('a pseudo-field of answers', '8.3', [':status', '200']),
  field('a pseudo-field that nobody knows', '8.3', [':colour', 'red']),
  malformed(':path behind a field', '8.3', [...without(':path'), ['x', '1'], [':path', '/']]),
  malformed(':authority behind a field', '8.3', [...without(':authority'), ['x', '1'], [':authority', 'web.test']]),
  field(':protocol in a GET', 'RFC 8441 section 4', [':protocol', 'websocket']),
  malformed('a method with a space', '8.3.1', but(':method', 'GET /smuggled')),
  malformed('a method with a line end', '8.3.1', but(':method', 'GET / HTTP/1.1\r\nx: ')),
  malformed('a path with a space', '8.3.1', but(':path', '/ HTTP/1.1')),
  malformed('a path with a line end', '8.3.1', but(':path', '/ HTTP/1.1\r\nx: y')),
  malformed('a path with NUL', '8.3.1', but(':path', '/\0')),
  malformed('a path that does not begin with a slash', '8.3.1', but(':path', 'x')),
  malformed('an asterisk for GET', '8.3.1', but(':path', '*')),
  malformed('an authority with a line end', '8.3.1', but(':authority', 'web.test\r\nx: y')),
  malformed('an authority with a path', '8.3.1', but(':authority', 'web.test/x')),
  malformed('a scheme with a line end', '8.3.1', but(':scheme', 'http\r\nx: y')),
  field('Host that is not :authority', '8.3.1', ['host', 'other.test']),
  field('two Host', '8.3.1', ['host', 'web.test'], ['host', 'web.test']),

  malformed('a length and no body', '8.1.1', request('POST', '/', [['content-length', '5']])),
  late('a body that is shorter than its length', '8.1.1', post(['content-length', '5']), last(1, '1234')),
  late('a body that is longer than its length', '8.1.1', post(['content-length', '3']), last(1, '1234')),
  longer('a body that outgrows its length', '8.1.1', 'POST / "123"', post(['content-length', '3']), data(1, '123'), data(1, 'GET /smuggled HTTP/1.1\r\n\r\n')),
  longer('a body behind a length of 0', '8.1.1', 'POST /', post(['content-length', '0']), last(1, 'GET /smuggled HTTP/1.1\r\n\r\n')),
  late('two lengths', '8.1.1', post(['content-length', '1'], ['content-length', '1']), last(1, '1')),
  late('two lengths that differ', '8.1.1', post(['content-length', '1'], ['content-length', '2']), last(1, '1')),
  late('a length with a sign', '8.1.1', post(['content-length', '+1']), last(1, '1')),
  late('a length with a space in it', '8.1.1', post(['content-length', '1 1']), last(1, '1')),
  late('a length that is a list', '8.1.1', post(['content-length', '1, 1']), last(1, '1')),
  late('a length in hexadecimal', '8.1.1', post(['content-length', '0x1']), last(1, '1')),
  late('an empty length', '8.1.1', post(['content-length', '']), last(1)),
  late('a length beyond 63 bits', '8.1.1', post(['content-length', '9223372036854775808']), last(1, '1')),
  late('trailers that come before the length is reached', '8.1.1', post(['content-length', '5']), data(1, '1234'), headers(1, [['x', '1']])),

  late('a pseudo-field in the trailers', '8.1', post(), data(1, 'x'), headers(1, [[':path', '/admin']])),
  late('trailers that do not end the stream', '8.1', post(), data(1, 'x'), headers(1, [['x', '1']], flag.endHeaders)),
  late('a trailer in upper case', '8.2.1', post(), data(1, 'x'), headers(1, [['X', '1']])),
  late('a trailer with a line end', '8.2.1', post(), data(1, 'x'), headers(1, [['x', 'a\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n']])),
  late('Connection in the trailers', '8.2.2', post(), data(1, 'x'), headers(1, [['connection', 'close']])),
];
