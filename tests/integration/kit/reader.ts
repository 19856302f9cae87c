// ByteReader: takes from a socket what a test asks for and not a byte more, so that back-pressure is real.
import type { Socket } from 'node:net';
import { within } from './wait.js';

/** The peer went away (end of stream or reset) while the test still expected bytes. */
export class ConnectionLost extends Error {
  constructor(readonly how: 'end' | 'reset', what: string, readonly rest: Buffer) {
    super(`connection ${how === 'end' ? 'ended' : 'was reset'} while reading ${what}; received until then: ${JSON.stringify(rest.toString('latin1').slice(-300))}`);
  }
}

export class ByteReader {
  private parts: Buffer[] = [];
  private buffered = 0;
  private finished: 'end' | 'reset' | undefined;
  private wake: (() => void) | undefined;
  /** Bytes taken from the socket so far. */
  received = 0;

  constructor(private readonly socket: Socket, private readonly limit = 5000) {
    const wake = (): void => this.wake?.();
    const finish = (how: 'end' | 'reset'): void => {
      this.finished ??= how;
      wake();
    };
    socket.on('readable', wake);
    socket.on('end', () => finish('end'));
    socket.on('error', () => finish('reset'));
    socket.on('close', () => finish('end'));
  }

  /** Waits for more bytes; false at the end of the stream. */
  private async more(what: string, limit = this.limit): Promise<boolean> {
    for (;;) {
      const chunk = this.socket.read() as Buffer | null;
      if (chunk !== null) {
        this.keep(chunk);
        return true;
      }
      if (this.finished !== undefined) return false;
      await within(limit, `reading ${what}`, new Promise<void>((done) => { this.wake = done; }));
    }
  }

  private keep(chunk: Buffer): void {
    this.parts.push(chunk);
    this.buffered += chunk.length;
    this.received += chunk.length;
  }

  /** What has been read and not yet taken, in one piece; joined only here, so that a big body is not copied per chunk. */
  private get pending(): Buffer {
    if (this.parts.length > 1) this.parts = [Buffer.concat(this.parts)];
    return this.parts[0] ?? Buffer.alloc(0);
  }

  private take(count: number): Buffer {
    const all = this.pending;
    this.parts = count === all.length ? [] : [all.subarray(count)];
    this.buffered -= count;
    return all.subarray(0, count);
  }

  private lost(what: string): ConnectionLost {
    return new ConnectionLost(this.finished ?? 'end', what, this.pending);
  }

  /** Gives what was read too far back to the socket, for another reader. */
  giveBack(): void {
    if (this.buffered > 0) this.socket.unshift(this.take(this.buffered));
  }

  async exactly(count: number, what = `${count} bytes`): Promise<Buffer> {
    while (this.buffered < count) {
      if (!(await this.more(what))) throw this.lost(what);
    }
    return this.take(count);
  }

  /** Up to and including `marker`. */
  async until(marker: string, what = JSON.stringify(marker), limit = this.limit): Promise<Buffer> {
    for (let from = 0; ;) {
      const at = this.pending.indexOf(marker, from, 'latin1');
      if (at >= 0) return this.take(at + marker.length);
      from = Math.max(0, this.pending.length - marker.length);
      if (!(await this.more(what, limit))) throw this.lost(what);
    }
  }

  /** Whatever comes next, at least one byte; undefined at the end of the stream. */
  async some(what = 'something', limit = this.limit): Promise<Buffer | undefined> {
    while (this.buffered === 0) {
      if (!(await this.more(what, limit))) return undefined;
    }
    return this.take(this.buffered);
  }

  /** Everything up to the end of the stream; a reset is an error. */
  async toEnd(what = 'the rest', limit = this.limit): Promise<Buffer> {
    while (await this.more(what, limit)) continue;
    if (this.finished === 'reset') throw this.lost(what);
    return this.take(this.buffered);
  }

  /** Reads to the end of the stream without keeping anything; how many bytes came. */
  async countToEnd(limit = this.limit): Promise<number> {
    let count = 0;
    for (;;) {
      const chunk = await this.some('the rest', limit);
      if (chunk === undefined) break;
      count += chunk.length;
    }
    if (this.finished === 'reset') throw this.lost('the rest');
    return count;
  }

  /** Waits until the peer is gone and says how; bytes that came before are an error. */
  async closed(limit = this.limit): Promise<'end' | 'reset'> {
    if (this.buffered > 0 || (await this.more('the close', limit))) {
      throw new Error(`expected a close, got ${JSON.stringify(this.pending.toString('latin1').slice(0, 300))}`);
    }
    return this.finished ?? 'end';
  }

  /** True when nothing has arrived after `ms` and the connection is still open. */
  async silentFor(ms: number): Promise<boolean> {
    await new Promise((done) => setTimeout(done, ms));
    if (this.buffered > 0 || this.finished !== undefined) return false;
    const chunk = this.socket.read() as Buffer | null;
    if (chunk === null) return true;
    this.keep(chunk);
    return false;
  }
}
