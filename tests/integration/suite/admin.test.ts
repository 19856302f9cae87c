// The admin process: what /metrics and /ready say about workers that come, go and share a tenant.
import { assert, connectThrough, eventually, forward, type JsonObject, reverse, scenario } from '../kit/index.js';

const get = 'GET / HTTP/1.1\r\nHost: web.test\r\n\r\n';

scenario('/ready names the tenant whose worker is gone, and turns when it is back', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({
    crashes: 'expected',
    config: {
      restart_policy: { backoff_min: '1s', backoff_max: '1s' },
      tenants: [reverse([server.address], {}, { name: 'steady' }), reverse([server.address], {}, { name: 'shaky' })],
    },
  });
  const admin = await connect(proxy.address('admin'));
  const ready = async (): Promise<{ status: number; said: JsonObject }> => {
    const response = await admin.ask('GET /ready HTTP/1.1\r\nHost: a\r\n\r\n');
    return { status: response.status, said: JSON.parse(response.text) as JsonObject };
  };
  assert.equal((await ready()).status, 200);
  // the first restart is at once, the second after backoff_min
  const first = await eventually('the worker', () => proxy.workerPid('shaky'));
  process.kill(first, 'SIGKILL');
  const second = await eventually('its successor', async () => {
    const pid = await proxy.workerPid('shaky');
    return pid !== first && (await ready()).status === 200 ? pid : undefined;
  });
  process.kill(second, 'SIGKILL');
  const down = await eventually('503', async () => {
    const now = await ready();
    return now.status === 503 ? now : undefined;
  });
  assert.equal(down.said['ready'], false);
  assert.deepEqual(down.said['reasons'], ['tenant shaky: 0 of 1 workers ready']);
  assert.equal((await admin.ask('GET /live HTTP/1.1\r\nHost: a\r\n\r\n')).status, 200);
  await eventually('200 again', async () => (await ready()).status === 200);
  const metrics = await proxy.metrics();
  assert.equal(metrics.sum('sluice_worker_crashes_total', { tenant: 'shaky', worker: '0' }), 2);
  assert.equal(metrics.sum('sluice_worker_crashes_total', { tenant: 'steady' }), 0);
  assert.equal(metrics.sum('sluice_worker_starts_total', { tenant: 'shaky' }), 3);
});

scenario('/metrics shows each worker, or sums over the workers of a tenant', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address], {}, { workers: 2 })] } });
  for (let i = 0; i < 20; i += 1) {
    const client = await connect(proxy.address('web'));
    assert.equal((await client.ask(get)).status, 200);
    client.close();
  }
  await eventually('all requests', async () => (await proxy.metrics()).sum('sluice_requests_total', { tenant: 'main' }) === 20);
  const workers = (await proxy.metrics()).samples.filter((s) => s.name === 'sluice_worker_starts_total' && s.labels['tenant'] === 'main');
  assert.deepEqual(workers.map((s) => s.labels['worker']).sort(), ['0', '1']);
  const admin = await connect(proxy.address('admin'));
  const summed = await admin.ask('GET /metrics?by=tenant HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.match(summed.text, /^sluice_requests_total\{endpoint="web",status="200",tenant="main"\} 20$/m);
  assert.doesNotMatch(summed.text, /worker="/);
  assert.equal((await admin.ask('GET /metrics?by=colour HTTP/1.1\r\nHost: a\r\n\r\n')).status, 400);
});

scenario('connections, origins, tunnels and bytes are counted and gauges come back to zero', async ({ sluice, origin, scripted, connect }) => {
  const server = await origin();
  const echo = await scripted(async (c) => {
    await c.send(await c.reader.exactly(5));
  });
  const proxy = await sluice({
    config: { tenants: [reverse([server.address], {}, { name: 'front' }), forward({ connect: { ports: [] } }, { name: 'back' })] },
  });
  const web = await connect(proxy.address('web'));
  for (let i = 0; i < 3; i += 1) await web.ask(get);
  const tunnel = await connect(proxy.address('proxy'));
  await connectThrough(tunnel, echo.address);
  await eventually('the tunnel', async () => (await proxy.metrics()).sum('sluice_tunnels_open', { tenant: 'back' }) === 1);
  await tunnel.send('hello');
  await tunnel.reader.exactly(5);
  tunnel.close();
  web.close();
  const front = { tenant: 'front', endpoint: 'web' };
  const back = { tenant: 'back', endpoint: 'proxy' };
  const metrics = await eventually('everything closed', async () => {
    const now = await proxy.metrics();
    const open = now.sum('sluice_tunnels_open') + now.sum('sluice_connections_open', { tenant: 'front' }) + now.sum('sluice_connections_open', { tenant: 'back' });
    return open === 0 ? now : undefined;
  });
  assert.equal(metrics.sum('sluice_connections_accepted_total', front), 1);
  assert.equal(metrics.sum('sluice_requests_total', { ...front, status: '200' }), 3);
  assert.equal(metrics.sum('sluice_request_duration_seconds_count', front), 3);
  assert.equal(metrics.sum('sluice_origin_connects_total', { tenant: 'front' }), 1);
  assert.equal(metrics.sum('sluice_origin_reuses_total', { tenant: 'front' }), 2);
  assert.ok(metrics.sum('sluice_client_sent_bytes_total', front) > 3 * 'HTTP/1.1 200 OK'.length);
  assert.equal(metrics.sum('sluice_tunnels_opened_total', back), 1);
  assert.equal(metrics.sum('sluice_tunnel_received_bytes_total', back), 5);
  assert.equal(metrics.sum('sluice_tunnel_sent_bytes_total', back), 5);
  for (const tenant of ['front', 'back']) assert.equal(metrics.sum('sluice_requests_open', { tenant }), 0, tenant);
});
