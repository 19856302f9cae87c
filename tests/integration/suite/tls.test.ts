// TLS towards clients: which certificate is shown, what is offered and refused, where the keys are, what becomes of it
// when the keyholder dies, and renewed certificates.
import { execFileSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { connect as connectSocket, type Socket } from 'node:net';
import { once } from 'node:events';
import { connect as connectSecurely, type ConnectionOptions, type PeerCertificate, type TLSSocket } from 'node:tls';
import {
  assert, Authority, connectTls, connectThrough, descendants, eventually, forward, KeyFiles, reverse, scenario, within,
  type Connection, type JsonObject, type Kit, type Sluice,
} from '../kit/index.js';

const authority = Authority.make();
const ca = authority.pem;
const web = authority.issue(['DNS:web.test', 'DNS:www.web.test']);

const get = (path = '/', host = 'web.test'): string => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;

/** `tls` of an endpoint that shows these. */
function shows(...certificates: JsonObject[]): JsonObject {
  return { tls: { enabled: true, certificates } };
}

async function dial(kit: Kit, proxy: Sluice, servername = 'web.test', options: ConnectionOptions = {}, endpoint = 'web'): Promise<Connection> {
  const client = await connectTls(proxy.address(endpoint), { servername, ca, ...options });
  kit.after(() => client.close());
  return client;
}

const peer = (client: Connection): PeerCertificate => (client.socket as TLSSocket).getPeerCertificate();
const namesOf = (client: Connection): string => peer(client).subjectaltname ?? '';

/** What `tls.certificates` has in the configuration of the first endpoint. */
function certificatesIn(config: JsonObject): JsonObject[] {
  const tenant = (config['tenants'] as JsonObject[])[0] as JsonObject;
  const endpoint = (tenant['endpoints'] as JsonObject[])[0] as JsonObject;
  return (endpoint['tls'] as JsonObject)['certificates'] as JsonObject[];
}

async function keyholder(proxy: Sluice): Promise<number> {
  return eventually('the keyholder', () => proxy.workerPid('sluice-keyholder'));
}

scenario('requests over TLS 1.2 and 1.3 are served as others are, and are told to be https', async (kit) => {
  const files = KeyFiles.make(kit);
  const big = Buffer.alloc(2_000_000, 'sluice');
  const seen: Array<string | string[] | undefined> = [];
  const origin = await kit.origin((request, response) => {
    seen.push(request.headers['x-forwarded-proto']);
    let size = 0;
    request.on('data', (chunk: Buffer) => { size += chunk.length; });
    request.on('end', () => { response.writeHead(200, { 'x-size': String(size) }).end(big); });
  });
  const proxy = await kit.sluice({
    config: { tenants: [reverse([origin.address], { ...shows(files.put('web', web)), forwarded: { emit: ['x-forwarded-proto'] } })] },
  });
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const client = await dial(kit, proxy, 'web.test', { minVersion: version, maxVersion: version });
    assert.equal((client.socket as TLSSocket).getProtocol(), version);
    assert.equal((client.socket as TLSSocket).alpnProtocol, 'http/1.1');
    for (const size of [0, 300_000]) {
      await client.send(`POST / HTTP/1.1\r\nHost: web.test\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(size)}`);
      const response = await client.readResponse('POST');
      assert.equal(response.status, 200);
      assert.equal(response.head.get('x-size'), String(size));
      assert.ok(response.text === big.toString('latin1'));
    }
    client.close();
  }
  assert.deepEqual(seen, ['https', 'https', 'https', 'https']);
  const line = await proxy.log.waitFor('an access line', (r) => r['status'] === 200);
  assert.equal(line['scheme'], 'https');
  const metrics = await proxy.metrics();
  assert.equal(metrics.sum('sluice_tls_handshakes_total', { endpoint: 'web', handshake: 'full' }), 2);
  assert.equal(metrics.sum('sluice_keyholder_signatures_total', { result: 'done' }), 2);
});

scenario('the certificate follows the name that is asked for, and what the client can verify', async (kit) => {
  const files = KeyFiles.make(kit);
  const origin = await kit.origin();
  const proxy = await kit.sluice({
    config: {
      tenants: [reverse([origin.address], shows(
        files.put('first', authority.issue(['DNS:first.test'])),
        files.put('wild', authority.issue(['DNS:*.wild.test'])),
        files.put('exact', authority.issue(['DNS:exact.wild.test'])),
        files.put('rsa', authority.issue(['DNS:both.test'], 30, 'rsa')),
        files.put('ec', authority.issue(['DNS:both.test'])),
      ))],
    },
  });
  const cases: Array<[string, string, ConnectionOptions?]> = [
    ['first.test', 'DNS:first.test'],
    ['a.wild.test', 'DNS:*.wild.test'],
    ['exact.wild.test', 'DNS:exact.wild.test'],
    ['EXACT.Wild.test', 'DNS:exact.wild.test'],
    ['both.test', 'DNS:both.test'],
    ['a.b.wild.test', 'DNS:first.test', { rejectUnauthorized: false }],
    ['unknown.test', 'DNS:first.test', { rejectUnauthorized: false }],
  ];
  for (const [name, expected, options] of cases) {
    const client = await dial(kit, proxy, name, options);
    assert.equal(namesOf(client), expected, name);
    client.close();
  }
  const kind = async (options: ConnectionOptions): Promise<boolean> => {
    const client = await dial(kit, proxy, 'both.test', options);
    const rsa = peer(client).modulus !== undefined;
    client.close();
    return rsa;
  };
  assert.equal(await kind({}), false);
  assert.equal(await kind({ sigalgs: 'rsa_pss_rsae_sha256' }), true);
  assert.equal(await kind({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }), true);
  assert.equal(await kind({ maxVersion: 'TLSv1.2' }), false);
});

scenario('a handshake that fails is told why, to the client by an alert and to the operator by one line', async (kit) => {
  const files = KeyFiles.make(kit);
  const origin = await kit.origin();
  const proxy = await kit.sluice({
    config: {
      tenants: [reverse([origin.address], {
        tls: { enabled: true, certificates: [files.put('web', web)], minimum_version: 'tls1.3', handshake_timeout: '1s' },
      })],
    },
  });
  const refused = async (options: ConnectionOptions): Promise<string> => dial(kit, proxy, 'web.test', options).then(() => 'served', (error: Error) => error.message);
  assert.match(await refused({ maxVersion: 'TLSv1.2' }), /alert protocol version/i);
  assert.match(await refused({ ALPNProtocols: ['spdy/1'] }), /no application protocol/i);
  assert.match(await refused({ sigalgs: 'rsa_pss_rsae_sha256' }), /alert|closed/i);
  assert.match(await refused({ ca: Authority.make('another').pem }), /certificate/i);
  const plain = await kit.connect(proxy.address('web'));
  await plain.send(get());
  await plain.reader.toEnd();
  const silent = await kit.connect(proxy.address('web'));
  await silent.reader.closed(20_000);
  for (const why of [/unsupported protocol/, /no application protocol/, /can verify none/, /in the middle/, /http request/, /not done in time/])
    await proxy.log.waitFor(String(why), (r) => r['event'] === 'TLS handshake failed' && why.test(String(r['why'])));
  const failures = await eventually('the counts', async () => {
    const metrics = await proxy.metrics();
    return metrics.sum('sluice_tls_handshake_failures_total', { endpoint: 'web' }) === 6 ? metrics : undefined;
  });
  assert.equal(failures.sum('sluice_tls_handshake_failures_total', { error: 'timeout' }), 1);
  assert.equal((await (await dial(kit, proxy)).ask(get())).status, 200);
});

scenario('a ClientHello may come byte by byte, and may end in the middle', async (kit) => {
  const files = KeyFiles.make(kit);
  const origin = await kit.origin();
  const proxy = await kit.sluice({ config: { tenants: [reverse([origin.address], shows(files.put('web', web)))] } });
  // a stream between the client and Sluice that passes on what it is given, one byte at a time or not all of it
  const [host, port] = proxy.address('web').split(':') as [string, string];
  const under: Socket = connectSocket({ host, port: Number(port), noDelay: true });
  kit.after(() => void under.destroy());
  const write = under.write.bind(under);
  under.write = ((data: Buffer, ...rest: unknown[]): boolean => {
    for (const byte of data) write(Buffer.from([byte]));
    const done = rest.find((one) => typeof one === 'function') as (() => void) | undefined;
    done?.();
    return true;
  }) as typeof under.write;
  const slow = connectSecurely({ socket: under, servername: 'web.test', ca });
  await within(10_000, 'the handshake', once(slow, 'secureConnect').then(() => undefined));
  const half = await kit.connect(proxy.address('web'));
  await half.send(Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]));
  await half.end();
  await proxy.log.waitFor('its line', (r) => r['event'] === 'TLS handshake failed' && /middle/.test(String(r['why'])));
});

scenario('a request for a host that the certificate is not for is misdirected', async (kit) => {
  const files = KeyFiles.make(kit);
  const origin = await kit.origin();
  const proxy = await kit.sluice({
    config: { tenants: [reverse([origin.address], shows(files.put('web', web), files.put('other', authority.issue(['DNS:other.test']))))] },
  });
  const client = await dial(kit, proxy);
  assert.equal((await client.ask(get('/', 'web.test'))).status, 200);
  assert.equal((await client.ask(get('/', 'www.web.test:443'))).status, 200);
  assert.equal((await client.ask(get('/', 'other.test'))).status, 421);
  const line = await proxy.log.waitFor('its line', (r) => r['status'] === 421);
  assert.equal(line['error'], 'misdirected');
});

// What a process has in its memory, as far as it can be read.
function memoryHolds(pid: number, secrets: readonly Buffer[]): boolean {
  const file = openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const match = /^([0-9a-f]+)-([0-9a-f]+) r/.exec(line);
      if (match === null || /\[v(var|syscall|dso)/.test(line)) continue;
      const [from, to] = [BigInt(`0x${match[1]}`), BigInt(`0x${match[2]}`)];
      if (to - from > 256n << 20n) continue;  // reserved, not used
      const block = Buffer.alloc(Number(to - from));
      try {
        readSync(file, block, 0, block.length, from);
      } catch {
        continue;
      }
      if (secrets.some((secret) => block.includes(secret))) return true;
    }
    return false;
  } finally {
    closeSync(file);
  }
}

scenario('a private key is in the memory of the keyholder, and of nobody else', async (kit) => {
  const files = KeyFiles.make(kit);
  const origin = await kit.origin();
  const secret = authority.issue(['DNS:secret.test']);
  const proxy = await kit.sluice({ config: { tenants: [reverse([origin.address], shows(files.put('secret', secret)), { workers: 2 })] } });
  for (let i = 0; i < 6; i += 1) {
    const client = await dial(kit, proxy, 'secret.test');
    assert.equal((await client.ask(get('/', 'secret.test'))).status, 200);
  }
  const scalar = Buffer.from(createPrivateKey(secret.key).export({ format: 'jwk' }).d as string, 'base64url');
  const text = Buffer.from(secret.key.split('\n')[1] ?? '');
  const secrets = [scalar, Buffer.from(scalar).reverse(), text];
  const holder = await keyholder(proxy);
  assert.ok(memoryHolds(holder, secrets), 'it is not even in the keyholder: this test is blind');
  for (const process of [{ pid: proxy.pid, name: 'the supervisor' }, ...descendants(proxy.pid)])
    if (process.pid !== holder) assert.ok(!memoryHolds(process.pid, secrets), `${process.name} (${process.pid})`);
}, { skip: process.getuid?.() === 0 && process.env['SLUICE_SANITIZED'] !== '1' ? undefined : 'needs root, and a build without sanitizers' });

scenario('a keyholder that dies is started again, and handshakes wait for it', async (kit) => {
  const files = KeyFiles.make(kit);
  const origin = await kit.origin();
  const proxy = await kit.sluice({ crashes: 'expected', config: { tenants: [reverse([origin.address], shows(files.put('web', web)))] } });
  const before = await dial(kit, proxy);
  for (let i = 0; i < 3; i += 1) {
    const first = await keyholder(proxy);
    process.kill(first, 'SIGKILL');
    const during = await dial(kit, proxy);
    assert.equal((await during.ask(get())).status, 200);
    assert.equal((await before.ask(get())).status, 200);
    await eventually('another one', async () => {
      const pid = await proxy.workerPid('sluice-keyholder');
      return pid !== undefined && pid !== first ? pid : undefined;
    });
  }
});

scenario('a tenant has its own keys, and a worker that dies gets to them again', async (kit) => {
  const files = KeyFiles.make(kit);
  const origin = await kit.origin();
  const certificate = (name: string): JsonObject => shows(files.put(name, authority.issue([`DNS:${name}.test`])));
  const proxy = await kit.sluice({
    crashes: 'expected',
    config: {
      tenants: [
        reverse([origin.address], { name: 'a', ...certificate('a') }, { name: 'one' }),
        reverse([origin.address], { name: 'b', ...certificate('b') }, { name: 'two' }),
        reverse([origin.address], { name: 'clear' }, { name: 'three' }),
      ],
    },
  });
  for (const name of ['a', 'b']) assert.equal(namesOf(await dial(kit, proxy, `${name}.test`, {}, name)), `DNS:${name}.test`);
  const worker = await eventually('the worker', () => proxy.workerPid('one'));
  process.kill(worker, 'SIGKILL');
  assert.equal(namesOf(await dial(kit, proxy, 'a.test', {}, 'a')), 'DNS:a.test');
});

scenario('renewed certificates are shown without new processes, and broken ones are refused', async (kit) => {
  const files = KeyFiles.make(kit);
  const origin = await kit.origin();
  const proxy = await kit.sluice({ config: { tenants: [reverse([origin.address], shows(files.put('web', web)))] } });
  const before = await dial(kit, proxy);
  const serial = peer(before).serialNumber;
  const worker = await proxy.workerPid('main');

  const refuse = async (outcome: string, status: number): Promise<void> => {
    const record = await proxy.upgrade();
    assert.equal(record['outcome'], outcome, JSON.stringify(record));
    assert.equal((await proxy.ctl('upgrade')).code, status);
    assert.equal(peer(await dial(kit, proxy)).serialNumber, serial);
  };
  const renewed = authority.issue(['DNS:web.test']);
  files.write('web.pem', renewed.cert);
  await refuse('bad_certificate', 26);
  files.write('web.pem', 'no certificate');
  await refuse('bad_configuration', 10);
  files.write('web.pem', web.cert);
  files.write('web.key', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n');
  await refuse('bad_certificate', 26);
  execFileSync('rm', [`${files.folder}/web.key`]);
  await refuse('unreadable_file', 24);

  files.put('web', renewed);
  const diff = await proxy.ctl('diff');
  assert.equal(diff.code, 4, diff.stdout + diff.stderr);
  const record = await proxy.upgrade();
  assert.equal(record['outcome'], 'in_place', JSON.stringify(record));
  assert.notEqual(peer(await dial(kit, proxy)).serialNumber, serial);
  assert.equal(await proxy.workerPid('main'), worker);
  assert.equal((await before.ask(get())).status, 200);

  proxy.reconfigure((config) => void certificatesIn(config).push(files.put('other', authority.issue(['DNS:other.test']))));
  assert.equal((await proxy.upgrade())['outcome'], 'in_place');
  assert.equal(namesOf(await dial(kit, proxy, 'other.test')), 'DNS:other.test');
});

scenario('over an upgrade TLS connections stay where they are and end in order', async (kit) => {
  const files = KeyFiles.make(kit);
  const origin = await kit.origin();
  const proxy = await kit.sluice({
    config: {
      upgrade: { probation: '100ms', drain: { idle: '3s', spread: 0 } },
      tenants: [reverse([origin.address], shows(files.put('web', web)))],
    },
  });
  const active = await dial(kit, proxy);
  const idle = await dial(kit, proxy);
  for (const client of [active, idle]) assert.equal((await client.ask(get())).status, 200);
  const first = await keyholder(proxy);
  const record = await proxy.upgrade({ force: true, until: 'probation' });
  assert.equal(record['outcome'], 'done', JSON.stringify(record));
  await proxy.log.waitFor('the drain', (r) => r['event'] === 'draining' && r['tenant'] === 'main');
  const answered = await active.ask(get());
  assert.equal(answered.status, 200);
  assert.equal(answered.head.get('connection'), 'close');
  await once(idle.socket, 'end');
  assert.equal((await (await dial(kit, proxy)).ask(get())).status, 200);
  assert.notEqual(await keyholder(proxy), first);
  await eventually('the end of the old ones', () => (descendants(proxy.pid).some((p) => p.pid === first) ? undefined : true));
});

/** A connection that offers this session, and what it got: was it taken up, and a session for the next one. */
async function takeUp(kit: Kit, proxy: Sluice, session?: Buffer, options: ConnectionOptions = {}): Promise<{ resumed: boolean; session: Buffer }> {
  const [host, port] = proxy.address('web').split(':') as [string, string];
  const socket = connectSecurely({ host, port: Number(port), servername: 'web.test', ca, ...(session === undefined ? {} : { session }), ...options });
  kit.after(() => void socket.destroy());
  const given = once(socket, 'session') as Promise<[Buffer]>;
  given.catch(() => undefined);  // told by the handshake too
  await within(10_000, 'the handshake', once(socket, 'secureConnect').then(() => undefined));
  socket.resume().write(get());  // sessions come with the first answer
  const resumed = socket.isSessionReused();
  const next = resumed && options.maxVersion === 'TLSv1.2' ? session as Buffer : await within(10_000, 'a session', given.then(([one]) => one));
  socket.destroy();
  return { resumed, session: next };
}

scenario('a session is taken up by any worker, after an upgrade, and by the next supervisor', async (kit) => {
  const files = KeyFiles.make(kit);
  const origin = await kit.origin();
  const proxy = await kit.sluice({
    ownProgram: true,
    config: { upgrade: { probation: '100ms' }, tenants: [reverse([origin.address], shows(files.put('web', web)), { workers: 2 })] },
  });
  const old = await takeUp(kit, proxy, undefined, { maxVersion: 'TLSv1.2' });
  let { session } = await takeUp(kit, proxy);
  const all = async (): Promise<void> => {
    for (let i = 0; i < 6; i += 1) {
      const again = await takeUp(kit, proxy, session);
      assert.ok(again.resumed);
      ({ session } = again);
    }
    assert.ok((await takeUp(kit, proxy, old.session, { maxVersion: 'TLSv1.2' })).resumed);
  };
  assert.equal(old.resumed, false);
  await all();
  await eventually('the count', async () =>
    ((await proxy.metrics()).sum('sluice_tls_handshakes_total', { endpoint: 'web', handshake: 'resumed' }) === 7 ? true : undefined));
  assert.equal((await proxy.upgrade({ force: true, until: 'drain' }))['outcome'], 'done');
  await all();
  proxy.replaceProgram();
  assert.equal((await proxy.upgrade({ until: 'drain' }))['outcome'], 'done');
  await all();
});

scenario('a session is taken up for as long as a rotation of the keys, and not where that is off', async (kit) => {
  const files = KeyFiles.make(kit);
  const origin = await kit.origin();
  const tenant = reverse([origin.address], shows(files.put('web', web)), { session_tickets: { rotation: '1s' } });
  const proxy = await kit.sluice({ config: { tenants: [tenant] } });
  const first = (await takeUp(kit, proxy)).session;
  // its key is gone, and its time over
  await eventually('the end of a session', async () => ((await takeUp(kit, proxy, first)).resumed ? undefined : true));
  proxy.reconfigure((config) => { ((config['tenants'] as JsonObject[])[0] as JsonObject)['session_tickets'] = { enabled: false }; });
  assert.equal((await proxy.upgrade())['outcome'], 'in_place');
  const client = await dial(kit, proxy);
  let given = false;
  client.socket.on('session', () => { given = true; });
  assert.equal((await client.ask(get())).status, 200);
  assert.equal(given, false);
});

scenario('a new supervisor has the keys of the one before', async (kit) => {
  const files = KeyFiles.make(kit);
  const origin = await kit.origin();
  const proxy = await kit.sluice({
    crashes: 'expected', ownProgram: true,
    config: { upgrade: { probation: '100ms' }, tenants: [reverse([origin.address], shows(files.put('web', web)))] },
  });
  proxy.replaceProgram();
  const record = await proxy.upgrade({ until: 'drain' });
  assert.equal(record['outcome'], 'done', JSON.stringify(record));
  assert.equal((await (await dial(kit, proxy)).ask(get())).status, 200);
  execFileSync('rm', [`${files.folder}/web.key`]);  // it has been opened
  process.kill(await keyholder(proxy), 'SIGKILL');
  assert.equal((await (await dial(kit, proxy)).ask(get())).status, 200);
});

scenario('a tunnel through a proxy that is spoken to over TLS', async (kit) => {
  const files = KeyFiles.make(kit);
  const echo = await kit.scripted(async (c) => {
    for (let bytes = await c.reader.some(); bytes !== undefined; bytes = await c.reader.some()) await c.send(bytes);
  });
  const proxy = await kit.sluice({ config: { tenants: [forward({ ...shows(files.put('web', web)), connect: { ports: [] } })] } });
  const client = await dial(kit, proxy, 'web.test', {}, 'proxy');
  assert.equal((await connectThrough(client, echo.address)).status, 200);
  const sent = Buffer.alloc(1_000_000, 'tunnel');
  const writing = client.send(sent);
  const back = await client.reader.exactly(sent.length);
  await writing;
  assert.ok(back.equals(sent));
});
