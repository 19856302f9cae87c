// HTTP/2 over TLS: chosen by ALPN, and the same as without.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { assert, Authority, connectTls, connectThrough, forward, h2, KeyFiles, reverse, scenario, type JsonObject, type Kit, type Sluice } from '../kit/index.js';

const run = promisify(execFile);
const authority = Authority.make();
const ca = authority.pem;
const web = authority.issue(['DNS:web.test']);

function secured(kit: Kit, more: JsonObject = {}): JsonObject {
  return { ...more, tls: { enabled: true, certificates: [KeyFiles.make(kit).put('web', web)] } };
}

async function open(kit: Kit, proxy: Sluice): Promise<h2.Http2Client> {
  const client = await h2.Http2Client.open(proxy.address('web'), { ca });
  kit.after(() => client.close());
  return client;
}

function missing(...programs: string[]): string | undefined {
  const absent = programs.filter((program) => !(process.env['PATH'] ?? '').split(':').some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  }));
  return absent.length === 0 ? undefined : `needs ${absent.join(' and ')} (deploy/install-deps --test)`;
}

scenario('requests and bodies travel over HTTP/2 and TLS, many at a time', async (kit) => {
  const server = await kit.origin((request, response) => void request.pipe(response));
  const proxy = await kit.sluice({ config: { tenants: [reverse([server.address], secured(kit, { forwarded: { emit: ['x-forwarded-proto'] } }))] } });
  const client = await open(kit, proxy);
  assert.equal((client.session.socket as TLSSocket).alpnProtocol, 'h2');
  const body = 'sluice'.repeat(200_000);
  assert.ok((await client.ask({ ':method': 'POST' }, body)).text === body);
  const answers = await Promise.all([...Array(50).keys()].map((i) => client.ask({ ':method': 'POST' }, `${i}`.repeat(5000))));
  assert.ok(answers.every((answer, i) => answer.text === `${i}`.repeat(5000)));
  // what a client says of its scheme proves nothing, here neither
  assert.equal((await client.ask({ ':scheme': 'http', ':path': '/last' })).status, 200);
  assert.deepEqual([...new Set(server.seen.map((seen) => seen.headers['x-forwarded-proto']))], ['https']);
  const line = await proxy.log.waitFor('the last one', (entry) => entry['event'] === 'request' && entry['path'] === '/last');
  assert.deepEqual([line['version'], line['scheme']], ['HTTP/2', 'https']);
  assert.equal((await client.ask({ ':authority': 'other.test' })).status, 421);
});

scenario('the version is the one that ALPN chooses', async (kit) => {
  const server = await kit.origin();
  const files = KeyFiles.make(kit);
  const certificates = [files.put('web', web)];
  const endpoint = (name: string, versions: string[]): JsonObject =>
    ({ name, listen: ['127.0.0.1:0'], http: { versions }, tls: { enabled: true, certificates }, routes: [{ upstream: 'origin' }] });
  const proxy = await kit.sluice({
    config: {
      tenants: [{ ...reverse([server.address]), endpoints: [endpoint('both', ['http/1.1', 'h2']), endpoint('old', ['http/1.1']), endpoint('new', ['h2'])] }],
    },
  });
  const chosen = async (name: string, offered: string[]): Promise<string | false | null> => {
    const client = await connectTls(proxy.address(name), { servername: 'web.test', ca, ALPNProtocols: offered });
    kit.after(() => client.close());
    return (client.socket as TLSSocket).alpnProtocol;
  };
  const all = ['http/1.1', 'h2'];
  assert.deepEqual([await chosen('both', all), await chosen('old', all), await chosen('new', all)], ['h2', 'http/1.1', 'h2']);
  await assert.rejects(chosen('new', ['http/1.1']), /no application protocol/i);
});

scenario('a tunnel in a stream of HTTP/2 over TLS', async (kit) => {
  const echo = await kit.scripted(async (c) => {
    for (let bytes = await c.reader.some(); bytes !== undefined; bytes = await c.reader.some()) await c.send(bytes);
  });
  const proxy = await kit.sluice({ config: { tenants: [forward(secured(kit, { name: 'web', connect: { ports: [] } }))] } });
  const client = await open(kit, proxy);
  const stream = client.session.request({ ':method': 'CONNECT', ':authority': echo.address }, { endStream: false });
  const [headers] = await once(stream, 'response') as [Record<string, unknown>];
  assert.equal(headers[':status'], 200);
  const sent = Buffer.alloc(300_000, 'tunnel');
  const back: Buffer[] = [];
  stream.on('data', (part: Buffer) => back.push(part));
  stream.end(sent);
  await once(stream, 'end');
  assert.ok(Buffer.concat(back).equals(sent));
  // and one of HTTP/1.1 through the same endpoint
  const old = await connectTls(proxy.address('web'), { servername: 'web.test', ca });
  kit.after(() => old.close());
  assert.equal((await connectThrough(old, echo.address)).status, 200);
});

scenario('over an upgrade a client of HTTP/2 over TLS is told to go, and comes again', async (kit) => {
  const server = await kit.origin();
  const proxy = await kit.sluice({
    config: { upgrade: { probation: '100ms', drain: { idle: '1s', spread: 0 } }, tenants: [reverse([server.address], secured(kit))] },
  });
  const client = await open(kit, proxy);
  assert.equal((await client.ask()).status, 200);
  const closed = once(client.session, 'close');
  const record = await proxy.upgrade({ force: true, until: 'probation' });
  assert.equal(record['outcome'], 'done', JSON.stringify(record));
  await closed;
  assert.ok(client.goaways.length > 0 && client.goaways.every((goaway) => goaway.code === 0), JSON.stringify(client.goaways));
  assert.equal((await (await open(kit, proxy)).ask()).status, 200);
});

scenario('curl, nghttp and h2load speak it', async (kit) => {
  const server = await kit.origin((_, response) => void response.end('hello'));
  const folder = KeyFiles.make(kit).folder;
  const file = join(folder, 'ca.pem');
  writeFileSync(file, ca);
  const proxy = await kit.sluice({ config: { tenants: [reverse([server.address], secured(kit))] } });
  const port = proxy.address('web').split(':')[1] ?? '';
  const curl = async (...options: string[]): Promise<string> =>
    (await run('curl', ['-sS', '--max-time', '60', '--cacert', file, '--noproxy', '*', '--resolve', `web.test:${port}:127.0.0.1`, '-w', ' %{http_version} %{ssl_verify_result}',
      ...options, `https://web.test:${port}/`])).stdout;
  assert.equal(await curl('--http2'), 'hello 2 0');
  assert.equal(await curl('--http1.1'), 'hello 1.1 0');
  assert.equal(await curl('--http2', '--tls-max', '1.2'), 'hello 2 0');
  assert.match((await run('nghttp', ['-v', '-t', '60', `https://127.0.0.1:${port}/`])).stdout, /:status: 200/);
  const load = await run('h2load', ['-n', '2000', '-c', '10', '-m', '20', `https://127.0.0.1:${port}/`]);
  assert.match(load.stdout, /Application protocol: h2/);
  assert.match(load.stdout, /2000 succeeded, 0 failed/);
}, { skip: missing('curl', 'nghttp', 'h2load') });
