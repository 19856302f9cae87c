// TLS towards origins: who is believed, what is refused and how that is said, sessions, pools, our own certificate.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  assert, Authority, connect, eventually, reverse, scenario, selfSigned, serveTls, websocket, type HttpsOrigin, type JsonObject, type Kit, type Sluice,
} from '../kit/index.js';

const authority = Authority.make();
const good = authority.issue(['DNS:origin.test', 'IP:127.0.0.1']);

const get = (path = '/', more = ''): string => `GET ${path} HTTP/1.1\r\nHost: web.test\r\n${more}\r\n`;
const named = (server: { port: number }): string => `origin.test:${server.port}`;
const hosts = { 'origin.test': ['127.0.0.1'], 'other.test': ['127.0.0.1'] };

/** A tenant with one upstream over TLS. */
function secured(server: string, tls: JsonObject = {}, upstream: JsonObject = {}): JsonObject {
  return reverse([], {}, {
    resolver: { hosts },
    upstreams: [{ name: 'origin', servers: [server], tls: { enabled: true, ca: authority.pem, ...tls }, ...upstream }],
  });
}

async function ask(proxy: Sluice, request = get()): Promise<{ status: number; text: string; proxyStatus: string }> {
  const client = await connect(proxy.address('web'));
  try {
    const response = await client.ask(request);
    return { status: response.status, text: response.text, proxyStatus: response.head.get('proxy-status') ?? '' };
  } finally {
    client.close();
  }
}

scenario('an origin is asked for by its name, and its connection is kept', async (kit) => {
  const bodies: number[] = [];
  const big = Buffer.alloc(3_000_000, 'sluice');
  const origin = await kit.httpsOrigin({ cert: good.cert, key: good.key }, (request, response) => {
    let size = 0;
    request.on('data', (chunk: Buffer) => { size += chunk.length; });
    request.on('end', () => {
      bodies.push(size);
      response.end(big);
    });
  });
  const proxy = await kit.sluice({ config: { tenants: [secured(named(origin))] } });
  const client = await kit.connect(proxy.address('web'));
  for (const size of [0, 500_000, 7]) {
    await client.send(`POST / HTTP/1.1\r\nHost: web.test\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(size)}`);
    const response = await client.readResponse('POST');
    assert.equal(response.status, 200);
    assert.equal(response.text.length, big.length);
    assert.ok(response.text === big.toString('latin1'));
  }
  assert.deepEqual(bodies, [0, 500_000, 7]);
  assert.equal(origin.accepted, 1);
  assert.deepEqual(origin.seen[0], { target: '/', serverName: 'origin.test', protocol: 'TLSv1.3', alpn: 'http/1.1', resumed: false, client: undefined });
});

scenario('an origin that is not the right one gets nothing, and the answer says why', async (kit) => {
  const serve = (who: { cert: string; key: string }): Promise<HttpsOrigin> => kit.httpsOrigin({ cert: who.cert, key: who.key });
  const right = await serve(good);
  const expired = await serve(authority.issue(['DNS:origin.test'], -1));
  const stranger = await serve(Authority.make('stranger').issue(['DNS:origin.test']));
  const own = selfSigned(['DNS:origin.test']);
  const alone = await serve(own);
  const plain = await kit.origin();
  const ca = authority.pem;
  const cases: Array<{ path: string; server: string; tls: JsonObject; error?: string; details?: RegExp }> = [
    { path: '/right', server: named(right), tls: { ca } },
    { path: '/by-address', server: right.address, tls: { ca } },
    { path: '/renamed', server: `other.test:${right.port}`, tls: { ca, server_name: 'origin.test' } },
    { path: '/pinned', server: named(right), tls: { ca, pins: [own.pin, good.pin] } },
    { path: '/own', server: named(alone), tls: { ca: own.cert } },
    { path: '/own-pinned', server: `other.test:${alone.port}`, tls: { verify: 'pins', pins: [own.pin] } },
    { path: '/insecure', server: named(alone), tls: { verify: 'insecure' } },
    { path: '/wrong-host', server: `other.test:${right.port}`, tls: { ca }, error: 'tls_certificate_error', details: /hostname mismatch/i },
    { path: '/expired', server: named(expired), tls: { ca }, error: 'tls_certificate_error', details: /expired/ },
    { path: '/stranger', server: named(stranger), tls: { ca }, error: 'tls_certificate_error', details: /issuer/ },
    { path: '/alone', server: named(alone), tls: { ca }, error: 'tls_certificate_error', details: /self.signed/i },
    { path: '/system', server: named(right), tls: {}, error: 'tls_certificate_error', details: /issuer/ },
    { path: '/wrong-pin', server: named(right), tls: { ca, pins: [own.pin] }, error: 'tls_certificate_error', details: /none of tls.pins/ },
    { path: '/plain', server: named(plain), tls: { ca }, error: 'tls_protocol_error', details: /wrong version number/ },
  ];
  const name = (path: string): string => path.slice(1);
  const proxy = await kit.sluice({
    config: {
      tenants: [{
        name: 'main',
        resolver: { hosts },
        endpoints: [{
          name: 'web', listen: ['127.0.0.1:0'], http: { proxy_status: 'full' },
          routes: cases.map((c) => ({ path: c.path, upstream: name(c.path) })),
        }],
        upstreams: cases.map((c) => ({ name: name(c.path), servers: [c.server], tls: { enabled: true, ...c.tls } })),
      }],
    },
  });
  const client = await kit.connect(proxy.address('web'));
  for (const { path, error, details } of cases) {
    const response = await client.ask(get(path));
    assert.equal(response.status, error === undefined ? 200 : 502, `${path}: ${response.head.raw}`);
    if (error === undefined) continue;
    const status = response.head.get('proxy-status') ?? '';
    assert.ok(status.includes(`error=${error}`), `${path}: ${status}`);
    const line = await proxy.log.waitFor('its line', (r) => r['path'] === path);
    assert.match(String(line['detail']), details ?? /./, path);
  }
  for (const wrong of [expired, stranger]) assert.equal(wrong.seen.length, 0);
  const warned = await proxy.log.waitFor('the warning', (r) => r['event'] === 'origins are not verified');
  assert.equal(warned['upstream'], 'insecure');
});

scenario('sessions are resumed, and not under other settings', async (kit) => {
  const origin = await kit.httpsOrigin({ cert: good.cert, key: good.key });
  const proxy = await kit.sluice({ config: { tenants: [secured(named(origin), {}, { pool: { max_idle: 0 } })] } });
  for (let i = 0; i < 3; i += 1) assert.equal((await ask(proxy)).status, 200);
  assert.deepEqual(origin.seen.map((s) => s.resumed), [false, true, true]);
  proxy.reconfigure((config) => {
    const tls = (((config['tenants'] as JsonObject[])[0] as JsonObject)['upstreams'] as JsonObject[])[0]?.['tls'] as JsonObject;
    tls['server_name'] = 'origin.test';
  });
  const record = await proxy.upgrade();
  assert.equal(record['outcome'], 'in_place', JSON.stringify(record));
  for (let i = 0; i < 2; i += 1) assert.equal((await ask(proxy)).status, 200);
  assert.deepEqual(origin.seen.map((s) => s.resumed), [false, true, true, false, true]);
  const metrics = await proxy.metrics();
  assert.equal(metrics.sum('sluice_origin_tls_handshakes_total', { handshake: 'full' }), 2);
  assert.equal(metrics.sum('sluice_origin_tls_handshakes_total', { handshake: 'resumed' }), 3);
});

scenario('connections under earlier settings are not used again', async (kit) => {
  const origin = await kit.httpsOrigin({ cert: good.cert, key: good.key });
  const proxy = await kit.sluice({ config: { tenants: [secured(named(origin))] } });
  assert.equal((await ask(proxy)).status, 200);
  proxy.reconfigure((config) => {
    const tls = (((config['tenants'] as JsonObject[])[0] as JsonObject)['upstreams'] as JsonObject[])[0]?.['tls'] as JsonObject;
    tls['ca'] = Authority.make('another').pem;
  });
  assert.equal((await proxy.upgrade())['outcome'], 'in_place');
  const refused = await ask(proxy);
  assert.equal(refused.status, 502);
  assert.match(refused.proxyStatus, /tls_certificate_error/);
  assert.equal(origin.seen.length, 1);
});

scenario('a certificate is refused from when the list of revoked ones has it', async (kit) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
  kit.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'revoked.pem');
  const other = authority.issue(['DNS:other.test']);
  writeFileSync(file, authority.revocationList([other]));
  const origin = await kit.httpsOrigin({ cert: good.cert, key: good.key });
  const proxy = await kit.sluice({ config: { tenants: [secured(named(origin), { crl_file: file })] } });
  assert.equal((await ask(proxy)).status, 200);
  writeFileSync(file, authority.revocationList([other, good]));
  assert.equal((await proxy.upgrade())['outcome'], 'in_place');
  const refused = await ask(proxy);
  assert.equal(refused.status, 502);
  assert.match(refused.proxyStatus, /tls_certificate_error/);
  const line = await proxy.log.waitFor('its line', (r) => r['status'] === 502);
  assert.match(String(line['detail']), /revoked/);
  assert.equal(origin.seen.length, 1);
  writeFileSync(file, 'nothing');
  const record = await proxy.upgrade();
  assert.equal(record['outcome'], 'bad_configuration', JSON.stringify(record));
});

scenario('our own certificate is shown, from files', async (kit) => {
  const mine = authority.issue(['DNS:client.test']);
  const folder = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
  kit.after(() => rmSync(folder, { recursive: true, force: true }));
  const files = { ca_file: join(folder, 'ca.pem'), certificate_file: join(folder, 'us.pem'), key_file: join(folder, 'us.key') };
  writeFileSync(files.ca_file, authority.pem);
  writeFileSync(files.certificate_file, mine.cert);
  writeFileSync(files.key_file, mine.key, { mode: 0o600 });
  const origin = await kit.httpsOrigin({ cert: good.cert, key: good.key, ca: authority.pem, requestCert: true, rejectUnauthorized: true });
  const tls = { enabled: true, ca_file: files.ca_file };
  const proxy = await kit.sluice({
    config: {
      tenants: [reverse([], { routes: [{ path: '/', upstream: 'shown' }, { path: '/hidden', upstream: 'hidden' }] }, {
        resolver: { hosts },
        upstreams: [{ name: 'shown', servers: [named(origin)], tls: { ...tls, ...files } }, { name: 'hidden', servers: [named(origin)], tls }],
      })],
    },
  });
  assert.equal((await ask(proxy)).status, 200);
  assert.equal(origin.seen[0]?.client, 'test');
  const refused = await ask(proxy, get('/hidden'));
  assert.equal(refused.status, 502);
  assert.equal(origin.seen.length, 1);
  // the key is not for everybody's eyes
  const shown = await proxy.ctl('config');
  assert.ok(!`${shown.stdout}${shown.stderr}`.includes('PRIVATE KEY'));
});

scenario('a configuration whose certificates cannot be used is refused', async (kit) => {
  const proxy = await kit.sluice({ crashes: 'expected', config: { tenants: [secured('127.0.0.1:1')] } });
  const refused = async (change: JsonObject, why: RegExp): Promise<void> => {
    const before = await proxy.status();
    proxy.reconfigure((config) => {
      const upstream = (((config['tenants'] as JsonObject[])[0] as JsonObject)['upstreams'] as JsonObject[])[0] as JsonObject;
      upstream['tls'] = { enabled: true, ca: authority.pem, ...change };
    });
    const record = await proxy.upgrade().catch((error: Error) => ({ error: error.message }));
    assert.match(JSON.stringify(record), why);
    assert.equal((await proxy.status())['generation'], before['generation']);
  };
  await refused({ ca: 'hello' }, /holds no certificate as PEM/);
  await refused({ certificate: good.cert }, /a certificate and its key go together/);
  await refused({ pins: ['sha256/abc='] }, /is no pin/);
  await refused({ verify: 'pins', ca: '' }, /there is no pin/);
  await refused({ certificate: good.cert, key: authority.identity.key }, /tls.key is not the key/);
});

scenario('a tunnel goes through TLS, and the end of a stream is an end only with close_notify', async (kit) => {
  const origin = await kit.scripted(async (raw, index) => {
    if (index === 0) {
      const connection = await serveTls(raw.socket, good);
      await websocket.acceptUpgrade(connection);
      for (let left = 4 * 100_000; left > 0;) {
        const bytes = await connection.reader.some() ?? Buffer.alloc(0);
        left -= bytes.length;
        await connection.send(bytes);
      }
      return;
    }
    const connection = await serveTls(raw.socket, good);
    await connection.readRequest();
    await connection.send('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf');
    if (index === 1) await connection.end();
    else raw.socket.end();  // below TLS
  });
  const proxy = await kit.sluice({ config: { tenants: [secured(named(origin))] } });
  const client = await kit.connect(proxy.address('web'));
  assert.equal((await websocket.upgrade(client, 'web.test')).status, 101);
  for (let i = 0; i < 4; i += 1) {
    const sent = Buffer.alloc(100_000, `${i}`);
    await client.send(sent);
    assert.ok(sent.equals(await client.reader.exactly(sent.length)));
  }
  client.close();
  assert.equal((await ask(proxy)).text, 'half');
  await assert.rejects(ask(proxy));
  const line = await proxy.log.waitFor('its line', (r) => String(r['detail']).includes('close_notify'));
  assert.match(String(line['detail']), /the TLS stream ended without close_notify/);
});

scenario('a PROXY header goes before TLS, and probes go over TLS', async (kit) => {
  const heads: string[] = [];
  const origin = await kit.scripted(async (raw) => {
    const line = (await raw.reader.until('\r\n')).toString();
    raw.reader.giveBack();
    const connection = await serveTls(raw.socket, good);
    const request = await connection.readRequest();
    heads.push(`${line.trim().split(' ').slice(0, 2).join(' ')} ${request.head.raw.split('\r\n')[0]}`);
    await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    await connection.end();
  });
  const proxy = await kit.sluice({
    config: {
      tenants: [secured(named(origin), {}, {
        send_proxy: 'v1', health: { active: { enabled: true, path: '/probe', interval: '100ms', timeout: '5s' } },
      })],
    },
  });
  assert.equal((await ask(proxy)).text, 'ok');
  await eventually('a probe', () => heads.some((h) => h.includes('/probe')));
  assert.ok(heads.includes('PROXY TCP4 GET / HTTP/1.1'), heads.join('\n'));
  assert.ok(heads.includes('PROXY UNKNOWN GET /probe HTTP/1.1'), heads.join('\n'));
});

scenario('openssl s_server is spoken to, by TLS 1.2 unless that is too old', async (kit: Kit) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
  kit.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'pem'), good.cert + good.key);
  const server = spawn('openssl', ['s_server', '-accept', '127.0.0.1:0', '-cert', join(folder, 'pem'), '-tls1_2', '-www'], { stdio: ['pipe', 'pipe', 'ignore'] });
  kit.after(() => void server.kill('SIGKILL'));
  let said = '';
  server.stdout.setEncoding('utf8').on('data', (text: string) => { said += text; });
  const port = await eventually('the port', () => /ACCEPT 127\.0\.0\.1:(\d+)/.exec(said)?.[1]);
  const tls = { enabled: true, ca: authority.pem };
  const proxy = await kit.sluice({
    config: {
      tenants: [reverse([], { routes: [{ path: '/', upstream: 'old' }, { path: '/new', upstream: 'new' }] }, {
        resolver: { hosts },
        upstreams: [
          { name: 'old', servers: [`origin.test:${port}`], tls },
          { name: 'new', servers: [`origin.test:${port}`], tls: { ...tls, minimum_version: 'tls1.3' } },
        ],
      })],
    },
  });
  const answered = await ask(proxy);
  assert.equal(answered.status, 200);
  assert.match(answered.text, /TLSv1\.2/);
  const refused = await ask(proxy, get('/new'));
  assert.equal(refused.status, 502);
  assert.match(refused.proxyStatus, /error=tls_alert_received/);
});
