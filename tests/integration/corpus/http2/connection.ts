// Frames that break a rule of the connection: each with the code of the GOAWAY that ends it.
import type { Case } from './play.js';
import {
  ack, block, continuation, credit, data, flag, frame, goaway, headers, hello, integer, last, many, open, ping, priority, priorityUpdate, request, reset, settings, type, u32,
} from './frames.js';

const protocol = 'PROTOCOL_ERROR';
const size = 'FRAME_SIZE_ERROR';
const flow = 'FLOW_CONTROL_ERROR';
const closed = 'STREAM_CLOSED';
const compression = 'COMPRESSION_ERROR';

// What the origin may have seen by then: of a request that is open nothing that it could take for whole.
const mistake = (name: string, why: string, ends: string, ...send: Buffer[]): Case => ({ name, why, ends, send, may: ['POST / cut'] });
const behind = (name: string, why: string, ends: string, may: string, ...send: Buffer[]): Case => ({ name, why, ends, send, may: [may, `${may} cut`] });

const blocks = (bytes: Buffer): Buffer => frame(type.headers, flag.endHeaders | flag.endStream, 1, Buffer.concat([block(request()), bytes]));

export const connection: readonly Case[] = [
  { name: 'PING before SETTINGS', why: '3.4', bare: true, ends: protocol, send: [hello.subarray(0, 24), ping()] },
  { name: 'HEADERS before SETTINGS', why: '3.4', bare: true, ends: protocol, send: [hello.subarray(0, 24), headers(1, request())] },
  { name: 'an acknowledgement as the first SETTINGS', why: '3.4', bare: true, ends: protocol, send: [hello.subarray(0, 24), ack] },

  mistake('DATA on stream 0', '6.1', protocol, data(0, 'x')),
  mistake('DATA on a stream that was never opened', '5.1', protocol, data(1, 'x')),
  mistake('DATA on a stream of ours', '5.1', protocol, data(2, 'x')),
  mistake('DATA that is all padding and more', '6.1', protocol, open(1), frame(type.data, flag.padded, 1, '\x05x')),
  mistake('DATA with a padding that is not there', '6.1', protocol, open(1), frame(type.data, flag.padded, 1, '')),
  mistake('a frame that is larger than we allow', '4.2', size, open(1), frame(type.data, 0, 1, 'x'.repeat(16_385))),
  mistake('HEADERS that are larger than we allow', '4.2', size, frame(type.headers, flag.endHeaders, 1, 'x'.repeat(16_385))),
  behind('DATA behind the end of a request', '5.1', closed, 'GET /', headers(1, request()), data(1, 'x')),
  behind('HEADERS behind the end of a request', '5.1', closed, 'GET /', headers(1, request()), headers(1, request())),

  mistake('HEADERS on stream 0', '6.2', protocol, headers(0, request())),
  mistake('HEADERS on a stream of ours', '5.1.1', protocol, headers(2, request())),
  { name: 'a stream below one that was opened is closed: what comes on it is not looked at', why: '5.1.1', send: [headers(5, request()), headers(3, request())], saw: ['GET /'], answers: { 5: 200 } },
  mistake('HEADERS with more padding than there is frame', '6.2', protocol, frame(type.headers, flag.padded | flag.endHeaders, 1, '\x7fx')),
  mistake('HEADERS too short for their PRIORITY', '6.2', size, frame(type.headers, flag.priority | flag.endHeaders, 1, 'abc')),

  mistake('a stream that depends on itself', 'RFC 7540 section 5.3.1', protocol, frame(type.headers, flag.priority | flag.endHeaders, 1, Buffer.concat([Buffer.from([0, 0, 0, 1, 15]), block(request())]))),
  mistake('PRIORITY of four bytes', '6.3', size, priority(1, 'abcd')),
  mistake('RST_STREAM on stream 0', '6.4', protocol, reset(0)),
  mistake('RST_STREAM for a stream that was never opened', '6.4', protocol, reset(1)),
  mistake('RST_STREAM of three bytes', '6.4', size, open(1), frame(type.reset, 0, 1, 'abc')),

  mistake('SETTINGS on a stream', '6.5', protocol, frame(type.settings, 0, 1)),
  mistake('SETTINGS of five bytes', '6.5', size, frame(type.settings, 0, 0, '12345')),
  mistake('an acknowledgement of SETTINGS with a payload', '6.5', size, frame(type.settings, flag.ack, 0, '123456')),
  mistake('acknowledgements that nobody asked for', '6.5.3', protocol, many(5, () => ack)),
  mistake('ENABLE_PUSH that is 2', '6.5.2', protocol, settings([2, 2])),
  mistake('INITIAL_WINDOW_SIZE beyond 31 bits', '6.5.2', flow, settings([4, 0x80000000])),
  mistake('MAX_FRAME_SIZE below the least', '6.5.2', protocol, settings([5, 16_383])),
  mistake('MAX_FRAME_SIZE above the most', '6.5.2', protocol, settings([5, 2 ** 24])),
  mistake('ENABLE_CONNECT_PROTOCOL that is 2', 'RFC 8441 section 3', protocol, settings([8, 2])),
  mistake('NO_RFC7540_PRIORITIES that is 2', 'RFC 9218 section 2.1', protocol, settings([9, 2])),

  mistake('PUSH_PROMISE from a client', '8.4', protocol, frame(type.push, flag.endHeaders, 1, Buffer.concat([u32(2), block(request())]))),
  mistake('PING on a stream', '6.7', protocol, frame(type.ping, 0, 1, '12345678')),
  mistake('PING of four bytes', '6.7', size, frame(type.ping, 0, 0, '1234')),
  mistake('GOAWAY on a stream', '6.8', protocol, frame(type.goaway, 0, 1, '12345678')),
  mistake('GOAWAY of four bytes', '6.8', size, frame(type.goaway, 0, 0, '1234')),
  mistake('PRIORITY_UPDATE on a stream', 'RFC 9218 section 7.1', protocol, priorityUpdate(1, 'u=1', 1)),
  mistake('PRIORITY_UPDATE for stream 0', 'RFC 9218 section 7.1', protocol, priorityUpdate(0)),
  mistake('PRIORITY_UPDATE of three bytes', 'RFC 9218 section 7.1', size, frame(16, 0, 0, 'abc')),

  mistake('credit of 0 for the connection', '6.9', protocol, credit(0, 0)),
  mistake('credit of 0 for a stream', '6.9', protocol, open(1), credit(1, 0)),
  mistake('credit beyond 31 bits for the connection', '6.9.1', flow, credit(0, 0x7fffffff)),
  mistake('credit for a stream that was never opened', '5.1', protocol, credit(1, 1)),
  mistake('WINDOW_UPDATE of three bytes', '6.9', size, frame(type.window, 0, 0, 'abc')),
  { name: 'a window that SETTINGS open beyond 31 bits', why: '6.9.2', send: [open(1), credit(1, 0x7fff0000), settings([4, 0x7fffffff])], may: ['POST / cut'], resets: { 1: flow } },

  mistake('CONTINUATION without HEADERS', '6.10', protocol, continuation(1, '')),
  mistake('CONTINUATION behind the last one', '6.10', protocol, open(1), continuation(1, '')),
  mistake('CONTINUATION of another stream', '6.10', protocol, headers(1, request(), 0), continuation(3, '')),
  mistake('DATA between HEADERS and CONTINUATION', '6.10', protocol, headers(1, request(), 0), data(1, 'x')),
  mistake('PING between HEADERS and CONTINUATION', '6.10', protocol, headers(1, request(), 0), ping()),
  mistake('a frame of no known type between HEADERS and CONTINUATION', '5.5', protocol, headers(1, request(), 0), frame(0xfe, 0, 1)),
  mistake('HEADERS of another stream between HEADERS and CONTINUATION', '6.10', protocol, headers(1, request(), 0), headers(3, request())),
  mistake('CONTINUATION on stream 0', '6.10', protocol, continuation(0, '')),

  mistake('an index that is not in the table', 'RFC 7541 section 2.3.3', compression, blocks(integer(70, 7, 0x80))),
  mistake('index 0', 'RFC 7541 section 6.1', compression, blocks(Buffer.from([0x80]))),
  mistake('a number without an end', 'RFC 7541 section 5.1', compression, blocks(Buffer.alloc(12, 0xff))),
  mistake('a text that is longer than its block', 'RFC 7541 section 5.2', compression, blocks(Buffer.from([0, 5, 0x61, 0x62]))),
  mistake('Huffman\'s end of a string in a string', 'RFC 7541 section 5.2', compression, blocks(Buffer.from([0, 1, 0x78, 0x84, 0xff, 0xff, 0xff, 0xff]))),
  mistake('Huffman\'s padding that is too long', 'RFC 7541 section 5.2', compression, blocks(Buffer.from([0, 1, 0x78, 0x82, 0x07, 0xff]))),
  mistake('a table that is larger than we allow', 'RFC 7541 section 6.3', compression, headers(1, Buffer.concat([integer(4097, 5, 0x20), block(request())]))),
  mistake('a new size of the table behind a field', 'RFC 7541 section 4.2', compression, blocks(Buffer.from([0x20]))),
  behind('a name by an index that has been evicted', 'RFC 7541 section 4.4', compression, 'GET /',
    headers(1, Buffer.concat([block(request()), Buffer.from([0x40]), integer(1, 7), Buffer.from('x'), integer(1, 7), Buffer.from('y')])),
    headers(3, Buffer.concat([Buffer.from([0x20]), block(request()), integer(62, 7, 0x80)]))),

  { name: 'more bytes than the window of the stream', why: '6.9.1', send: [open(1), many(5, () => data(1, 'x'.repeat(16_384)))], may: ['POST / cut'], resets: { 1: flow } },
  { name: 'more streams than the client knows it has', why: '5.1.2', ends: protocol, may: ['POST / cut'],
    send: [(f): boolean => f.type === type.settings, ack, many(101, (i) => open(2 * i + 1))] },
  { name: 'a client that says GOAWAY and has nothing open', why: '6.8', ends: 'nothing', send: [goaway()] },
  mistake('the end of a stream that was never opened', '5.1', protocol, last(1)),
];
