// The origin of one lane: answers requests as the case of the moment says and keeps everything that reached it.
// Requests for /probe/… are the runner's own: answered at once, not kept.
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { OriginAnswer } from './format.js';
import { readRequest, type Message } from './wire.js';

export interface Seen {
  message: Message;
  /** The head as it came, for `ambiguities`. */
  readonly head: string;
}

export interface Witness {
  readonly requests: readonly Seen[];
  /** Bytes that came while an answer was still owed: what a proxy must not send. */
  readonly early: string;
  readonly tunnel: string;
  /** Heads that never became complete. */
  readonly fragments: readonly string[];
}

const usual = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n';
export const probeAnswer = 'probe\n';

class OriginConnection {
  private buffer = '';
  private current: Seen | undefined;
  private owed = false;
  private tunnelled = false;

  constructor(private readonly socket: Socket, private readonly lane: LaneOrigin) {
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('data', (data) => this.take(data.toString('latin1')));
    socket.on('end', () => this.leave());
    socket.on('close', () => this.leave());
  }

  private leave(): void {
    if (this.buffer !== '' && this.current === undefined && !this.tunnelled) this.lane.fragments.push(this.buffer);
    this.buffer = '';
    this.socket.end();
  }

  private take(bytes: string): void {
    if (this.tunnelled) this.lane.tunnel += bytes;
    else if (this.owed && this.current === undefined) this.lane.early += bytes;
    else {
      this.buffer += bytes;
      this.read();
    }
  }

  private read(): void {
    while (this.buffer !== '' && !this.owed) {
      const message = readRequest(this.buffer);
      if (message === undefined) return;
      const probe = / \/probe\//.test(message.start);
      if (this.current !== undefined) this.current.message = message;
      else {
        this.current = { message, head: this.buffer.slice(0, message.headSize) };
        if (!probe) {
          this.lane.requests.push(this.current);
          this.answerAtHead();
        }
      }
      if (!message.complete) return;
      this.buffer = this.buffer.slice(message.size);
      this.current = undefined;
      if (probe) this.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${probeAnswer.length}\r\n\r\n${probeAnswer}`);
      else this.answer(message);
    }
  }

  private answeredAtHead = false;

  private answerAtHead(): void {
    this.answeredAtHead = false;
    const next = this.lane.script[0];
    if (next === undefined || next.when === 'complete') return;
    this.lane.script.shift();
    this.answeredAtHead = next.when === 'head';
    void this.send(next);
  }

  private answer(message: Message): void {
    if (this.answeredAtHead) return;
    const next = this.lane.script.shift();
    if (next !== undefined) void this.send(next);
    else this.socket.write(message.start.startsWith('HEAD ') ? usual : `${usual}ok`);
  }

  private async send(answer: OriginAnswer): Promise<void> {
    if (answer.wait > 0) {
      this.owed = true;
      await new Promise((done) => setTimeout(done, answer.wait));
      this.owed = false;
      if (this.buffer !== '' && this.current === undefined) {
        this.lane.early += this.buffer;
        this.buffer = '';
      }
      this.read();
    }
    if (/^HTTP\/1\.1 101/.test(answer.bytes)) this.tunnelled = true;
    this.socket.write(Buffer.from(answer.bytes, 'latin1'));
    if (answer.then === 'stay') return;
    await new Promise((done) => setTimeout(done, 15));  // Node takes a reset that comes together with bytes for an end
    if (answer.then === 'close') this.socket.end(() => this.socket.destroy());
    else if (answer.then === 'end') this.socket.end();
    else this.socket.resetAndDestroy();
  }
}

export class LaneOrigin {
  requests: Seen[] = [];
  early = '';
  tunnel = '';
  fragments: string[] = [];
  script: OriginAnswer[] = [];
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      new OriginConnection(socket, this);
    });
  }

  static async start(): Promise<LaneOrigin> {
    const server = createServer({ allowHalfOpen: true });
    const origin = new LaneOrigin(server);
    await new Promise<void>((done) => { server.listen({ host: '127.0.0.1', port: 0 }, done); });
    return origin;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  begin(script: readonly OriginAnswer[]): void {
    this.requests = [];
    this.fragments = [];
    this.early = this.tunnel = '';
    this.script = [...script];
  }

  witness(): Witness {
    return { requests: this.requests, early: this.early, tunnel: this.tunnel, fragments: this.fragments };
  }

  /** Ends all connections: what one case left on them must not reach the next. */
  hangUp(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  close(): void {
    this.hangUp();
    this.server.close();
  }
}
