// WebSocket (RFC 6455) in its barest form: the handshake from both sides and unfragmented frames.
import { createHash, randomBytes } from 'node:crypto';
import type { Connection } from './connection.js';
import type { Request, Response } from './http.js';

export const opcodes = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

const acceptFor = (key: string): string =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');

/** Client side; the caller looks at the status, 101 with the right Sec-WebSocket-Accept or an error. */
export async function upgrade(connection: Connection, host: string, path = '/'): Promise<Response> {
  const key = randomBytes(16).toString('base64');
  const response = await connection.ask(
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`);
  if (response.status === 101 && response.head.get('sec-websocket-accept') !== acceptFor(key)) {
    throw new Error(`wrong Sec-WebSocket-Accept: ${response.head.raw}`);
  }
  return response;
}

/** Origin side: reads the request and accepts it. */
export async function acceptUpgrade(connection: Connection): Promise<Request> {
  const request = await connection.readRequest();
  const key = request.head.get('sec-websocket-key');
  if (key === undefined) throw new Error(`not a WebSocket request: ${request.head.raw}`);
  await connection.send(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${acceptFor(key)}\r\n\r\n`);
  return request;
}

export function encodeFrame(opcode: number, payload: Buffer | string, masked: 'masked' | 'plain'): Buffer {
  const data = Buffer.from(payload);
  const mask = masked === 'masked' ? randomBytes(4) : Buffer.alloc(0);
  const head = data.length < 126 ? Buffer.alloc(2) : data.length < 65536 ? Buffer.alloc(4) : Buffer.alloc(10);
  head[0] = 0x80 | opcode;
  head[1] = (data.length < 126 ? data.length : data.length < 65536 ? 126 : 127) | (masked === 'masked' ? 0x80 : 0);
  if (head.length === 4) head.writeUInt16BE(data.length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(data.length), 2);
  const body = masked === 'masked' ? data.map((byte, i) => byte ^ (mask[i % 4] ?? 0)) : data;
  return Buffer.concat([head, mask, body]);
}

export async function readFrame(connection: Connection): Promise<Frame> {
  const head = await connection.reader.exactly(2, 'a frame');
  const opcode = head.readUInt8(0) & 0x0f;
  const masked = (head.readUInt8(1) & 0x80) !== 0;
  let length = head.readUInt8(1) & 0x7f;
  if (length === 126) length = (await connection.reader.exactly(2)).readUInt16BE();
  else if (length === 127) length = Number((await connection.reader.exactly(8)).readBigUInt64BE());
  const mask = masked ? Buffer.from(await connection.reader.exactly(4)) : undefined;
  const payload = Buffer.from(await connection.reader.exactly(length, 'a frame payload'));
  return { opcode, payload: mask === undefined ? payload : payload.map((byte, i) => byte ^ (mask[i % 4] ?? 0)) as Buffer };
}
