// Limits that protect neighbours: connections and requests of each source and of the tenant.
import { assert, eventually, reverse, scenario, sleep, type Connection, type JsonObject, type Kit, type Response, type Sluice } from '../kit/index.js';

const get = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n';

async function limited(kit: Kit, limits: JsonObject, endpoint: JsonObject = {}): Promise<Sluice> {
  const server = await kit.origin();
  return kit.sluice({ config: { tenants: [reverse([server.address], endpoint, { limits })] } });
}

/** Connects, sends a request, and says whether it was answered or closed without a word. */
async function served(kit: Kit, proxy: Sluice, before = ''): Promise<{ connection: Connection; served: boolean }> {
  const connection = await kit.connect(proxy.address('web'));
  await connection.send(before + get).catch(() => undefined);
  const response = await connection.readResponse().catch(() => undefined);
  return { connection, served: response?.status === 200 };
}

const retryAfter = (response: Response): number => Number(response.head.get('retry-after'));

scenario('a source may hold so many connections; the next is closed at once, until one ends', async (kit) => {
  const proxy = await limited(kit, { source: { connections: 3 } });
  const held = [];
  for (let i = 0; i < 3; i += 1) held.push(await served(kit, proxy));
  assert.ok(held.every((c) => c.served));
  for (let i = 0; i < 4; i += 1) assert.equal((await served(kit, proxy)).served, false);
  assert.equal((await held[0]?.connection.ask(get))?.status, 200, 'who is connected is served');
  held[1]?.connection.close();
  await eventually('a place', async () => (await served(kit, proxy)).served);
  const metrics = await proxy.metrics();
  assert.ok(metrics.sum('sluice_connections_refused_total', { reason: 'source_connections' }) >= 4);
});

scenario('new connections of a source have a rate', async (kit) => {
  const proxy = await limited(kit, { source: { connection_rate: 2, connection_burst: 3 } });
  const answers = [];
  for (let i = 0; i < 8; i += 1) answers.push((await served(kit, proxy)).served);
  assert.deepEqual(answers.slice(0, 3), [true, true, true]);
  assert.ok(answers.filter((a) => a).length <= 5, `${answers}`);
  assert.ok((await proxy.metrics()).sum('sluice_connections_refused_total', { reason: 'source_rate' }) >= 3);
  await sleep(600);
  assert.ok((await served(kit, proxy)).served);
});

scenario('a source over its rate of requests is answered with 429 and told when to come back', async (kit) => {
  const proxy = await limited(kit, { source: { request_rate: 2, request_burst: 4 } });
  const client = await kit.connect(proxy.address('web'));
  const other = await kit.connect(proxy.address('web'));
  const answers: Response[] = [];
  for (let i = 0; i < 10; i += 1) answers.push(await (i % 2 === 0 ? client : other).ask(get));
  const refused = answers.filter((a) => a.status === 429);
  assert.ok(refused.length >= 4, answers.map((a) => a.status).join());
  assert.ok(answers.slice(0, 4).every((a) => a.status === 200));
  assert.ok(refused.every((a) => retryAfter(a) === 1), 'and the connection goes on');
  assert.match(refused[0]?.head.get('proxy-status') ?? '', /error=http_request_denied/);
  await sleep(1000);
  assert.equal((await client.ask(get)).status, 200, 'who obeys is served');
  assert.equal((await proxy.metrics()).sum('sluice_requests_refused_total', { reason: 'source_rate' }), refused.length);
});

scenario('a refused request with a body costs its connection, not the next request', async (kit) => {
  const proxy = await limited(kit, { source: { request_rate: 1, request_burst: 1 } });
  const client = await kit.connect(proxy.address('web'));
  assert.equal((await client.ask(get)).status, 200);
  const response = await client.ask('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n......');
  assert.equal(response.status, 429);
  assert.match(response.head.get('connection') ?? '', /close/);
  assert.equal((await client.reader.toEnd()).length, 0);
});

scenario('exempt sources have no limits; the tenant as a whole has its own, answered with 503', async (kit) => {
  const proxy = await limited(kit, { request_rate: 4, request_burst: 4, source: { request_rate: 1, request_burst: 1, connections: 1, exempt: ['127.0.0.0/8'] } });
  const clients = await Promise.all([kit.connect(proxy.address('web')), kit.connect(proxy.address('web'))]);
  const answers: Response[] = [];
  for (let i = 0; i < 10; i += 1) answers.push(await (clients[i % 2] as Connection).ask(get));
  assert.ok(answers.slice(0, 4).every((a) => a.status === 200));
  const refused = answers.filter((a) => a.status === 503);
  assert.ok(refused.length >= 4, answers.map((a) => a.status).join());
  assert.ok(refused.every((a) => retryAfter(a) === 1));
  assert.match(refused[0]?.head.get('proxy-status') ?? '', /error=connection_limit_reached/);
  assert.equal((await proxy.metrics()).sum('sluice_requests_refused_total', { reason: 'tenant_rate' }), refused.length);
});

scenario('a noisy tenant does not cost its neighbour a request', async (kit) => {
  const server = await kit.origin();
  const noisy = reverse([server.address], {}, { name: 'noisy', limits: { request_rate: 5, source: { connections: 2 } } });
  const proxy = await kit.sluice({ config: { tenants: [noisy, reverse([server.address], {}, { name: 'quiet' })] } });
  const storm = await kit.connect(proxy.address('noisy/web'));
  const calm = await kit.connect(proxy.address('quiet/web'));
  let refused = 0;
  for (let i = 0; i < 60; i += 1) {
    if ((await storm.ask(get)).status === 503) refused += 1;
    if (i % 6 === 0) assert.equal((await calm.ask(get)).status, 200);
  }
  assert.ok(refused > 30, `${refused}`);
});

scenario('behind a load balancer the sources are the clients that it names', async (kit) => {
  const proxy = await limited(kit, { source: { connections: 2, request_rate: 100 } }, { proxy_protocol: { enabled: true, trusted: ['127.0.0.1'] } });
  const from = (ip: string): string => `PROXY TCP${ip.includes(':') ? 6 : 4} ${ip} ${ip.includes(':') ? '::1' : '127.0.0.1'} 4711 80\r\n`;
  for (const ip of ['203.0.113.1', '203.0.113.2', '2001:db8::1']) {
    assert.ok((await served(kit, proxy, from(ip))).served, ip);
    assert.ok((await served(kit, proxy, from(ip))).served, ip);
    assert.equal((await served(kit, proxy, from(ip))).served, false, ip);
  }
  assert.equal((await served(kit, proxy, from('2001:db8::ffff:9'))).served, false, 'the same network of 64 bits');
  assert.ok((await served(kit, proxy, from('2001:db8:0:1::1'))).served);
});

scenario('the limit of connections holds over several listening sockets', async (kit) => {
  const server = await kit.origin();
  const tenant = reverse([server.address], { listen: ['127.0.0.1:0', '127.0.0.1:0'] }, { limits: { connections: 2 } });
  const proxy = await kit.sluice({ config: { tenants: [tenant] } });
  const addresses = proxy.addressesOf('web');
  assert.equal(addresses.length, 2);
  const held = await Promise.all([kit.connect(addresses[0] ?? ''), kit.connect(addresses[1] ?? '')]);
  for (const client of held) assert.equal((await client.ask(get)).status, 200);
  const waiting = await Promise.all([0, 1, 0, 1].map((i) => kit.connect(addresses[i] ?? '')));
  for (const client of waiting) await client.send(get);
  assert.ok(await (waiting[0] as Connection).reader.silentFor(100), 'they wait in the kernel\'s queue');
  for (const client of held) client.close();
  for (const client of waiting) {
    assert.equal((await client.readResponse()).status, 200);
    client.close();
  }
  assert.ok((await proxy.metrics()).sum('sluice_accept_pauses_total', { reason: 'connections' }) >= 2);
});

scenario('near the limit of descriptors accepting pauses, what is connected is served, and it recovers', async (kit) => {
  const proxy = await limited(kit, { descriptors: 64, connections: 63 });
  const clients = await Promise.all(Array.from({ length: 70 }, () => kit.connect(proxy.address('web'))));
  await proxy.log.waitFor('the pause', (r) => r['event'] === 'accepting paused');
  assert.equal((await (clients[0] as Connection).ask(get)).status, 200, 'descriptors are left for connections to origins');
  let rest = clients;
  while (rest.length > 0) {
    const batch = rest.slice(0, 10);
    rest = rest.slice(10);
    for (const client of batch) assert.equal((await client.ask(get)).status, 200);
    for (const client of batch) client.close();
  }
  await proxy.log.waitFor('the end of the pause', (r) => r['event'] === 'accepting again');
  assert.equal((await served(kit, proxy)).served, true);
  assert.equal(proxy.log.all((r) => r['event'] === 'accept failed').length, 0);
  assert.ok((await proxy.metrics()).sum('sluice_accept_pauses_total', { reason: 'descriptors' }) >= 1);
});

scenario('when blocks are short the newest heads that are not whole go first; requests are served', async (kit) => {
  const proxy = await limited(kit, { buffers: '1MiB' });
  const slow: Connection[] = [];
  for (let i = 0; i < 60; i += 1) {
    const connection = await kit.connect(proxy.address('web'));
    await connection.send('GET / HTTP/1.1\r\nHost: a');
    slow.push(connection);
  }
  const refused = async (): Promise<number> => (await proxy.metrics()).sum('sluice_connections_refused_total', { reason: 'memory' });
  await eventually('the newest being shed', async () => await refused() >= 28);
  for (const connection of slow.slice(50)) await connection.reader.closed();
  for (const connection of slow.slice(0, 10)) assert.equal((await connection.ask('.test\r\n\r\n')).status, 200, 'the oldest go on');
  assert.ok((await served(kit, proxy)).served);
  assert.ok(await refused() < 45, 'no more than has to');
});

scenario('when what is being served holds the blocks, new requests get 503 until some are free', async (kit) => {
  const big = Buffer.alloc(16 << 20);
  const server = await kit.origin((request, response) => { response.end(request.url === '/big' ? big : 'small'); });
  const proxy = await kit.sluice({ config: { tenants: [reverse([server.address], {}, { limits: { buffers: '1MiB' } })] } });
  const readers = await Promise.all(Array.from({ length: 36 }, () => kit.connect(proxy.address('web'))));
  for (const reader of readers) {
    reader.socket.pause();
    await reader.send('GET /big HTTP/1.1\r\nHost: a\r\n\r\n');
  }
  const client = await kit.connect(proxy.address('web'));
  const refused = await eventually('a refusal', async () => {
    const response = await client.ask(get);
    return response.status === 503 ? response : undefined;
  });
  assert.equal(retryAfter(refused), 1);
  for (const reader of readers) reader.close();
  await eventually('recovery', async () => (await client.ask(get)).status === 200);
  assert.ok((await proxy.metrics()).sum('sluice_requests_refused_total', { reason: 'memory' }) >= 1);
});
