// Slow clients, slow origins and greedy ones: times and rates are kept, memory stays bounded, and who is refused reads why.
// The limits of single messages are in the corpus (tests/corpus/limits.cases).
import { assert, connect, connectThrough, eventually, forward, residentBytes, reverse, scenario, sleep, type Connection, type Sluice } from '../kit/index.js';

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const sanitized = process.env['SLUICE_SANITIZED'] === '1';

const logged = (proxy: Sluice, path: string): Promise<unknown> => proxy.log.waitFor(`request ${path}`, (r) => r['event'] === 'request' && r['path'] === path);

async function memory(sluice: Sluice): Promise<number> {
  return (await sluice.workers('main')).reduce((sum, w) => sum + residentBytes(w['pid'] as number), 0);
}

/** Every connection, of clients and to origins, is gone, whatever the test did. */
async function allQuiet(proxy: Sluice): Promise<void> {
  await eventually('the connections being gone', async () => {
    const metrics = await proxy.metrics();
    const labels = { tenant: 'main' };
    return metrics.sum('sluice_connections_open', labels) === 0 && metrics.sum('sluice_requests_open', labels) === 0;
  });
}

scenario('a body of a byte now and then is refused with 408', async ({ sluice, origin, connect }) => {
  const server = await origin((request, response) => { request.resume().on('end', () => response.end()); });
  const proxy = await sluice({ config: { tenants: [reverse([server.address], { http: { body_timeout: '400ms', body_min_rate: '100B' } })] } });
  const client = await connect(proxy.address('web'));
  await client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n');
  const since = Date.now();
  const feeding = setInterval(() => client.socket.write('x'), 100);
  const response = await client.readResponse().finally(() => clearInterval(feeding));
  assert.equal(response.status, 408);
  assert.equal(response.head.get('connection'), 'close');
  const took = Date.now() - since;
  assert.ok(took >= 350 && took < 3000, `after ${took} ms`);
});

scenario('a body that is slow but keeps its rate arrives', async ({ sluice, origin, connect }) => {
  const server = await origin((request, response) => {
    let size = 0;
    request.on('data', (data: Buffer) => { size += data.length; }).on('end', () => response.end(String(size)));
  });
  const proxy = await sluice({ config: { tenants: [reverse([server.address], { http: { body_timeout: '300ms', body_min_rate: '100B' } })] } });
  const client = await connect(proxy.address('web'));
  await client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 600\r\n\r\n');
  for (let i = 0; i < 12; i += 1) {
    await sleep(100);
    await client.send('x'.repeat(50));
  }
  assert.equal((await client.readResponse()).text, '600');
});

scenario('an origin that is slow to take a body does not cost the client its patience', async ({ sluice, scripted, connect }) => {
  const size = 24 << 20;
  const server = await scripted(async (c) => {
    await c.reader.until('\r\n\r\n');
    await sleep(900);
    await c.reader.exactly(size);
    await c.send('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  });
  const proxy = await sluice({ config: { tenants: [reverse([server.address], { http: { body_timeout: '300ms', body_min_rate: '1MiB' } })] } });
  const client = await connect(proxy.address('web'));
  await client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`);
  await client.send(Buffer.alloc(size));
  assert.equal((await client.readResponse()).status, 200);
});

scenario('a client that takes its answer too slowly is cut off', async ({ sluice, scripted, connect }) => {
  const server = await scripted(async (c) => {
    await c.readRequest();
    await c.send(`HTTP/1.1 200 OK\r\nContent-Length: ${1 << 30}\r\n\r\n`);
    await c.send(Buffer.alloc(1 << 30)).catch(() => undefined);
  });
  const proxy = await sluice({ config: { tenants: [reverse([server.address], { http: { write_timeout: '500ms', write_min_rate: '64MiB' } })] } });
  const client = await connect(proxy.address('web'));
  await client.send('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
  const drinking = setInterval(() => client.socket.read(), 200);
  const record = await logged(proxy, '/slow').finally(() => clearInterval(drinking)) as Record<string, unknown>;
  assert.equal(record['ended'], 'timeout');
  client.close();
  await allQuiet(proxy);
});

scenario('a request has only so much time as a whole', async ({ sluice, scripted, connect }) => {
  const server = await scripted(async (c) => {
    const request = await c.readRequest();
    if (request.target === '/trickle') {
      await c.send('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n');
      while (await c.send('x').then(() => true, () => false)) await sleep(50);
    }
    await c.reader.closed();
  });
  const proxy = await sluice({ config: { tenants: [reverse([server.address], { http: { request_timeout: '400ms' } })] } });
  const patient = await connect(proxy.address('web'));
  const silent = await patient.ask('GET /silent HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal(silent.status, 504);
  const cut = await connect(proxy.address('web'));
  await cut.send('GET /trickle HTTP/1.1\r\nHost: a\r\n\r\n');
  await assert.rejects(cut.readResponse(), /ended|reset/);
  const upload = await connect(proxy.address('web'));
  await upload.send('POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n');
  const feeding = setInterval(() => upload.socket.write('xx'), 30);
  assert.equal((await upload.readResponse().finally(() => clearInterval(feeding))).status, 504);
  for (const c of [patient, cut, upload]) c.close();
  await allQuiet(proxy);
  const metrics = await proxy.metrics();
  assert.equal(metrics.sum('sluice_origin_connections_open', { tenant: 'main' }), 0, 'a cancelled request left its origin connection in the gauge');
});

scenario('the time of a request is not that of a tunnel', async ({ sluice, scripted, connect }) => {
  const server = await scripted(async (c) => {
    for (;;) {
      const bytes = await c.reader.some();
      if (bytes === undefined) return;
      await c.send(bytes);
    }
  });
  const proxy = await sluice({ config: { tenants: [forward({ http: { request_timeout: '300ms' }, connect: { ports: [] } })] } });
  const tunnel = await connect(proxy.address('proxy'));
  assert.equal((await connectThrough(tunnel, server.address)).status, 200);
  await sleep(700);
  await tunnel.send('still here');
  assert.equal((await tunnel.reader.exactly(10)).toString(), 'still here');
  tunnel.close();
});

scenario('who is refused in the middle of a big upload reads why', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address], { http: { body_limit: '1KiB' } })] } });
  const client = await connect(proxy.address('web'));
  const size = 64 << 20;
  client.socket.write(`POST /big HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`);
  client.socket.write(Buffer.alloc(size));  // far more than is read of it
  await sleep(1000);  // a client that first writes and only then reads
  assert.equal((await client.readResponse()).status, 413);
  const record = await logged(proxy, '/big') as Record<string, number>;
  assert.ok((record['duration_us'] ?? 0) < 900_000, `lingering counts as serving: ${record['duration_us']} us`);
  await allQuiet(proxy);
});

scenario('a client that sends requests and reads no answer is held up, not buffered', async ({ sluice, scripted, connect }) => {
  const server = await scripted(async (c) => {
    for (;;) {
      await c.readRequest();
      await c.send(`HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n${'x'.repeat(10_000)}`);
    }
  });
  const proxy = await sluice({ config: { tenants: [reverse([server.address], { http: { write_timeout: '2s' } })] } });
  const before = await memory(proxy);
  const clients: Connection[] = [];
  for (let i = 0; i < 8; i += 1) {
    const client = await connect(proxy.address('web'));
    client.socket.write(get.repeat(400_000));  // 14 MB of requests each
    clients.push(client);
  }
  await sleep(1500);
  const grown = await memory(proxy) - before;
  assert.ok(grown < (sanitized ? 64 : 4) << 20, `grew by ${grown >> 10} KiB`);
  await allQuiet(proxy);  // cut off for taking nothing
  clients.forEach((c) => c.close());
}, { timeout: 60_000 });

scenario('hundreds of heads that never end cost a block each and go in time, and others are served meanwhile', async ({ sluice, origin, connect: open, after }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address], { http: { head_timeout: '1500ms' } })] } });
  const clients: Connection[] = [];
  after(() => clients.forEach((c) => c.close()));
  const before = await memory(proxy);
  for (let i = 0; i < 300; i += 1) {
    const client = await connect(proxy.address('web'));
    client.socket.write('GET / HTTP/1.1\r\nX-A: ');
    clients.push(client);
  }
  const other = await open(proxy.address('web'));
  for (let i = 0; i < 10; i += 1) {
    for (const c of clients) c.socket.write('a');
    assert.equal((await other.ask(get)).status, 200);
    await sleep(50);
  }
  const grown = await memory(proxy) - before;
  assert.ok(grown < (sanitized ? 64 : 16) << 20, `grew by ${grown >> 10} KiB`);
  for (const c of clients) assert.equal((await c.readResponse()).status, 408);
}, { timeout: 60_000 });
