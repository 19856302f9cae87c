// A worker that dies, and neighbours that must not notice.
import { assert, connect, connectThrough, eventually, forward, reverse, scenario, sleep, type Connection } from '../kit/index.js';

const get = 'GET / HTTP/1.1\r\nHost: web.test\r\n\r\n';

scenario('a worker killed under load: the other tenant loses nothing, its own accept queue loses nothing', async ({ sluice, origin }) => {
  const server = await origin((_, response) => void setTimeout(() => response.end('origin'), 5));
  const proxy = await sluice({
    crashes: 'expected',
    config: { tenants: [reverse([server.address], { name: 'a' }, { name: 'victim' }), reverse([server.address], { name: 'b' }, { name: 'neighbour' })] },
  });
  const victim = await eventually('the worker', () => proxy.workerPid('victim'));
  const neighbour = await eventually('the neighbour', () => proxy.workerPid('neighbour'));
  let running = true;
  const losses = { neighbour: [] as string[], fresh: [] as string[] };
  let answered = 0;

  const keepAsking = async (endpoint: string): Promise<void> => {
    let client: Connection | undefined;
    while (running) {
      try {
        client ??= await connect(proxy.address(endpoint));
        assert.equal((await client.ask(get)).status, 200);
        answered += 1;
      } catch (error) {
        if (endpoint === 'b') losses.neighbour.push(String(error));
        client?.close();
        client = undefined;
        await sleep(5);
      }
    }
    client?.close();
  };
  const load = Promise.all([...Array.from({ length: 8 }, () => keepAsking('b')), ...Array.from({ length: 8 }, () => keepAsking('a'))]);
  await eventually('the load', () => answered > 100);

  process.kill(victim, 'SIGSEGV');
  await eventually('the worker being gone', () => {
    try {
      process.kill(victim, 0);
      return undefined;
    } catch {
      return true;
    }
  });
  // connections made while there is no worker wait in the kernel's queue, which the supervisor holds open
  const waiting = Promise.all(Array.from({ length: 20 }, async () => {
    try {
      const client = await connect(proxy.address('a'));
      assert.equal((await client.ask(get)).status, 200);
      client.close();
    } catch (error) {
      losses.fresh.push(String(error));
    }
  }));
  const successor = await eventually('a new worker', async () => {
    const pid = await proxy.workerPid('victim');
    return pid !== victim ? pid : undefined;
  });
  await waiting;
  const before = answered;
  await eventually('the load afterwards', () => answered > before + 100);
  running = false;
  await load;

  assert.deepEqual(losses, { neighbour: [], fresh: [] });
  assert.equal(await proxy.workerPid('neighbour'), neighbour);
  assert.notEqual(successor, victim);
  const record = await proxy.log.waitFor('why the worker died', (r) => r['event'] === 'worker ended' && String(r['why']).includes('SIGSEGV'));
  assert.equal(record['tenant'], 'victim');
  assert.ok(Number(record['restart_in_ms']) < 3000, JSON.stringify(record));
});

scenario('after a crash the log says which connections died', async ({ sluice, scripted, connect }) => {
  const server = await scripted(async (c) => void (await c.reader.toEnd().catch(() => undefined)));
  const proxy = await sluice({ crashes: 'expected', config: { tenants: [forward({ connect: { ports: [] } })] } });
  const client = await connect(proxy.address('proxy'));
  await connectThrough(client, server.address);
  const port = client.socket.localPort ?? 0;
  process.kill(await eventually('the worker', () => proxy.workerPid('main')), 'SIGSEGV');
  await client.reader.closed();
  await proxy.log.waitFor('the dead connection', (r) => r['event'] === 'connection lost' && String(r['client']).endsWith(`:${port}`) && String(r['why']).includes('SIGSEGV'));
  await eventually('the worker being back', () => proxy.workerPid('main'));
  assert.ok(!(await proxy.ctl('connections')).stdout.includes(`:${port}`), 'a dead connection is still listed');
  assert.match((await proxy.ctl('workers')).stdout, /SIGSEGV|signal 11|segmentation/i);
});

scenario('counters go on over a crash and never go back', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({ crashes: 'expected', config: { tenants: [reverse([server.address])] } });
  const ask = async (count: number): Promise<void> => {
    const client = await connect(proxy.address('web'));
    for (let i = 0; i < count; i += 1) assert.equal((await client.ask(get)).status, 200);
    client.close();
  };
  const requests = async (): Promise<number> => (await proxy.metrics()).sum('sluice_requests_total', { tenant: 'main' });
  await ask(7);
  await eventually('seven requests', async () => (await requests()) === 7);
  const before = await proxy.metrics();
  const pid = await eventually('the worker', () => proxy.workerPid('main'));
  process.kill(pid, 'SIGKILL');
  await eventually('the worker being back', async () => (await proxy.workerPid('main')) !== undefined && (await proxy.workerPid('main')) !== pid);
  await ask(5);
  await eventually('twelve requests', async () => (await requests()) === 12);
  assert.deepEqual(before.wentBackwards(await proxy.metrics()), []);
});

scenario('a worker that keeps crashing is restarted ever later, and that is said', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({
    crashes: 'expected',
    config: { restart_policy: { backoff_min: '20ms', backoff_max: '200ms', crash_loop_count: 3, crash_loop_window: '30s' }, tenants: [reverse([server.address])] },
  });
  for (let i = 0; i < 4; i += 1) {
    process.kill(await eventually('a worker to kill', () => proxy.workerPid('main')), 'SIGKILL');
    await sleep(50);
  }
  await proxy.log.waitFor('the crash loop', (r) => r['event'] === 'worker crash loop');
  const client = await connect(proxy.address('web'));
  assert.equal((await client.ask(get)).status, 200);
});

scenario('the admin process dying harms no traffic and comes back', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({ crashes: 'expected', config: { tenants: [reverse([server.address])] } });
  const client = await connect(proxy.address('web'));
  await client.ask(get);
  process.kill(await eventually('the admin', () => proxy.workerPid('sluice')), 'SIGKILL');
  assert.equal((await client.ask(get)).status, 200);
  assert.equal(server.accepted, 1);
  await eventually('metrics again', async () => (await proxy.metrics()).samples.length > 0);
});

scenario('SIGTERM to a worker whose supervisor lives stops nothing', async ({ sluice, origin, connect: open }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address], { name: 'a' }, { name: 'main' })] } });
  const client = await open(proxy.address('a'));
  assert.equal((await client.ask(get)).status, 200);
  const worker = await eventually('the worker', () => proxy.workerPid('main'));
  process.kill(worker, 'SIGTERM');
  await proxy.log.waitFor('the signal', (r) => r['event'] === 'signal ignored');
  assert.equal((await client.ask(get)).status, 200);
  const another = await open(proxy.address('a'));
  assert.equal((await another.ask(get)).status, 200);
  assert.equal(await proxy.workerPid('main'), worker);
});
