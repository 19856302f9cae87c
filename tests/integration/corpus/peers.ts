// nginx and HAProxy as an operator would set them up for the same lanes: keep-alive to the origins, WebSocket, and where
// they have such limits those of the endpoints `tight` and `hurried`. They do not play the forward proxy.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LaneOrigin } from './origin.js';

export type PeerName = 'nginx' | 'haproxy';
const places: Record<PeerName, string> = { nginx: '/usr/sbin/nginx', haproxy: '/usr/sbin/haproxy' };
const kinds = ['reverse', 'tight', 'hurried'] as const;

/** Why the peer cannot be asked; undefined when it can. */
export const missing = (peer: PeerName): string | undefined => (existsSync(places[peer]) ? undefined : `${peer} is not installed`);

export function version(peer: PeerName): string {
  const { stdout, stderr } = spawnSync(places[peer], ['-v'], { encoding: 'utf8' });
  return /[\d]+\.[\d]+\.[\d]+/.exec(stdout + stderr)?.[0] ?? 'unknown';
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, async () => {
    const server = createServer();
    await new Promise<void>((done) => { server.listen({ host: '127.0.0.1', port: 0 }, done); });
    return server;
  }));
  const ports = servers.map((s) => (s.address() as AddressInfo).port);
  await Promise.all(servers.map((s) => new Promise((done) => { s.close(done); })));
  return ports;
}

const nginxLimits: Record<(typeof kinds)[number], string> = {
  reverse: '',
  tight: 'client_header_buffer_size 512; large_client_header_buffers 1 2k; client_max_body_size 1k;',
  hurried: 'client_header_timeout 300ms; client_body_timeout 300ms; keepalive_timeout 300ms; send_timeout 300ms;',
};

function nginxConfig(folder: string, origins: readonly LaneOrigin[], port: (kind: string, lane: number) => number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((t) => `${t}_temp_path ${folder}/${t};`).join(' ');
  const servers = origins.flatMap((origin, lane) => [
    `upstream o${lane} { server 127.0.0.1:${origin.port}; keepalive 8; }`,
    ...kinds.map((kind) => `server { listen 127.0.0.1:${port(kind, lane)}; ${nginxLimits[kind]} location / { proxy_pass http://o${lane}; } }`),
  ]);
  return `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 4096; }
http {
  access_log off; ${temporary}
  proxy_http_version 1.1; proxy_read_timeout 1s; proxy_connect_timeout 1s;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  proxy_set_header Host $host; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
  ${servers.join('\n  ')}
}
`;
}

function haproxyConfig(origins: readonly LaneOrigin[], port: (kind: string, lane: number) => number): string {
  const hurried = 'timeout client 300ms\n  timeout http-request 300ms\n  timeout http-keep-alive 300ms';
  const parts = origins.flatMap((origin, lane) => [
    ...kinds.map((kind) => `frontend ${kind}-${lane}\n  bind 127.0.0.1:${port(kind, lane)}\n  ${kind === 'hurried' ? hurried : ''}\n  default_backend o${lane}`),
    `backend o${lane}\n  server s 127.0.0.1:${origin.port}`,
  ]);
  return `global
  nbthread 1
  maxconn 2000
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout http-request 5s
  timeout server 1s
${parts.join('\n')}
`;
}

export class Peer {
  private constructor(private readonly child: ChildProcess, private readonly folder: string, readonly port: (kind: string, lane: number) => number) {}

  static async start(peer: PeerName, origins: readonly LaneOrigin[]): Promise<Peer> {
    const folder = mkdtempSync(join(tmpdir(), `sluice-${peer}-`));
    mkdirSync(join(folder, 'logs'));
    const ports = await freePorts(origins.length * kinds.length);
    const port = (kind: string, lane: number): number => ports[lane * kinds.length + kinds.findIndex((k) => k === kind)] ?? 0;
    const file = join(folder, 'config');
    writeFileSync(file, peer === 'nginx' ? nginxConfig(folder, origins, port) : haproxyConfig(origins, port));
    const args = peer === 'nginx' ? ['-p', folder, '-e', join(folder, 'error.log'), '-c', file] : ['-f', file, '-db'];
    const child = spawn(places[peer], args, { stdio: ['ignore', 'ignore', 'ignore'] });
    const started = new Peer(child, folder, port);
    for (let tries = 0; ; tries += 1) {
      if (await answers(port('reverse', 0))) return started;
      if (tries > 100 || child.exitCode !== null) {
        await started.stop();
        throw new Error(`${peer} did not start`);
      }
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null) {
      const ended = new Promise((done) => this.child.once('exit', done));
      this.child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const answers = (port: number): Promise<boolean> => new Promise((done) => {
  const socket = connect({ host: '127.0.0.1', port });
  socket.once('connect', () => { socket.destroy(); done(true); });
  socket.once('error', () => done(false));
});
