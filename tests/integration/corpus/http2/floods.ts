// Frames that cost us and gain the client nothing, each more often than any budget allows: GOAWAY(ENHANCE_YOUR_CALM).
import type { Case } from './play.js';
import { block, continuation, credit, data, flag, frame, goaway, headers, integer, many, open, ping, priority, priorityUpdate, request, reset, settings, type, u32, type Lines } from './frames.js';

/** What is counted in sluice_http2_floods_total. */
export type Cause = 'resets' | 'errors' | 'continuations' | 'fields' | 'settings' | 'pings' | 'priorities' | 'empty_frames' | 'windows' | 'unknown_frames';
export interface Flood extends Case { readonly cause: Cause }

const flood = (name: string, cause: Cause, send: readonly Buffer[], may: readonly string[] = []): Flood =>
  ({ name, cause, why: '10.5', ends: 'ENHANCE_YOUR_CALM', streams: 'any', send, may });
const streams = (count: number, one: (stream: number) => Buffer): Buffer => many(count, (i) => one(2 * i + 1));
const field = (name: string, value: string): Buffer => block([[name, value]]);
const connectionField: Lines = request('GET', '/', [['connection', 'x']]);
// into the table, to be named with one byte each from then on
const large = Buffer.concat([Buffer.from([0x40]), integer(1, 7), Buffer.from('x'), integer(4000, 7), Buffer.alloc(4000, 'y')]);

export const floods: readonly Flood[] = [
  flood('rapid reset (CVE-2023-44487)', 'resets', [streams(2000, (s) => Buffer.concat([headers(s, request()), reset(s)]))], ['GET /', 'GET / cut']),
  flood('rapid reset of uploads', 'resets', [streams(2000, (s) => Buffer.concat([open(s), data(s, 'x'), reset(s)]))], ['POST / cut']),
  flood('MadeYouReset by credit beyond 31 bits (CVE-2025-8671)', 'errors', [streams(2000, (s) => Buffer.concat([open(s), credit(s, 0x7fffffff)]))], ['POST / cut']),
  flood('MadeYouReset by malformed requests', 'errors', [streams(2000, (s) => headers(s, connectionField))]),
  flood('MadeYouReset by lengths that do not fit', 'errors', [streams(2000, (s) => headers(s, request('POST', '/', [['content-length', '1']])))], ['POST / cut']),
  flood('CONTINUATION without an end (CVE-2024-27316)', 'continuations', [headers(1, request(), flag.endStream), many(3000, () => continuation(1, field('x', 'y'), 0))]),
  flood('empty CONTINUATION', 'continuations', [headers(1, request(), flag.endStream), many(3000, () => continuation(1, '', 0))]),
  flood('large CONTINUATION', 'continuations', [headers(1, request(), flag.endStream), many(60, () => continuation(1, field('x', 'y'.repeat(16_000)), 0))]),
  flood('a bomb of HPACK', 'fields', [streams(100, (s) => headers(s, Buffer.concat([block(request()), s === 1 ? large : Buffer.alloc(0), Buffer.alloc(8000, 0xbe)])))]),
  flood('SETTINGS', 'settings', [many(1000, () => settings())]),
  flood('SETTINGS that change the table', 'settings', [many(1000, (i) => settings([1, i % 2 === 0 ? 0 : 4096]))]),
  flood('SETTINGS that change the window of many streams', 'settings', [streams(90, (s) => open(s)), many(1000, (i) => settings([4, i]))], ['POST / cut']),
  flood('PING', 'pings', [many(5000, () => ping())]),
  flood('answers to PING', 'pings', [many(5000, () => ping('12345678', flag.ack))]),
  flood('PRIORITY', 'priorities', [many(5000, () => priority(3))]),
  flood('PRIORITY_UPDATE', 'priorities', [many(5000, () => priorityUpdate(1))]),
  flood('empty DATA', 'empty_frames', [open(1), many(2000, () => data(1, ''))], ['POST / cut']),
  flood('DATA of padding alone', 'empty_frames', [open(1), many(2000, () => frame(type.data, flag.padded, 1, '\0'))], ['POST / cut']),
  flood('credit byte by byte', 'windows', [many(30_000, () => credit(0, 1))]),
  flood('credit byte by byte for a stream', 'windows', [open(1), many(30_000, () => credit(1, 1))], ['POST / cut']),
  flood('frames of a type that nobody knows', 'unknown_frames', [many(2000, () => frame(0xfe, 0, 0, 'x'))]),
  flood('GOAWAY', 'unknown_frames', [many(2000, () => goaway())]),
  flood('requests that are answered with what is wrong with them', 'errors', [streams(2000, (s) => headers(s, request('GET', '/', [['expect', 'miracles']])))]),
  flood('ALTSVC and ORIGIN', 'unknown_frames', [many(2000, (i) => frame(i % 2 === 0 ? 10 : 12, 0, 0, Buffer.concat([u32(0)])))]),
];
