// Certificates for tests, and origins that speak TLS. `openssl` makes the certificates, once for each file of tests.
import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttpsServer, type ServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectSecurely, TLSSocket, type ConnectionOptions as TlsOptions } from 'node:tls';
import { Connection, socketOptions, type Address } from './connection.js';
import { Origin, listen } from './origin.js';
import { within } from './wait.js';

/** A certificate with its key, as PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
  /** As `tls.pins` has it. */
  readonly pin: string;
}

/** Signs certificates. Without one a certificate is signed by its own key. */
export class Authority {
  private constructor(readonly identity: Identity) {}

  static make(name = 'authority'): Authority {
    return new Authority(make(['-subj', `/CN=${name}`, '-addext', 'basicConstraints=critical,CA:TRUE']));
  }

  /** The certificate, for `tls.ca`. */
  get pem(): string {
    return this.identity.cert;
  }

  /** `names` are subjectAltNames, "DNS:a.test"; with negative days it is over already. */
  issue(names: readonly string[], days = 30, kind: 'ec' | 'rsa' = 'ec'): Identity {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-cert-'));
    try {
      const at = (name: string): string => join(folder, name);
      writeFileSync(at('ca.pem'), this.identity.cert);
      writeFileSync(at('ca.key'), this.identity.key);
      writeFileSync(at('names'), `subjectAltName=${names.join(',')}`);
      const key = kind === 'ec' ? ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] : ['rsa:2048'];
      openssl('req', '-newkey', ...key, '-nodes', '-keyout', at('key'), '-out', at('csr'), '-subj', '/CN=test');
      openssl('x509', '-req', '-in', at('csr'), '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-days', String(days), '-extfile', at('names'),
        '-set_serial', String(Date.now()), '-out', at('pem'));
      return identity(readFileSync(at('pem'), 'utf8'), readFileSync(at('key'), 'utf8'));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** The list of those that are revoked, for `tls.crl`. */
  revocationList(revoked: readonly Identity[]): string {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-cert-'));
    try {
      const at = (name: string): string => join(folder, name);
      const entries = revoked.map((one) => `R\t491231235959Z\t240101000000Z\t${new X509Certificate(one.cert).serialNumber}\tunknown\t/CN=test\n`);
      writeFileSync(at('ca.pem'), this.identity.cert);
      writeFileSync(at('ca.key'), this.identity.key);
      writeFileSync(at('index'), entries.join(''));
      writeFileSync(at('config'), `[ca]\ndefault_ca = own\n[own]\ndatabase = ${at('index')}\ndefault_md = sha256\n`);
      openssl('ca', '-gencrl', '-config', at('config'), '-cert', at('ca.pem'), '-keyfile', at('ca.key'), '-crldays', '30', '-out', at('crl'));
      return readFileSync(at('crl'), 'utf8');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

/** Signed by its own key. */
export function selfSigned(names: readonly string[]): Identity {
  return make(['-subj', '/CN=test', '-addext', `subjectAltName=${names.join(',')}`]);
}

function make(options: readonly string[]): Identity {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-cert-'));
  try {
    const at = (name: string): string => join(folder, name);
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30', '-keyout', at('key'), '-out', at('pem'), ...options);
    return identity(readFileSync(at('pem'), 'utf8'), readFileSync(at('key'), 'utf8'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function identity(cert: string, key: string): Identity {
  const spki = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' });
  return { cert, key, pin: `sha256/${createHash('sha256').update(spki).digest('base64')}` };
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** What a request over TLS looked like from the origin. */
export interface SeenOverTls {
  readonly target: string;
  readonly serverName: string | false | undefined;
  readonly protocol: string | null;
  readonly alpn: string | false | null;
  readonly resumed: boolean;
  /** Name in the client's certificate. */
  readonly client: string | undefined;
}

/** Node's HTTPS server; remembers every request. */
export class HttpsOrigin extends Origin {
  readonly seen: SeenOverTls[] = [];

  static async start(options: ServerOptions, answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<HttpsOrigin> {
    const server = createHttpsServer({ keepAliveTimeout: 60_000, ALPNProtocols: ['http/1.1'], ...options });
    const origin = new HttpsOrigin(server);
    server.on('tlsClientError', () => undefined);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const socket = request.socket as TLSSocket;
      const subject = socket.getPeerCertificate().subject as { CN?: string } | undefined;
      origin.seen.push({
        target: request.url ?? '',
        serverName: (socket as { servername?: string | false }).servername,
        protocol: socket.getProtocol(),
        alpn: socket.alpnProtocol,
        resumed: socket.isSessionReused(),
        client: subject?.CN,
      });
      answer(request, response);
    });
    await listen(server);
    return origin;
  }
}

/** A connection over TLS, as a client. Fails with the alert, when there is one. */
export async function connectTls(address: Address, options: TlsOptions = {}): Promise<Connection> {
  const socket = connectSecurely({ ...socketOptions(address), ALPNProtocols: ['http/1.1'], ...options });
  await within(10_000, `the TLS handshake with ${address}`, new Promise<void>((done, fail) => {
    socket.once('secureConnect', done);
    socket.once('error', fail);
    socket.once('close', () => fail(new Error('closed in the handshake')));
  }));
  return new Connection(socket);
}

/** Certificates and keys in files of a folder that goes with the scenario: `tls.certificates` of an endpoint. */
export class KeyFiles {
  private constructor(readonly folder: string) {}

  static make(kit: { after(cleanup: () => void): void }): KeyFiles {
    const files = new KeyFiles(mkdtempSync(join(tmpdir(), 'sluice-keys-')));
    kit.after(() => rmSync(files.folder, { recursive: true, force: true }));
    return files;
  }

  /** Writes both, replacing what is there by renaming, as certificate clients do. */
  put(name: string, who: { cert: string; key: string }): { certificate_file: string; key_file: string } {
    return { certificate_file: this.write(`${name}.pem`, who.cert), key_file: this.write(`${name}.key`, who.key) };
  }

  write(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    renameSync(`${path}.new`, path);
    return path;
  }
}

/** The server's side of TLS on a connection that was plain until now. */
export async function serveTls(socket: Socket, who: Identity): Promise<Connection> {
  const secure = new TLSSocket(socket, { isServer: true, cert: who.cert, key: who.key });
  await new Promise<void>((done, fail) => {
    secure.once('secure', done);
    secure.once('error', fail);
  });
  return new Connection(secure);
}
