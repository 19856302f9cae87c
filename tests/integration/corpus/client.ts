// Plays the client's part of a case against a proxy and says how it went.
import { connect as connectSocket, type Socket } from 'node:net';
import type { Case, Ending } from './format.js';
import { probeAnswer, type LaneOrigin, type Witness } from './origin.js';
import { readResponse, statusOf, value, type Message } from './wire.js';

export interface Outcome {
  readonly witness: Witness;
  readonly answers: readonly Message[];
  /** Bytes behind the last answer: a tunnel's, or an answer nobody asked for. */
  readonly rest: string;
  readonly then: Ending;
}

/** Where a case is played: the proxy's address, and the origin behind it. */
export interface Stage {
  readonly port: number;
  readonly origin: LaneOrigin;
  /** Milliseconds without a byte after which nothing more is expected. */
  readonly quiet: number;
  /** The longest wait for what the case expects; `undefined` where it may not be what happens, and `quiet` decides. */
  readonly patience: number | undefined;
}

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

class Wire {
  received = '';
  ended: 'close' | 'reset' | undefined;
  private wake: (() => void) | undefined;

  constructor(readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('data', (data) => { this.received += data.toString('latin1'); this.wake?.(); });
    socket.on('error', (error: NodeJS.ErrnoException) => { if (error.code === 'ECONNRESET') this.ended ??= 'reset'; this.wake?.(); });
    socket.on('end', () => { this.ended ??= 'close'; this.wake?.(); });
    socket.on('close', () => { this.ended ??= 'close'; this.wake?.(); });
  }

  static async open(port: number): Promise<Wire> {
    const socket = connectSocket({ host: '127.0.0.1', port, allowHalfOpen: true });
    await new Promise<void>((done, fail) => { socket.once('connect', done); socket.once('error', fail); });
    return new Wire(socket);
  }

  /** Waits until `enough` holds, or the connection ends, or `ms` have passed; with `quiet`, since the last byte. */
  async until(enough: () => boolean, ms: number, quiet = false): Promise<void> {
    let end = Date.now() + ms;
    let seen = this.received.length;
    while (!enough() && this.ended === undefined) {
      if (quiet && this.received.length !== seen) end = Date.now() + ms;
      seen = this.received.length;
      const left = end - Date.now();
      if (left <= 0) return;
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((done) => { this.wake = done; timer = setTimeout(done, left); });
      clearTimeout(timer);
    }
  }

  answers(one: Case): { answers: Message[]; rest: string } {
    const answers: Message[] = [];
    let rest = this.received;
    for (let i = 0; rest !== ''; i += 1) {
      const method = one.answers[i]?.to ?? 'GET';
      const message = readResponse(rest, method, this.ended);
      if (message === undefined) break;
      answers.push(message);
      rest = rest.slice(message.size);
      if (statusOf(message) === 101 || (method === 'CONNECT' && statusOf(message) < 300) || !message.complete) break;
    }
    return { answers, rest };
  }
}

const probe = (): string => `GET /probe/${Math.random().toString(36).slice(2)} HTTP/1.1\r\nHost: probe\r\n\r\n`;
const isProbe = (message: Message): boolean => message.body === probeAnswer && value(message, 'content-length') === String(probeAnswer.length);

async function act(wire: Wire, one: Case): Promise<void> {
  for (const step of one.steps) {
    if (step.kind === 'send') wire.socket.write(Buffer.from(step.bytes, 'latin1'));
    else if (step.kind === 'pause') await sleep(step.ms);
    else wire.socket.end();
  }
}

/** Anything the proxy still had for the origin has arrived once this has been answered. */
async function barrier(stage: Stage): Promise<void> {
  const wire = await Wire.open(stage.port);
  wire.socket.write(probe());
  await wire.until(() => wire.received.endsWith(probeAnswer), stage.patience ?? 1000);
  wire.socket.destroy();
}

/** How it ends for the client; `open` only when a request sent now is answered as what it is. */
async function ending(wire: Wire, one: Case, stage: Stage): Promise<Ending> {
  if (wire.ended !== undefined) return wire.ended;
  const tunnel = one.tunnel.up !== undefined || one.tunnel.down !== undefined;
  if (one.then === 'waiting' || tunnel || one.steps.some((s) => s.kind === 'half-close')) return one.then === 'open' ? 'open' : 'waiting';
  const before = wire.answers(one).answers.length;
  wire.socket.write(probe());
  const answered = (): boolean => {
    const { answers } = wire.answers(one);
    return answers.length > before && answers.at(-1)?.complete === true;
  };
  await wire.until(answered, Math.max(stage.quiet, 300));
  if (!answered()) return wire.ended ?? 'waiting';
  return 'open';
}

export async function play(one: Case, stage: Stage): Promise<Outcome> {
  if (stage.patience === undefined) {
    stage.origin.hangUp();
    await sleep(20);
  }
  stage.origin.begin(one.origin);
  const wire = await Wire.open(stage.port);
  await act(wire, one);
  const enough = (): boolean => {
    const { answers, rest } = wire.answers(one);
    if (one.tunnel.down !== undefined && rest.length < one.tunnel.down.length) return false;
    if (one.tunnel.up !== undefined && stage.origin.tunnel.length < one.tunnel.up.length) return false;
    return answers.length >= one.answers.length && answers.every((a) => a.complete) && (one.then === 'open' || one.then === 'waiting');
  };
  if (stage.patience === undefined) await wire.until(() => false, stage.quiet, true);
  else if (one.then === 'waiting' && one.tunnel.up === undefined && one.tunnel.down === undefined && one.answers.length === 0) await wire.until(() => false, stage.quiet, true);
  else await wire.until(enough, stage.patience);
  const then = await ending(wire, one, stage);
  const { answers, rest } = wire.answers(one);
  const last = answers.at(-1);
  if (then === 'open' && last !== undefined && isProbe(last)) answers.pop();
  wire.socket.destroy();
  if (one.endpoint !== 'forward') await barrier(stage);
  return { witness: stage.origin.witness(), answers, rest, then };
}
