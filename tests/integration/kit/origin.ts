// Origins: the servers behind the proxy. A scripted one plays its part byte for byte; an HTTP one is Node's server.
import { createServer as createHttpServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Connection } from './connection.js';
import { ConnectionLost } from './reader.js';

export interface Seen {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
}

export abstract class Origin {
  private readonly sockets = new Set<Socket>();
  /** Connections accepted since the start. */
  accepted = 0;

  protected constructor(protected readonly server: Server) {
    server.on('connection', (socket) => {
      this.accepted += 1;
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Connections open now. */
  get open(): number {
    return this.sockets.size;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((done) => { this.server.close(() => done()); });
  }
}

export async function listen(server: Server): Promise<void> {
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen({ host: '127.0.0.1', port: 0, backlog: 1024 }, done);
  });
}

export type Script = (connection: Connection, index: number) => Promise<void>;

/** Plays `script` on each connection and closes it afterwards. A script's failure fails the test. */
export class ScriptedOrigin extends Origin {
  readonly failures: Error[] = [];

  static async start(script: Script): Promise<ScriptedOrigin> {
    const server = createServer({ allowHalfOpen: true });
    const origin = new ScriptedOrigin(server);
    server.on('connection', (socket) => void origin.play(script, socket));
    await listen(server);
    return origin;
  }

  private async play(script: Script, socket: Socket): Promise<void> {
    const connection = new Connection(socket);
    try {
      await script(connection, this.accepted - 1);
      if (!socket.destroyed) socket.end(() => socket.destroySoon());
    } catch (error) {
      // a proxy that leaves is the proxy's right; everything else is a broken expectation of the test
      if (!(error instanceof ConnectionLost)) this.failures.push(error as Error);
      socket.destroy();
    }
  }

  override async close(): Promise<void> {
    await super.close();
    if (this.failures[0] !== undefined) throw this.failures[0];
  }
}

/** Node's HTTP server; remembers every request. */
export class HttpOrigin extends Origin {
  readonly seen: Seen[] = [];

  static async start(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<HttpOrigin> {
    const server: HttpServer = createHttpServer({ keepAliveTimeout: 60_000 });
    const origin = new HttpOrigin(server);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      origin.seen.push({ method: request.method ?? '', target: request.url ?? '', headers: request.headers, rawHeaders: request.rawHeaders });
      answer(request, response);
    });
    await listen(server);
    return origin;
  }
}
