// The PROXY protocol: from load balancers whom we trust, and towards origins.
import { assert, eventually, reverse, scenario, type Connection, type JsonObject, type Kit, type Sluice } from '../kit/index.js';

const get = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n';
const trusting = (over: JsonObject = {}): JsonObject => ({ proxy_protocol: { enabled: true, trusted: ['127.0.0.1/32'], timeout: '500ms', ...over } });
const v1 = 'PROXY TCP4 203.0.113.7 198.51.100.2 4711 443\r\n';
const signature = '\r\n\r\n\0\r\nQUIT\n';

function v2(command: number, family: number, block: Buffer): Buffer {
  const size = Buffer.alloc(2);
  size.writeUInt16BE(block.length);
  return Buffer.concat([Buffer.from(signature, 'latin1'), Buffer.from([0x20 | command, family]), size, block]);
}
const addresses4 = Buffer.from([203, 0, 113, 7, 198, 51, 100, 2, 0x12, 0x67, 0x01, 0xbb]);
const authority = Buffer.concat([Buffer.from([0x02, 0, 6]), Buffer.from('a.test')]);

/** The client in the access log's line for the last request. */
async function client(proxy: Sluice, count: number): Promise<string> {
  const lines = await eventually('the access log', () => {
    const found = proxy.log.all((r) => r['event'] === 'request');
    return found.length >= count ? found : undefined;
  });
  return String(lines[count - 1]?.['client']);
}

/** Nothing comes back, and the connection ends. */
async function closed(connection: Connection): Promise<void> {
  await connection.reader.closed();
}

async function setUp(kit: Kit, over: JsonObject = {}): Promise<Sluice> {
  const server = await kit.origin();
  return kit.sluice({ config: { tenants: [reverse([server.address], trusting(over))] } });
}

scenario('the client that the header names is the one in the log, whatever the version and however it arrives', async (kit) => {
  const proxy = await setUp(kit);
  const headers = [Buffer.from(v1), v2(1, 0x11, addresses4), v2(1, 0x11, Buffer.concat([addresses4, authority]))];
  let requests = 0;
  for (const header of headers) {
    const whole = await kit.connect(proxy.address('web'));
    await whole.send(Buffer.concat([header, Buffer.from(get)]));
    assert.equal((await whole.readResponse()).status, 200);
    assert.equal(await client(proxy, requests += 1), '203.0.113.7:4711');
    assert.equal((await whole.ask(get)).status, 200, 'only the connection begins with a header');
    assert.equal(await client(proxy, requests += 1), '203.0.113.7:4711');
    const split = await kit.connect(proxy.address('web'));
    await split.dribble(header.toString('latin1') + get);
    assert.equal((await split.readResponse()).status, 200);
    assert.equal(await client(proxy, requests += 1), '203.0.113.7:4711');
  }
  const six = await kit.connect(proxy.address('web'));
  await six.send(`PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n${get}`);
  assert.equal((await six.readResponse()).status, 200);
  assert.equal(await client(proxy, requests += 1), '[2001:db8::7]:4711');
  const shown = JSON.parse((await proxy.ctl('--json', 'connections')).stdout) as { connections: JsonObject[] };
  assert.ok(shown.connections.some((c) => c['client'] === '[2001:db8::7]:4711'), JSON.stringify(shown));
});

scenario('a load balancer may speak for itself: LOCAL and UNKNOWN keep the address of the connection', async (kit) => {
  const proxy = await setUp(kit);
  let requests = 0;
  for (const header of [v2(0, 0x00, Buffer.alloc(0)), v2(0, 0x11, addresses4), v2(1, 0x00, Buffer.alloc(0)), Buffer.from('PROXY UNKNOWN\r\n')]) {
    const connection = await kit.connect(proxy.address('web'));
    await connection.send(Buffer.concat([header, Buffer.from(get)]));
    assert.equal((await connection.readResponse()).status, 200);
    assert.match(await client(proxy, requests += 1), /^127\.0\.0\.1:/);
  }
});

scenario('without a correct header nothing is served, and nothing reaches the origin', async (kit) => {
  const server = await kit.origin();
  const proxy = await kit.sluice({ config: { tenants: [reverse([server.address], trusting({ timeout: '1500ms' }))] } });
  const wrong: Array<string | Buffer> = [get, `PROXY TCP4 203.0.113.7 198.51.100.2 4711\r\n${get}`, `PROXY TCP4 203.0.113.7 198.51.100.2 4711 443\n${get}`,
    `PROXY ${'x'.repeat(300)}\r\n${get}`, v2(2, 0x11, addresses4), v2(1, 0x12, addresses4), v2(1, 0x11, addresses4.subarray(1)),
    v2(1, 0x11, Buffer.concat([addresses4, Buffer.from([1, 255, 255])])), v2(1, 0x11, Buffer.alloc(4000)), '\x16\x03\x01'];
  for (const bytes of wrong) {
    const connection = await kit.connect(proxy.address('web'));
    await connection.send(bytes);
    await closed(connection);
  }
  const silent = await kit.connect(proxy.address('web'));
  const slow = await kit.connect(proxy.address('web'));
  await slow.send(v1.slice(0, 20));
  const leaving = await kit.connect(proxy.address('web'));
  await leaving.send(v1.slice(0, 20));
  await leaving.end();
  const since = Date.now();
  await closed(leaving);
  assert.ok(Date.now() - since < 1500, 'who ends in the middle is not waited for');
  await closed(silent);
  await closed(slow);
  assert.equal(server.seen.length, 0);
  const refused = (await proxy.metrics()).sum('sluice_connections_refused_total', { reason: 'proxy_header' });
  assert.equal(refused, wrong.length + 3);
});

scenario('who is not trusted is closed before a byte is read', async (kit) => {
  const server = await kit.origin();
  const proxy = await kit.sluice({ config: { tenants: [reverse([server.address], trusting({ trusted: ['192.0.2.0/24', '2001:db8::/32'] }))] } });
  const connection = await kit.connect(proxy.address('web'));
  await connection.send(`${v1}${get}`).catch(() => undefined);
  await closed(connection);
  assert.equal(server.accepted, 0);
  assert.equal((await proxy.metrics()).sum('sluice_connections_refused_total', { reason: 'untrusted' }), 1);
});

for (const form of ['v1', 'v2'] as const) {
  scenario(`an origin is told the client in ${form}, once for each connection, which is not used again`, async (kit) => {
    const heads: string[] = [];
    const server = await kit.scripted(async (c) => {
      if (form === 'v1') {
        heads.push((await c.reader.until('\r\n')).toString('latin1').trimEnd());
      } else {
        const head = await c.reader.exactly(16);
        heads.push(head.toString('latin1') + (await c.reader.exactly(head.readUInt16BE(14))).toString('latin1'));
      }
      await c.readRequest();
      await c.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      await c.reader.closed();
    });
    const upstreams = [{ name: 'origin', servers: [server.address], send_proxy: form }];
    const plain = reverse([], {}, { name: 'plain', upstreams });
    const behind = reverse([], trusting(), { name: 'behind', upstreams });
    const proxy = await kit.sluice({ config: { tenants: [plain, behind] } });
    const direct = await kit.connect(proxy.address('plain/web'));
    assert.equal((await direct.ask(get)).status, 200);
    assert.equal((await direct.ask('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc')).status, 200);
    const relayed = await kit.connect(proxy.address('behind/web'));
    await relayed.send(v1 + get);
    assert.equal((await relayed.readResponse()).status, 200);
    assert.equal(server.accepted, 3);
    const { localPort = 0, remotePort = 0 } = direct.socket;
    const bytes = (...n: number[]): string => Buffer.from(n).toString('latin1');
    const expected = form === 'v1'
      ? [`PROXY TCP4 127.0.0.1 127.0.0.1 ${localPort} ${remotePort}`, 'PROXY TCP4 203.0.113.7 198.51.100.2 4711 443']
      : [signature + bytes(0x21, 0x11, 0, 12, 127, 0, 0, 1, 127, 0, 0, 1, localPort >> 8, localPort & 255, remotePort >> 8, remotePort & 255),
        v2(1, 0x11, addresses4).toString('latin1')];
    assert.deepEqual(heads, [expected[0], expected[0], expected[1]]);
  });
}
