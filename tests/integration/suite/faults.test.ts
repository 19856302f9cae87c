// Fault runs: origins and clients that die at every byte of a message, stall, answer at the wrong time, and a worker
// without descriptors. After each: whoever was hit knows it, nobody else was, and nothing is left behind.
import { assert, connect, ConnectionLost, eventually, reverse, scenario, sleep, type Connection, type Kit, type Sluice } from '../kit/index.js';

const sanitized = process.env['SLUICE_SANITIZED'] === '1';
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

/** Nobody is connected any more and no request is under way, in the metrics and in the connection table. */
async function nothingLeft(proxy: Sluice, tenant = 'main'): Promise<void> {
  await eventually('everything being given back', async () => {
    const metrics = await proxy.metrics();
    const open = ['sluice_connections_open', 'sluice_requests_open', 'sluice_tunnels_open', 'sluice_upstream_queue_length']
      .reduce((sum, name) => sum + metrics.sum(name, { tenant }), 0);
    if (open !== 0) return false;
    const listed = await proxy.ctl('connections');
    return listed.code === 0 && !listed.stdout.includes(tenant);
  });
}

/** Idle connections that died are found by the sweep, each second. */
async function noOriginLeft(proxy: Sluice): Promise<void> {
  await eventually('the origin connections being closed', async () => (await proxy.metrics()).sum('sluice_origin_connections_open', { tenant: 'main' }) === 0);
}

/** A neighbour on an endpoint of its own asks all the time; what it was answered. */
function neighbour(proxy: Sluice, endpoint: string): { stop: () => Promise<number> } {
  let going = true;
  const asking = (async () => {
    const client = await connect(proxy.address(endpoint));
    let count = 0;
    try {
      for (; going; count += 1) {
        const response = await client.ask(get('/neighbour'));
        assert.equal(response.status, 200, 'the neighbour was hurt');
        await sleep(2);
      }
    } finally {
      client.close();
    }
    return count;
  })();
  asking.catch(() => undefined);
  return { stop: () => { going = false; return asking; } };
}

const whole: Readonly<Record<string, { bytes: string; headSize: number; body: string }>> = Object.fromEntries(Object.entries({
  length: ['HTTP/1.1 200 OK\r\nContent-Length: 11\r\nX-A: b\r\n\r\n', 'hello world'],
  chunks: ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', '5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n'],
  interim: ['HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n', 'hello world'],
  close: ['HTTP/1.1 200 OK\r\n\r\n', 'hello world'],
}).map(([kind, [head = '', body = '']]) => [kind, { bytes: head + body, headSize: head.length, body: 'hello world' }]));

/** The final answer, or how it broke off. */
async function outcome(client: Connection, path: string): Promise<string> {
  await client.send(get(path));
  try {
    let response = await client.readResponse();
    while (response.status < 200) response = await client.readResponse();
    return `${response.status}${response.status === 200 ? ` ${response.text}` : ''}`;
  } catch (error) {
    if (error instanceof ConnectionLost) return 'cut';
    throw error;
  }
}

/** What a client may be told of an answer of which `cut` bytes came. */
function expected(kind: string, how: string, cut: number): string[] {
  const { bytes, headSize, body } = whole[kind] as { bytes: string; headSize: number; body: string };
  if (cut < headSize) return ['502'];
  if (kind === 'close') return how === 'end' ? [`200 ${bytes.slice(headSize, cut)}`] : ['cut'];
  // the last bytes and the reset may come in any order
  if (cut === bytes.length) return how === 'end' ? [`200 ${body}`] : [`200 ${body}`, 'cut', '502'];
  return how === 'end' ? ['cut'] : ['cut', '502'];
}

async function answersWithNeighbour({ sluice, origin, scripted }: Kit): Promise<{ proxy: Sluice; kinds: string[] }> {
  const server = await scripted(async (c) => {
    const [, kind = '', how = '', cut = ''] = (await c.readRequest()).target.split('/');
    const bytes = whole[kind]?.bytes.slice(0, Number(cut)) ?? '';
    if (bytes !== '') await c.send(bytes);
    if (how === 'reset') {
      await sleep(4);
      c.reset();
    }
  });
  const good = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address], {}, { upstreams: [
    { name: 'origin', servers: [server.address] },
  ] }), reverse([good.address], { name: 'next' }, { name: 'second' })] } });
  return { proxy, kinds: Object.keys(whole) };
}

for (const how of ['end', 'reset']) {
  scenario(`an origin dies at every byte of its answer (${how})`, async (kit) => {
    const { proxy, kinds } = await answersWithNeighbour(kit);
    const next = neighbour(proxy, 'next');
    const wrong: string[] = [];
    let runs = 0;
    await Promise.all(kinds.map(async (kind) => {
      const { bytes } = whole[kind] as { bytes: string };
      let client = await connect(proxy.address('web'));
      for (let cut = 0; cut <= bytes.length; cut += 1) {
        const got = await outcome(client, `/${kind}/${how}/${cut}`);
        if (!expected(kind, how, cut).includes(got)) wrong.push(`${kind}, cut at ${cut}: ${got}`);
        runs += 1;
        if (got === 'cut') {
          client.close();
          client = await connect(proxy.address('web'));
        }
      }
      client.close();
    }));
    assert.deepEqual(wrong, []);
    assert.ok(runs > 250, `${runs} cuts`);
    assert.ok(await next.stop() > 10);
    await nothingLeft(proxy);
    await noOriginLeft(proxy);
  }, { timeout: 60_000 });
}

for (const how of ['end', 'reset'] as const) {
  scenario(`a client dies at every byte of its request (${how})`, async ({ sluice, scripted, origin }) => {
    const complete: string[] = [];
    const server = await scripted(async (c) => {
      for (;;) {
        const request = await c.readRequest();
        complete.push(`${request.method} ${request.text}`);
        await c.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      }
    });
    const good = await origin();
    const proxy = await sluice({ config: { tenants: [reverse([server.address]), reverse([good.address], { name: 'next' }, { name: 'second' })] } });
    const next = neighbour(proxy, 'next');
    const requests = [
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n',
    ];
    await Promise.all(requests.map(async (request) => {
      for (let cut = 0; cut < request.length; cut += 1) {
        const client = await connect(proxy.address('web'));
        if (cut > 0) await client.send(request.slice(0, cut));
        if (how === 'reset') client.reset();
        else await client.reader.toEnd('the end', 50).catch(() => undefined).then(() => client.close());
      }
    }));
    await nothingLeft(proxy);
    assert.deepEqual(complete, [], 'the origin took a piece of a request for a whole one');
    assert.ok(await next.stop() > 0);
    await noOriginLeft(proxy);
  }, { timeout: 60_000 });
}

scenario('origins that stall anywhere cost their own clients a time-out, and nobody else anything', async ({ sluice, scripted, origin, connect: open }) => {
  const server = await scripted(async (c) => {
    const where = (await c.reader.until('\r\n\r\n')).toString().split(' ')[1] ?? '';
    if (where === '/head') await c.send('HTTP/1.1 200 OK\r\nContent-Len');
    if (where === '/body') await c.send('HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf');
    if (where === '/chunk') await c.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe');
    if (where === '/interim') await c.send('HTTP/1.1 103 Early Hints\r\n\r\n');
    await sleep(2500);  // reads nothing, says nothing, closes nothing
  });
  const good = await origin();
  const upstreams = [{ name: 'origin', servers: [server.address], first_byte_timeout: '400ms', idle_timeout: '400ms', write_timeout: '400ms' }];
  const proxy = await sluice({ config: { tenants: [reverse([], {}, { upstreams }), reverse([good.address], { name: 'next' }, { name: 'second' })] } });
  const next = neighbour(proxy, 'next');
  const cases: ReadonlyArray<readonly [path: string, outcome: string]> = [['/silent', '504'], ['/head', '504'], ['/body', 'cut'], ['/chunk', 'cut'], ['/interim', '504']];
  await Promise.all(Array.from({ length: 50 }, async (_, i) => {
    const [path, is] = cases[i % cases.length] as readonly [string, string];
    const client = await open(proxy.address('web'));
    assert.equal(await outcome(client, path), is, path);
    client.close();
  }));
  // an origin that takes nothing of a big upload
  const client = await open(proxy.address('web'));
  client.socket.write(`POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: ${32 << 20}\r\n\r\n`);
  client.socket.write(Buffer.alloc(32 << 20));
  assert.equal((await client.readResponse()).status, 504);
  client.close();
  assert.ok(await next.stop() > 10);
  await nothingLeft(proxy);
  await noOriginLeft(proxy);
}, { timeout: 60_000 });

scenario('an origin that answers twice, or hangs up at once, does not mix up its clients', async ({ sluice, scripted, connect: open }) => {
  const server = await scripted(async (c, index) => {
    if (index % 3 === 2) return;  // hangs up before it is asked
    for (;;) {
      const target = (await c.reader.until('\r\n\r\n')).toString().split(' ')[1] ?? '';
      const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${target.length}\r\n\r\n${target}`;
      await c.send(index % 3 === 1 ? `${answer}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen` : answer);
    }
  });
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  await Promise.all(Array.from({ length: 8 }, async (_, i) => {
    let client = await open(proxy.address('web'));
    for (let n = 0; n < 100; n += 1) {
      const path = `/${i}/${n}`;
      const got = await outcome(client, path);
      assert.ok(got === `200 ${path}` || got === '502' || got === 'cut', `${path} was answered ${got}`);
      if (got === 'cut') client = await open(proxy.address('web'));
    }
    client.close();
  }));
  await nothingLeft(proxy);
}, { timeout: 60_000 });

scenario('a worker without descriptors serves whom it has, and everybody again when there are some', async ({ sluice, origin, connect: open, after }) => {
  const server = await origin();
  const good = await origin();
  const proxy = await sluice({ config: { tenants: [
    reverse([server.address], { http: { head_timeout: '1m' } }, { limits: { descriptors: 96, connections: 90 } }),
    reverse([good.address], { name: 'next' }, { name: 'second' }),
  ] } });
  const next = neighbour(proxy, 'next');
  const first = await open(proxy.address('web'));
  assert.equal((await first.ask(get('/first'))).status, 200);
  const crowd: Connection[] = [];
  after(() => crowd.forEach((c) => c.close()));
  for (let i = 0; i < 150; i += 1) crowd.push(await connect(proxy.address('web')));
  await sleep(500);
  for (let i = 0; i < 5; i += 1) {
    const response = await first.ask(get(`/${i}`));
    assert.ok([200, 502, 503].includes(response.status), `answered ${response.status}`);
    await sleep(30);
  }
  crowd.forEach((c) => c.close());
  await eventually('newcomers being served', async () => {
    const client = await connect(proxy.address('web'));
    try {
      return (await client.ask(get('/again'))).status === 200;
    } finally {
      client.close();
    }
  });
  first.close();
  assert.ok(await next.stop() > 10);
  await nothingLeft(proxy);
}, { timeout: 60_000, skip: sanitized ? 'the sanitizer needs descriptors of its own' : undefined });
