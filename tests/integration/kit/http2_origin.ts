// Origins that speak HTTP/2: Node's server, an honest one. One that plays frames by hand is a scripted origin that begins
// with `h2.accept()`.
import {
  createSecureServer, createServer, type Http2ServerRequest, type Http2ServerResponse, type IncomingHttpHeaders, type SecureServerOptions,
  type ServerHttp2Session, type ServerHttp2Stream, type Settings,
} from 'node:http2';
import type { Server } from 'node:net';
import { Origin, listen } from './origin.js';

export interface SeenOverHttp2 {
  readonly method: string;
  readonly target: string;
  readonly headers: Http2ServerRequest['headers'];
  /** Which of the connections it came on; -1 over HTTP/1.1. */
  readonly session: number;
}

export type AnswerOverHttp2 = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

/** Remembers every request. With a certificate it speaks TLS. */
export class Http2Origin extends Origin {
  readonly seen: SeenOverHttp2[] = [];
  readonly sessions: ServerHttp2Session[] = [];

  static async start(answer: AnswerOverHttp2, options: SecureServerOptions & { settings?: Settings } = {}): Promise<Http2Origin> {
    const server = options.cert === undefined ? createServer(options) : createSecureServer(options);
    const origin = new Http2Origin(server as unknown as Server);
    server.on('session', (session: ServerHttp2Session) => {
      origin.sessions.push(session);
      session.on('error', () => undefined);
    });
    server.on('request', (request: Http2ServerRequest, response: Http2ServerResponse) => {
      const session = request.httpVersionMajor === 2 ? origin.sessions.indexOf(request.stream.session as ServerHttp2Session) : -1;
      origin.seen.push({ method: request.method, target: request.url, headers: request.headers, session });
      if (session >= 0) request.stream.on('error', () => undefined);
      answer(request, response);
    });
    await listen(server as unknown as Server);
    return origin;
  }

  /** Streams as they come, those of extended CONNECT too, which are no requests then. */
  onStream(listener: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void): void {
    this.server.on('connect', () => undefined);  // otherwise Node refuses them
    this.server.on('stream', listener);
  }

  override async close(): Promise<void> {
    for (const session of this.sessions) session.destroy();
    await super.close();
  }
}
