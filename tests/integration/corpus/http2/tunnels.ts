// CONNECT, plain and extended.
import type { Case } from './play.js';
import { data, flag, headers, last, open, request, reset, type, without, type Lines } from './frames.js';

const connect = (origin: string): Lines => [[':method', 'CONNECT'], [':authority', origin]];
const websocket: Lines = [[':method', 'CONNECT'], [':protocol', 'websocket'], [':scheme', 'http'], [':path', '/chat'], [':authority', 'web.test']];
const bad = (name: string, why: string, lines: Lines, on: 'reverse' | 'forward' = 'forward'): Case =>
  ({ name, why, on, send: [headers(1, lines, flag.endHeaders)], resets: { 1: 'PROTOCOL_ERROR' } });

export const tunnels: readonly Case[] = [
  bad('CONNECT with :path', '8.5', [...connect('a:1'), [':path', '/']]),
  bad('CONNECT with :scheme', '8.5', [...connect('a:1'), [':scheme', 'http']]),
  bad('CONNECT without :authority', '8.5', [[':method', 'CONNECT']]),
  bad('CONNECT with Host alone', '8.5', [[':method', 'CONNECT'], ['host', 'a:1']]),
  bad('extended CONNECT without :path', 'RFC 8441 section 4', without(':path', websocket), 'reverse'),
  bad('extended CONNECT without :scheme', 'RFC 8441 section 4', without(':scheme', websocket), 'reverse'),
  bad('extended CONNECT with two :protocol', 'RFC 8441 section 4', [[':protocol', 'websocket'], ...websocket], 'reverse'),
  bad('extended CONNECT with an empty :protocol', 'RFC 8441 section 4', websocket.map(([n, v]) => [n, n === ':protocol' ? '' : v] as const), 'reverse'),
  bad('extended CONNECT with Upgrade', '8.2.2', [...websocket, ['upgrade', 'websocket']], 'reverse'),
  { name: 'CONNECT without a port', why: '8.5', on: 'forward', send: [headers(1, connect('a'), flag.endHeaders)], answers: { 1: 400 } },
  { name: 'CONNECT with user information', why: '8.5', on: 'forward', send: [headers(1, connect('u@a:1'), flag.endHeaders)], answers: { 1: 400 } },
  { name: 'a tunnel', why: '8.5', on: 'forward', saw: ['GET /through at web.test'].map((s) => s.replace(' at web.test', '')), answers: { 1: 200 },
    send: (origin) => [open(1, connect(origin)), (f): boolean => f.type === type.headers, data(1, 'GET /through HTTP/1.1\r\nHost: web.test\r\n\r\n'), (f): boolean => f.type === type.data] },
  { name: 'bytes that do not wait for the tunnel', why: 'RFC 9931', on: 'forward', saw: ['GET /early'], answers: { 1: 200 },
    send: (origin) => [open(1, connect(origin)), data(1, 'GET /early HTTP/1.1\r\nHost: web.test\r\n\r\n'), (f): boolean => f.type === type.data] },
  { name: 'a tunnel that the client ends', why: '8.5', on: 'forward', answers: { 1: 200 },
    send: (origin) => [open(1, connect(origin)), (f): boolean => f.type === type.headers, last(1), (f): boolean => f.stream === 1 && f.type === type.data && (f.flags & flag.endStream) !== 0] },
  { name: 'HEADERS in a tunnel', why: '8.5', on: 'forward', answers: { 1: 200 }, resets: { 1: 'PROTOCOL_ERROR' },
    send: (origin) => [open(1, connect(origin)), (f): boolean => f.type === type.headers, headers(1, request(), flag.endHeaders)] },
  { name: 'a tunnel that is reset', why: '8.5', on: 'forward', answers: { 1: 200 }, send: (origin) => [open(1, connect(origin)), (f): boolean => f.type === type.headers, reset(1)] },
  { name: 'a WebSocket that the origin refuses', why: 'RFC 8441 section 5', saw: ['GET /chat'], answers: { 1: 403 }, lines: { upgrade: 'websocket', connection: 'upgrade' },
    send: [open(1, websocket), data(1, 'never to be seen')], origin: [{ bytes: 'HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n' }] },
  { name: 'a WebSocket that the origin takes for a request', why: 'RFC 8441 section 5', saw: ['GET /chat'], answers: { 1: 502 }, send: [open(1, websocket), data(1, 'never to be seen')] },
  { name: 'a WebSocket that the origin answers without the key', why: 'RFC 6455 section 4.1', saw: ['GET /chat'], answers: { 1: 502 }, send: [open(1, websocket)],
    origin: [{ bytes: 'HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n' }] },
  { name: 'a key of the client is not passed on', why: 'RFC 8441 section 5', saw: ['GET /chat'], answers: { 1: 502 }, send: [open(1, [...websocket, ['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ==']])],
    origin: [{ bytes: 'HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n' }] },
  { name: 'a length of a WebSocket', why: 'RFC 8441 section 4', answers: { 1: 400 }, send: [open(1, [...websocket, ['content-length', '5']])] },
];
