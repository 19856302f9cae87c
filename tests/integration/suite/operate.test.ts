// Running: metrics, health, the access log, signals.
import { assert, connectThrough, eventually, forward, Metrics, reverse, scenario, sleep, type JsonObject } from '../kit/index.js';

const get = (path = '/', more = ''): string => `GET ${path} HTTP/1.1\r\nHost: web.test\r\n${more}\r\n`;
const access = (path: string) => (r: JsonObject): boolean => r['event'] === 'request' && r['path'] === path;

scenario('metrics count requests, by tenant, and parse as Prometheus text', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await connect(proxy.address('web'));
  for (let i = 0; i < 10; i += 1) await client.ask(get());
  const metrics = await eventually<Metrics>('ten requests in the metrics', async () => {
    const now = await proxy.metrics();
    return now.sum('sluice_requests_total', { tenant: 'main' }) === 10 ? now : undefined;
  });
  for (const { name } of metrics.samples) {
    const family = name.replace(/_(bucket|sum|count)$/, '');
    assert.ok(metrics.types.has(name) || metrics.types.has(family), `${name} has no TYPE`);
  }
});

scenario('/ready and /live answer', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  const admin = await connect(proxy.address('admin'));
  assert.equal((await admin.ask('GET /live HTTP/1.1\r\nHost: a\r\n\r\n')).status, 200);
  assert.equal((await admin.ask('GET /ready HTTP/1.1\r\nHost: a\r\n\r\n')).status, 200);
  assert.equal((await admin.ask('GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n')).status, 404);
});

scenario('the access log has a line per request, with secrets left out', async ({ sluice, origin, connect }) => {
  const server = await origin((_, response) => {
    response.setHeader('Set-Cookie', 'session=topsecret2');
    response.end('hello');
  });
  const tenant = reverse([server.address], {}, {
    access_log: { request_fields: ['authorization', 'user-agent', 'x-key'], response_fields: ['set-cookie'], redact: ['authorization', 'set-cookie', 'x-key'] },
  });
  const proxy = await sluice({ config: { tenants: [tenant] } });
  const client = await connect(proxy.address('web'));
  await client.ask(get('/logged', 'Authorization: Bearer topsecret1\r\nUser-Agent: kit/1 "quoted"\r\nX-Key: topsecret3\r\n'));
  const record = await proxy.log.waitFor('the access record', access('/logged'));
  assert.equal(record['status'], 200);
  assert.equal(record['method'], 'GET');
  assert.equal(record['tenant'], 'main');
  assert.ok(JSON.stringify(record['request_fields']).includes('kit/1 \\"quoted\\"'));
  assert.doesNotMatch(proxy.log.lines.join('\n'), /topsecret/);
});

scenario('sampling leaves requests out but never a failure', async ({ sluice, origin, connect }) => {
  const server = await origin((request, response) => {
    if (request.url === '/bad') request.socket.destroy();
    else response.end();
  });
  const proxy = await sluice({ config: { tenants: [reverse([server.address], {}, { access_log: { sample: 0 } })] } });
  const client = await connect(proxy.address('web'));
  for (let i = 0; i < 20; i += 1) await client.ask(get('/fine'));
  assert.equal((await client.ask('POST /bad HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n')).status, 502);
  await proxy.log.waitFor('the failure', access('/bad'));
  assert.equal(proxy.log.all(access('/fine')).length, 0);
});

scenario('a client cannot write lines into the log', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({
    config: { tenants: [reverse([server.address], {}, { access_log: { request_fields: ['user-agent'] } })] },
  });
  const client = await connect(proxy.address('web'));
  await client.ask(get('/inject', 'User-Agent: a\\n{"level":"error","tenant":"other"}\xff\xfe\t\r\n'));
  await proxy.log.waitFor('the access record', access('/inject'));
  assert.equal(proxy.log.all((r) => r['tenant'] === 'other').length, 0);
});

scenario('SIGTERM lets open requests end and takes no new ones', async ({ sluice, origin, connect }) => {
  const server = await origin((_, response) => void setTimeout(() => response.end('late'), 600));
  const proxy = await sluice({ config: { tenants: [reverse([server.address])], shutdown: { drain: '10s' } } });
  const busy = await connect(proxy.address('web'));
  await busy.send(get());
  const idle = await connect(proxy.address('web'));
  await sleep(100);
  proxy.signal('SIGTERM');
  const response = await busy.readResponse();
  assert.equal(response.text, 'late');
  assert.equal(response.head.get('connection')?.toLowerCase(), 'close');
  await idle.reader.closed();
  assert.equal(await proxy.waitForExit(3000), 0);
  await assert.rejects(connect(proxy.address('web')));
});

scenario('SIGTERM cuts what does not end by the deadline', async ({ sluice, scripted, connect }) => {
  const server = await scripted(async (c) => void (await c.reader.toEnd().catch(() => undefined)));
  const proxy = await sluice({ config: { tenants: [forward({ connect: { ports: [] } })], shutdown: { drain: '500ms' } } });
  const client = await connect(proxy.address('proxy'));
  await connectThrough(client, server.address);
  const since = Date.now();
  proxy.signal('SIGTERM');
  assert.equal(await proxy.waitForExit(5000), 0);
  const took = Date.now() - since;
  assert.ok(took >= 400, `a tunnel was cut after ${took} ms, before the deadline`);
});

scenario('SIGINT stops at once', async ({ sluice, scripted, connect }) => {
  const server = await scripted(async (c) => void (await c.reader.toEnd().catch(() => undefined)));
  const proxy = await sluice({ config: { tenants: [forward({ connect: { ports: [] } })] } });
  const client = await connect(proxy.address('proxy'));
  await connectThrough(client, server.address);
  const since = Date.now();
  proxy.signal('SIGINT');
  assert.equal(await proxy.waitForExit(5000), 0);
  assert.ok(Date.now() - since < 2000);
});

scenario('SIGHUP is answered in the log and disturbs nobody', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await connect(proxy.address('web'));
  await client.ask(get());
  const before = proxy.log.records.length;
  proxy.signal('SIGHUP');
  await eventually('a word about SIGHUP', () => proxy.log.records.slice(before).some((r) => /reload|SIGHUP|configuration/i.test(JSON.stringify(r))));
  assert.equal((await client.ask(get())).status, 200);
  assert.equal(server.accepted, 1);
});
