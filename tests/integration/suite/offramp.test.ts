// The off-ramp: routes, groups of servers, the pool of connections and what happens when an origin misbehaves.
import { assert, reverse, scenario, sleep } from '../kit/index.js';

const get = (path = '/', host = 'web.test'): string => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;

scenario('requests go round robin over the servers of a group', async ({ sluice, origin, connect }) => {
  const a = await origin((_, response) => response.end('a'));
  const b = await origin((_, response) => response.end('b'));
  const proxy = await sluice({ config: { tenants: [reverse([a.address, b.address])] } });
  const client = await connect(proxy.address('web'));
  const answers: string[] = [];
  for (let i = 0; i < 6; i += 1) answers.push((await client.ask(get())).text);
  assert.equal(answers.filter((x) => x === 'a').length, 3);
  assert.equal(answers.filter((x) => x === 'b').length, 3);
});

scenario('routes choose by host and path, the longest path of whole segments first', async ({ sluice, origin, connect }) => {
  const named = async (name: string): Promise<string> => (await origin((_, response) => response.end(name))).address;
  const proxy = await sluice({
    config: {
      tenants: [reverse([], {
        routes: [
          { hosts: ['a.test'], path: '/', upstream: 'a' },
          { hosts: ['a.test'], path: '/api', upstream: 'api' },
          { hosts: ['*.b.test'], upstream: 'b' },
        ],
      }, {
        upstreams: [
          { name: 'a', servers: [await named('a')] }, { name: 'api', servers: [await named('api')] }, { name: 'b', servers: [await named('b')] },
        ],
      })],
    },
  });
  const client = await connect(proxy.address('web'));
  assert.equal((await client.ask(get('/', 'a.test'))).text, 'a');
  assert.equal((await client.ask(get('/api/x', 'a.test'))).text, 'api');
  assert.equal((await client.ask(get('/apiary', 'A.TEST'))).text, 'a');
  assert.equal((await client.ask(get('/', 'x.b.test'))).text, 'b');
  assert.equal((await client.ask(get('/', 'nowhere.test'))).status, 404);
  const metrics = await proxy.metrics();
  assert.equal(metrics.sum('sluice_route_duration_seconds_count', { endpoint: 'web', route: 'a.test/api' }), 1);
  assert.equal(metrics.sum('sluice_route_duration_seconds_count', { endpoint: 'web' }), 4);
});

scenario('a server that refuses connections gives 502, or its neighbour answers', async ({ sluice, origin, connect }) => {
  const gone = await origin();
  const dead = gone.address;
  await gone.close();
  const alive = await origin();
  const alone = reverse([dead]);
  const pair = reverse([dead, alive.address], { name: 'pair' }, { name: 'second' });
  const proxy = await sluice({ config: { tenants: [alone, pair] } });
  const client = await connect(proxy.address('web'));
  assert.equal((await client.ask(get())).status, 502);
  const other = await connect(proxy.address('pair'));
  for (let i = 0; i < 4; i += 1) assert.equal((await other.ask(get())).status, 200);
});

scenario('an origin that says nothing gives 504 after the first-byte timeout', async ({ sluice, scripted, connect }) => {
  const server = await scripted(async (c) => {
    await c.readRequest();
    await c.reader.closed();
  });
  const proxy = await sluice({ config: { tenants: [reverse([], {}, { upstreams: [{ name: 'origin', servers: [server.address], first_byte_timeout: '300ms' }] })] } });
  const client = await connect(proxy.address('web'));
  const since = Date.now();
  assert.equal((await client.ask(get())).status, 504);
  assert.ok(Date.now() - since >= 250);
});

scenario('an origin that speaks nonsense gives 502', async ({ sluice, scripted, connect }) => {
  const nonsense = ['HELLO\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 'HTTP/1.1 20 OK\r\n\r\n',
    'HTTP/1.1 200 OK\r\nX A: b\r\n\r\n', ''];
  const server = await scripted(async (c, index) => {
    await c.readRequest();
    await c.send(nonsense[index] ?? '');
  });
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  for (let i = 0; i < 4; i += 1) {
    const client = await connect(proxy.address('web'));
    const response = await client.ask(`POST /${i} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`);
    assert.equal(response.status, 502, `for ${JSON.stringify(nonsense[i])}`);
  }
});

scenario('a body that the origin cuts short is never passed off as whole', async ({ sluice, scripted, connect }) => {
  const server = await scripted(async (c, index) => {
    await c.readRequest();
    await c.send(index === 0 ? 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf' : 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n');
  });
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  for (let i = 0; i < 2; i += 1) {
    const client = await connect(proxy.address('web'));
    await client.send(get());
    await assert.rejects(client.readResponse(), /connection (ended|was reset)/);
  }
});

scenario('a pooled connection that the origin has closed is not held against the next request', async ({ sluice, scripted, connect }) => {
  const server = await scripted(async (c) => {
    await c.readRequest();
    await c.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await connect(proxy.address('web'));
  for (let i = 0; i < 5; i += 1) {
    assert.equal((await client.ask(get())).text, 'ok');
    await sleep(30);
  }
  assert.equal(server.accepted, 5);
});

scenario('an idempotent request is tried again when a reused connection dies under it, a POST is not', async ({ sluice, scripted, connect }) => {
  const seen: string[] = [];
  const server = await scripted(async (c, index) => {
    seen.push(`${index}:${(await c.readRequest()).method}`);
    await c.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    seen.push(`${index}:${(await c.readRequest()).method}`);
    c.reset();
  });
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await connect(proxy.address('web'));
  assert.equal((await client.ask(get())).status, 200);
  assert.equal((await client.ask(get())).status, 200);
  const post = await client.ask('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx');
  assert.equal(post.status, 502);
  assert.deepEqual(seen, ['0:GET', '0:GET', '1:GET', '1:POST']);
});

scenario('an answer that comes before the request has been sent whole is passed on', async ({ sluice, scripted, connect }) => {
  const server = await scripted(async (c) => {
    await c.reader.until('\r\n\r\n');
    await c.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno');
    await c.reader.countToEnd(10_000).catch(() => 0);
  });
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await connect(proxy.address('web'));
  await client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nfirst');
  const response = await client.readResponse();
  assert.equal(response.status, 403);
  assert.equal(response.text, 'no');
});

scenario('a server given by name is looked up, overrides first', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({
    config: { tenants: [reverse([`origin.example:${server.port}`], {}, { resolver: { hosts: { 'origin.example': ['127.0.0.1'] } } })] },
  });
  const client = await connect(proxy.address('web'));
  assert.equal((await client.ask(get())).text, 'origin');
});

scenario('a reader that stops does not make Sluice read the whole answer', async ({ sluice, scripted, connect }) => {
  let sent = 0;
  const server = await scripted(async (c) => {
    await c.readRequest();
    await c.send(`HTTP/1.1 200 OK\r\nContent-Length: ${256 << 20}\r\n\r\n`);
    const block = Buffer.alloc(1 << 20);
    try {
      for (; sent < 256; sent += 1) await c.send(block);
    } catch {
      return; // the client is gone, and with it the connection
    }
    await c.reader.closed().catch(() => undefined);
  });
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await connect(proxy.address('web'));
  await client.send(get());
  await client.reader.until('\r\n\r\n');
  await sleep(500);
  assert.ok(sent < 48, `${sent} MiB left the origin for a client that reads nothing`);
});

scenario('connections to origins come from the configured addresses, in turn', async ({ sluice, origin, connect }) => {
  const server = await origin((request, response) => response.end(request.socket.remoteAddress));
  const proxy = await sluice({
    config: {
      tenants: [reverse([], {}, {
        upstreams: [{ name: 'origin', servers: [server.address], source_addresses: ['127.0.0.7', '127.0.0.8', '::1'], pool: { max_idle: 0 } }],
      })],
    },
  });
  const client = await connect(proxy.address('web'));
  const seen: string[] = [];
  for (let i = 0; i < 4; i += 1) seen.push((await client.ask(get())).text);
  assert.deepEqual(seen.sort(), ['127.0.0.7', '127.0.0.7', '127.0.0.8', '127.0.0.8']);
});

scenario('without a source address of its family an origin is not reached', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({
    config: { tenants: [reverse([], {}, { upstreams: [{ name: 'origin', servers: [server.address], source_addresses: ['::1'] }] })] },
  });
  const client = await connect(proxy.address('web'));
  assert.equal((await client.ask(get())).status, 502);
  assert.equal(server.accepted, 0);
});
