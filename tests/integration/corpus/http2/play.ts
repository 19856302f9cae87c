// Plays a case of HTTP/2 and says what is not as it expects: what reached the origin, how each stream and the
// connection ended. What the origin may see is judged as in the corpus of HTTP/1: it has one reading, and nothing but
// what the case says reaches it.
import { connect as connectSocket, type Socket } from 'node:net';
import { h2, sleep } from '../../kit/index.js';
import { statusOf, ambiguities, readResponse, value } from '../wire.js';
import { probeAnswer, type LaneOrigin, type Seen } from '../origin.js';
import type { OriginAnswer } from '../format.js';
import { ack, codes, flag, headers, ping, request, status, type } from './frames.js';

/** Bytes to send, or a frame to wait for. */
export type Step = Buffer | ((frame: h2.Frame) => boolean);

export interface Case {
  readonly name: string;
  /** Sections are RFC 9113's, unless another one is named. */
  readonly why: string;
  readonly on?: 'reverse' | 'forward';
  /** Behind the preface and SETTINGS, unless the case is about these. `origin` is where the lane's origin listens. */
  readonly send: readonly Step[] | ((origin: string) => readonly Step[]);
  readonly bare?: boolean;
  /** What the origin answers; 200 and `ok` when nothing is said. */
  readonly origin?: ReadonlyArray<Partial<OriginAnswer>>;
  /** What the origin sees, whole: `GET /`, `POST / "body"`, `POST / "body" trailer x: 1`, `GET / at other.test`. */
  readonly saw?: readonly string[];
  /** What it may see or not: that is a matter of time. `POST / cut` is one that it can tell from a whole one. */
  readonly may?: readonly string[];
  /** Lines of the first request that the origin saw. */
  readonly lines?: Readonly<Record<string, string | undefined>>;
  readonly tunnel?: string;
  /** `any`: what becomes of the streams does not matter. */
  readonly streams?: 'any';
  /** The final status on each stream. */
  readonly answers?: Readonly<Record<number, number>>;
  /** Streams that are reset, and with what; NO_ERROR behind a whole answer need not be said. */
  readonly resets?: Readonly<Record<number, string>>;
  /** The code of the GOAWAY that ends the connection, or `nothing` when it ends without one. Without `ends` it goes on. */
  readonly ends?: string;
}

const last = 0x7fffff;  // the stream that shows that the connection goes on

class Wire {
  readonly frames: h2.Frame[] = [];
  ended = false;
  private rest = Buffer.alloc(0);
  private wake: (() => void) | undefined;

  private constructor(readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('data', (bytes) => { this.take(bytes); this.wake?.(); });
    socket.on('error', () => { this.ended = true; this.wake?.(); });
    socket.on('end', () => { this.ended = true; this.wake?.(); });
    socket.on('close', () => { this.ended = true; this.wake?.(); });
  }

  static async open(port: number): Promise<Wire> {
    const socket = connectSocket({ host: '127.0.0.1', port, allowHalfOpen: true });
    await new Promise<void>((done, fail) => { socket.once('connect', done); socket.once('error', fail); });
    return new Wire(socket);
  }

  private take(bytes: Buffer): void {
    this.rest = Buffer.concat([this.rest, bytes]);
    while (this.rest.length >= 9) {
      const size = this.rest.readUIntBE(0, 3);
      if (this.rest.length < 9 + size) return;
      this.frames.push({ type: this.rest.readUInt8(3), flags: this.rest.readUInt8(4), stream: this.rest.readUInt32BE(5), payload: this.rest.subarray(9, 9 + size) });
      this.rest = this.rest.subarray(9 + size);
    }
  }

  async until(enough: () => boolean, ms: number): Promise<boolean> {
    const end = Date.now() + ms;
    while (!enough()) {
      const left = end - Date.now();
      if (this.ended || left <= 0) return false;
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((done) => { this.wake = done; timer = setTimeout(done, left); });
      clearTimeout(timer);
    }
    return true;
  }

  goaway(): string | undefined {
    const found = this.frames.find((f) => f.type === type.goaway);
    return found === undefined ? undefined : codes[found.payload.readUInt32BE(4)];
  }

  resets(): Record<number, string> {
    return Object.fromEntries(this.frames.filter((f) => f.type === type.reset).map((f) => [f.stream, codes[f.payload.readUInt32BE(0)] ?? 'unknown']));
  }

  answers(): Record<number, number> {
    const found: Record<number, number> = {};
    for (const f of this.frames) {
      const said = f.type === type.headers ? status(f.payload) : undefined;
      if (said !== undefined && said >= 200) found[f.stream] = said;
    }
    return found;
  }

  whole(stream: number): boolean {
    return this.frames.some((f) => f.stream === stream && (f.type === type.data || f.type === type.headers) && (f.flags & flag.endStream) !== 0);
  }
}

export interface Stage {
  readonly port: number;
  readonly origin: LaneOrigin;
  readonly patience: number;
}

/** Anything the proxy still had for the origin has arrived once this has been answered. */
async function barrier(port: number): Promise<void> {
  const socket = connectSocket({ host: '127.0.0.1', port });
  let text = '';
  await new Promise<void>((done, fail) => {
    socket.on('data', (bytes) => { text += bytes.toString('latin1'); if (text.endsWith(probeAnswer)) done(); });
    socket.on('error', fail);
    socket.on('close', () => done());
    socket.write('GET /probe/barrier HTTP/1.1\r\nHost: probe\r\n\r\n');
  });
  socket.destroy();
  const answer = readResponse(text, 'GET', 'close');
  if (answer === undefined || statusOf(answer) !== 200) throw new Error(`the barrier was answered ${JSON.stringify(text)}`);
}

function seen({ message }: Seen): string {
  const host = value(message, 'host');
  const parts = [message.start.split(' ').slice(0, 2).join(' ')];
  if (host !== 'web.test') parts.push(`at ${host ?? 'no host'}`);
  if (!message.complete) return [...parts, 'cut'].join(' ');
  if (message.body !== '') parts.push(message.body.length > 40 ? `(${message.body.length} bytes)` : JSON.stringify(message.body));
  return [...parts, ...message.trailers.map((line) => `trailer ${line}`)].join(' ');
}

function judgeOrigin(one: Case, origin: LaneOrigin): string[] {
  const { requests, early, fragments, tunnel } = origin.witness();
  const wrong: string[] = [];
  for (const { head } of requests) for (const bad of ambiguities(head)) wrong.push(`the origin could misread ${bad}`);
  if (early !== '') wrong.push(`the origin got ${JSON.stringify(early)} before it had answered`);
  if (fragments.length > 0) wrong.push(`the origin got a piece of a head: ${JSON.stringify(fragments)}`);
  if (tunnel !== (one.tunnel ?? '')) wrong.push(`through the tunnel came ${JSON.stringify(tunnel)}`);
  const left = requests.map(seen);
  for (const expected of one.saw ?? []) {
    const at = left.indexOf(expected);
    if (at < 0) wrong.push(`the origin did not see ${expected}`);
    else left.splice(at, 1);
  }
  for (const more of left) if (one.may?.includes(more) !== true) wrong.push(`the origin saw ${more}`);
  const first = requests[0]?.message;
  for (const [name, expected] of Object.entries(one.lines ?? {})) {
    const found = first === undefined ? undefined : value(first, name);
    if (found !== expected) wrong.push(`the origin saw ${name}: ${found ?? 'none'}`);
  }
  return wrong;
}

function judgeStreams(one: Case, wire: Wire): string[] {
  if (one.streams === 'any') return [];
  const wrong: string[] = [];
  const compare = (what: string, found: Record<number, unknown>, expected: Readonly<Record<number, unknown>>): void => {
    for (const stream of new Set([...Object.keys(found), ...Object.keys(expected)].map(Number)))
      if (found[stream] !== expected[stream] && stream !== last) wrong.push(`stream ${stream} was ${what} ${String(found[stream] ?? 'not at all')}`);
  };
  const resets = wire.resets();
  for (const stream of Object.keys(resets).map(Number))
    if (resets[stream] === 'NO_ERROR' && wire.whole(stream) && one.resets?.[stream] === undefined) delete resets[stream];
  compare('answered', wire.answers(), one.answers ?? {});
  compare('reset with', resets, one.resets ?? {});
  return wrong;
}

export async function play(one: Case, stage: Stage): Promise<string[]> {
  const { origin, patience } = stage;
  origin.begin((one.origin ?? []).map((answer) => ({ when: 'complete', bytes: '', wait: 0, then: 'stay', ...answer })));
  const wire = await Wire.open(stage.port);
  const send = (bytes: Buffer): void => { if (!wire.ended) wire.socket.write(bytes, () => undefined); };
  const steps = typeof one.send === 'function' ? one.send(`127.0.0.1:${origin.port}`) : one.send;
  const wrong: string[] = [];
  for (const step of steps) {
    if (Buffer.isBuffer(step)) send(step);
    else if (!(await wire.until(() => wire.frames.some(step), patience))) wrong.push(`what was waited for did not come: ${step.toString()}`);
  }
  const streams = [...Object.keys(one.answers ?? {}), ...Object.keys(one.resets ?? {})].map(Number);
  if (one.ends === undefined) {
    await wire.until(() => streams.every((stream) => wire.answers()[stream] !== undefined || wire.resets()[stream] !== undefined), patience);
    await wire.until(() => Object.keys(one.resets ?? {}).every((stream) => wire.resets()[Number(stream)] !== undefined), patience);
    const end = Date.now() + patience;
    while (origin.tunnel.length < (one.tunnel ?? '').length && Date.now() < end) await sleep(5);
    send(Buffer.concat([ack, ping('the last'), headers(last, request('GET', '/probe/alive'))]));
    const alive = (): boolean => wire.answers()[last] !== undefined && wire.frames.some((f) => f.type === type.ping && f.payload.toString() === 'the last');
    if (one.on !== 'forward' && !(await wire.until(alive, patience))) wrong.push(`the connection did not go on${wire.ended ? ', it ended' : ''}`);
    if (wire.goaway() !== undefined) wrong.push(`the connection ended with ${wire.goaway()}`);
  } else {
    await wire.until(() => false, patience);
    if (!wire.ended) wrong.push('the connection was not closed');
    if ((wire.goaway() ?? 'nothing') !== one.ends) wrong.push(`the connection ended with ${wire.goaway() ?? 'no GOAWAY'}`);
  }
  wire.socket.destroy();
  if (one.on !== 'forward') await barrier(stage.port);
  return [...wrong, ...judgeStreams(one, wire), ...judgeOrigin(one, origin)];
}
