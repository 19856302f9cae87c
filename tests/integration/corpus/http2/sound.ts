// What is allowed, however odd it looks: the request reaches the origin as what it is, and the answer its client. And
// requests that are answered by us, for what they are.
import type { Case } from './play.js';
import {
  block, but, continuation, credit, data, flag, frame, goaway, headers, hello, last, many, open, ping, priority, priorityUpdate, request, reset, settings, type, without, type Lines,
} from './frames.js';

type More = Partial<Case>;
const sound = (name: string, why: string, send: readonly Buffer[], more: More = {}): Case => ({ name, why, send, saw: ['GET /'], answers: { 1: 200 }, ...more });
const lines = (name: string, why: string, fields: Lines, more: More = {}): Case => sound(name, why, [headers(1, fields)], more);
const refused = (name: string, why: string, fields: Lines, status: number): Case => sound(name, why, [headers(1, fields)], { saw: [], answers: { 1: status } });
const posted = (name: string, why: string, saw: string, ...send: Buffer[]): Case => sound(name, why, send, { saw: [saw] });
const split = block(request());

export const soundRequests: readonly Case[] = [
  lines('a GET', '8.3.1', request()),
  lines('HEAD', '8.3.1', request('HEAD'), { saw: ['HEAD /'] }),
  lines('an asterisk for OPTIONS', '8.3.1', but(':path', '*').map(([n, v]) => [n, n === ':method' ? 'OPTIONS' : v] as const), { saw: ['OPTIONS *'] }),
  lines('a method that nobody knows', '8.3.1', request('BREW'), { saw: ['BREW /'] }),
  lines('a path with a query and everything', '8.3.1', request('GET', '/a/../b?c=%0d%0a#'.slice(0, -1)), { saw: ['GET /a/../b?c=%0d%0a'] }),
  lines('Host in place of :authority', '8.3.1', [...without(':authority'), ['host', 'web.test']]),
  lines('Host that is what :authority is', '8.3.1', request('GET', '/', [['host', 'web.test']])),
  lines('an :authority with a port', '8.3.1', but(':authority', 'web.test:8080'), { saw: ['GET / at web.test:8080'] }),
  lines('Cookie in crumbs', '8.2.3', request('GET', '/', [['cookie', 'a=1'], ['x', 'y'], ['cookie', 'b=2']]), { lines: { cookie: 'a=1; b=2', x: 'y' } }),
  lines('TE: trailers', '8.2.2', request('GET', '/', [['te', 'trailers']])),
  lines('an empty value', '8.2.1', request('GET', '/', [['x', '']]), { lines: { x: '' } }),
  lines('a value beyond ASCII', '8.2.1', request('GET', '/', [['x', '\xe4\xf6']]), { lines: { x: '\xe4\xf6' } }),
  lines('a tab within a value', '8.2.1', request('GET', '/', [['x', 'a\tb']]), { lines: { x: 'a\tb' } }),
  lines('fields that smuggle nothing', '8.2.2', request('GET', '/', [['transfer_encoding', 'chunked'], ['http2-settings', 'x']]), { lines: { 'http2-settings': undefined } }),

  posted('a body without a length', '8.1', 'POST / "hello"', open(1), data(1, 'hel'), last(1, 'lo')),
  posted('a body with its length', '8.1', 'POST / "hello"', open(1, request('POST', '/', [['content-length', '5']])), last(1, 'hello')),
  posted('an empty body', '8.1', 'POST /', headers(1, request('POST'))),
  posted('a body that ends with an empty frame', '6.1', 'POST / "hello"', open(1), data(1, 'hello'), last(1)),
  posted('a body that looks like HTTP/1', '8.1', 'POST / "0\\r\\n\\r\\nGET /smuggled HTTP/1.1\\r\\n\\r\\n"', open(1), last(1, '0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n')),
  posted('a GET with a body', '8.1', 'GET / "x"', open(1, request()), last(1, 'x')),
  posted('padding around data', '6.1', 'POST / "hello"', open(1), frame(type.data, flag.padded | flag.endStream, 1, '\x10hello' + '\0'.repeat(16))),
  posted('a frame that is all padding', '6.1', 'POST / "x"', open(1), frame(type.data, flag.padded, 1, '\x05' + '\0'.repeat(5)), last(1, 'x')),
  posted('trailers', '8.1', 'POST / "x" trailer x-sum: 7', open(1, request('POST', '/', [['te', 'trailers']])), data(1, 'x'), headers(1, [['x-sum', '7']])),
  posted('trailers that may not be any are left out', '8.1', 'POST / "x"', open(1), data(1, 'x'), headers(1, [['authorization', 'x'], ['cache-control', 'no-store']])),
  posted('trailers and no data', '8.1', 'POST / trailer x-sum: 0', open(1), headers(1, [['x-sum', '0']])),

  sound('padding around fields', '6.2', [frame(type.headers, flag.padded | flag.endHeaders | flag.endStream, 1, Buffer.concat([Buffer.from([8]), split, Buffer.alloc(8)]))]),
  sound('PRIORITY in HEADERS', '6.2', [frame(type.headers, flag.priority | flag.endHeaders | flag.endStream, 1, Buffer.concat([Buffer.from([0, 0, 0, 3, 15]), split]))]),
  sound('PRIORITY is not looked at', '5.3', [priority(0), priority(1), headers(1, request())]),
  sound('CONTINUATION', '6.10', [frame(type.headers, flag.endStream, 1, split.subarray(0, 10)), continuation(1, split.subarray(10, 20), 0), continuation(1, split.subarray(20))]),
  sound('a CONTINUATION without anything', '6.10', [frame(type.headers, flag.endStream, 1, ''), continuation(1, '', 0), continuation(1, split)]),
  sound('fields that are in no frame but CONTINUATION', '6.10', [frame(type.headers, flag.endStream, 1, ''), continuation(1, split)]),
  sound('a bit that is reserved', '4.1', [frame(type.headers, flag.endHeaders | flag.endStream, 0x80000001, split)]),
  sound('flags that nobody knows', '4.1', [frame(type.headers, flag.endHeaders | flag.endStream | 0x90 & ~flag.priority, 1, split)]),
  sound('a few frames of a type that nobody knows', '4.1', [frame(0xfe, 255, 7, 'what?'), headers(1, request()), frame(0xfd, 0, 0)]),
  sound('settings that nobody knows', '6.5.2', [settings([0x7777, 1], [0, 5]), headers(1, request())]),
  sound('settings at their limits', '6.5.2', [settings([4, 0x7fffffff], [5, 2 ** 24 - 1], [3, 0], [6, 0]), headers(1, request())]),
  sound('PING with flags that nobody knows', '6.7', [frame(type.ping, 0xfe, 0, '12345678'), headers(1, request())]),
  sound('an answer to a PING that nobody asked', '6.7', [ping('12345678', flag.ack), headers(1, request())]),
  sound('PRIORITY for streams to come, and for such as never will', '5.3', [priority(1), priority(4), priority(99), headers(1, request())]),
  sound('PRIORITY_UPDATE before the request', 'RFC 9218 section 7.1', [priorityUpdate(1, 'u=0'), headers(1, request())]),
  sound('PRIORITY_UPDATE with a value that is none', 'RFC 9218 section 4', [headers(1, request()), priorityUpdate(1, 'u=;;?')]),
  sound('a priority that is none', 'RFC 9218 section 4', [headers(1, request('GET', '/', [['priority', 'u=99, i=?']]))]),
  sound('a GOAWAY by the client does not end its requests', '6.8', [headers(1, request()), goaway()], { ends: 'nothing' }),
  sound('a reset behind the answer', '5.1', [], {
    send: [headers(1, request()), (f): boolean => f.stream === 1 && (f.flags & flag.endStream) !== 0 && f.type === type.data, reset(1), credit(1, 1)] }),
  sound('a window that closes and opens', '6.9.2', [], {
    send: [settings([4, 0]), headers(1, request()), (f): boolean => f.type === type.headers && f.stream === 1, credit(1, 1), credit(1, 100)] }),
  sound('a window that goes below zero', '6.9.2', [], {
    send: [headers(1, request()), (f): boolean => f.type === type.headers && f.stream === 1, settings([4, 0]), settings([4, 65_535])] }),
  { name: 'a preface that comes in pieces', why: '3.4', bare: true, send: [hello.subarray(0, 3), hello.subarray(3, 25), hello.subarray(25), headers(1, request())], saw: ['GET /'], answers: { 1: 200 } },
  { name: 'streams that skip numbers, answered side by side', why: '5.1.1', send: [headers(3, request('GET', '/a')), headers(11, request('GET', '/b')), headers(101, request('GET', '/c'))],
    saw: ['GET /a', 'GET /b', 'GET /c'], answers: { 3: 200, 11: 200, 101: 200 } },
  { name: 'a request that is taken back is never whole', why: '5.4.2', send: [open(1, request('POST', '/', [['content-length', '10']])), data(1, 'hello'), reset(1)], may: ['POST / cut'] },
  { name: 'DATA on its way to a stream that was reset', why: '5.1', send: [open(1), data(1, 'x'), reset(1), headers(3, request())], saw: ['GET /'], may: ['POST / cut'], answers: { 3: 200 } },
  { name: 'interim answers of the origin', why: '8.1', send: [headers(1, request())], saw: ['GET /'], answers: { 1: 200 },
    origin: [{ bytes: 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' }] },
  { name: 'fields of the connection in an answer stay behind', why: '8.2.2', send: [headers(1, request())], saw: ['GET /'], answers: { 1: 204 },
    origin: [{ bytes: 'HTTP/1.1 204 No\r\nConnection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n\r\n' }] },
  { name: 'an answer that the origin cuts', why: '8.1', send: [headers(1, request())], saw: ['GET /'], answers: { 1: 200 }, resets: { 1: 'INTERNAL_ERROR' },
    origin: [{ bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf', then: 'close' }] },
  { name: 'an answer before the end of the request', why: '8.1', send: [open(1), data(1, 'x')], may: ['POST / cut'], answers: { 1: 403 },
    origin: [{ when: 'head', bytes: 'HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno' }] },

  refused('an expectation that nobody meets', 'RFC 9110 section 10.1.1', request('GET', '/', [['expect', 'miracles']]), 417),
  refused('CONNECT to a reverse proxy', 'RFC 9110 section 9.3.6', [[':method', 'CONNECT'], [':authority', 'web.test:1']], 405),
  refused('a path that is too long', 'RFC 9110 section 15.5.15', request('GET', `/${'x'.repeat(10_000)}`), 414),
  refused('fields that are too many', 'RFC 6585 section 5', request('GET', '/', Array.from({ length: 200 }, (_, i) => [`x-${i}`, 'y'] as const)), 431),
  sound('fields that are too large', 'RFC 6585 section 5', [
    headers(1, request('GET', '/', [['x', 'y'.repeat(16_000)]]), flag.endStream), continuation(1, block([['z', 'y'.repeat(16_000)]]), 0), continuation(1, block([['a', 'y'.repeat(16_000)]]), 0),
    continuation(1, block([['b', 'y'.repeat(16_000)]])),
  ], { saw: [], answers: { 1: 431 } }),
  refused('an extended CONNECT for what nobody knows', 'RFC 8441 section 4', [[':method', 'CONNECT'], [':protocol', 'connect-udp'], [':scheme', 'http'], [':path', '/'], [':authority', 'web.test']], 501),
  { name: 'more streams than were allowed', why: '5.1.2', send: [many(100, (i) => open(2 * i + 1)), open(201), (f): boolean => f.type === type.reset, reset(1)], may: ['POST / cut'], resets: { 201: 'REFUSED_STREAM' } },
];
