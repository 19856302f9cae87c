// The HTTP/1.1 on-ramp behind a reverse proxy: what a client may send and what it gets.
import { createHash } from 'node:crypto';
import { assert, eventually, reverse, scenario, sleep, type Response } from '../kit/index.js';

const get = (path = '/', more = ''): string => `GET ${path} HTTP/1.1\r\nHost: web.test\r\n${more}\r\n`;

scenario('a request travels to the origin and the answer comes back', async ({ sluice, origin, connect }) => {
  const server = await origin((_, response) => {
    response.setHeader('X-Answer', 'yes');
    response.end('hello');
  });
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await connect(proxy.address('web'));
  const response = await client.ask(get('/path?q=1', 'X-Question: maybe\r\n'));
  assert.equal(response.status, 200);
  assert.equal(response.text, 'hello');
  assert.equal(response.head.get('x-answer'), 'yes');
  assert.equal(server.seen[0]?.target, '/path?q=1');
  assert.equal(server.seen[0]?.headers['x-question'], 'maybe');
  assert.equal(server.seen[0]?.headers.host, 'web.test');
});

scenario('requests on one client connection share one origin connection', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await connect(proxy.address('web'));
  for (let i = 0; i < 50; i += 1) assert.equal((await client.ask(get(`/${i}`))).text, 'origin');
  assert.equal(server.seen.length, 50);
  assert.equal(server.accepted, 1);
});

scenario('pipelined requests are answered in order', async ({ sluice, origin, connect }) => {
  const server = await origin((request, response) => {
    setTimeout(() => response.end(request.url), request.url === '/0' ? 100 : 0);
  });
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await connect(proxy.address('web'));
  await client.send([0, 1, 2, 3, 4].map((i) => get(`/${i}`)).join(''));
  const answers: string[] = [];
  for (let i = 0; i < 5; i += 1) answers.push((await client.readResponse()).text);
  assert.deepEqual(answers, ['/0', '/1', '/2', '/3', '/4']);
});

scenario('of requests sent ahead so many are served as are allowed, and the last answer says so', async ({ sluice, origin, connect }) => {
  const server = await origin((request, response) => { response.end(request.url); });
  const proxy = await sluice({ config: { tenants: [reverse([server.address], { http: { pipelined_requests: 5 } })] } });
  const greedy = await connect(proxy.address('web'));
  await greedy.send([...Array(8).keys()].map((i) => get(`/${i}`)).join(''));
  const answers = [];
  for (let i = 0; i < 5; i += 1) answers.push(await greedy.readResponse());
  assert.deepEqual(answers.map((a) => a.text), ['/0', '/1', '/2', '/3', '/4']);
  assert.deepEqual(answers.map((a) => a.head.get('connection')), [undefined, undefined, undefined, undefined, 'close']);
  await greedy.reader.closed();
  assert.equal(server.seen.length, 5);
  // who has no more than five on the way may go on for ever
  const fair = await connect(proxy.address('web'));
  for (let round = 0; round < 10; round += 1) {
    await fair.send([0, 1, 2, 3].map((i) => get(`/${round}${i}`)).join(''));
    for (let i = 0; i < 4; i += 1) assert.equal((await fair.readResponse()).text, `/${round}${i}`);
  }
  const body = 'b'.repeat(100_000);
  const post = `POST /p HTTP/1.1\r\nHost: web.test\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  await fair.send(post.repeat(8));
  for (let i = 0; i < 8; i += 1) assert.equal((await fair.readResponse()).head.get('connection'), undefined, 'bodies that are read one by one');
});

scenario('a request that arrives byte by byte is understood', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await connect(proxy.address('web'));
  await client.dribble('POST /slow HTTP/1.1\r\nHost: web.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n');
  assert.equal((await client.readResponse()).status, 200);
  assert.equal(server.seen[0]?.target, '/slow');
});

for (const framing of ['content-length', 'chunked'] as const) {
  scenario(`a body of 8 MiB arrives whole both ways (${framing})`, async ({ sluice, origin, connect }) => {
    const body = Buffer.alloc(8 << 20);
    for (let i = 0; i < body.length; i += 4) body.writeUInt32LE(Math.imul(i, 2654435761) >>> 0, i);
    const digest = createHash('sha256').update(body).digest('hex');
    const server = await origin((request, response) => {
      const hash = createHash('sha256');
      request.on('data', (chunk: Buffer) => hash.update(chunk));
      request.on('end', () => {
        response.setHeader('x-digest', hash.digest('hex'));
        if (framing === 'content-length') response.setHeader('content-length', body.length);
        response.end(body);
      });
    });
    const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
    const client = await connect(proxy.address('web'));
    const sending = (async () => {
      if (framing === 'content-length') {
        await client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`);
        await client.send(body);
      } else {
        await client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
        for (let at = 0; at < body.length; at += 100_000) {
          const part = body.subarray(at, at + 100_000);
          await client.send(Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]));
        }
        await client.send('0\r\n\r\n');
      }
    })();
    const response = await client.readResponse();
    await sending;
    assert.equal(response.head.get('x-digest'), digest);
    assert.equal(createHash('sha256').update(response.body).digest('hex'), digest);
  });
}

scenario('trailers pass in both directions', async ({ sluice, scripted, connect }) => {
  const server = await scripted(async (c) => {
    const request = await c.readRequest();
    assert.deepEqual(request.trailers, ['X-Sum: 3']);
    await c.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Check\r\n\r\n2\r\nok\r\n0\r\nX-Check: 1\r\n\r\n');
  });
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await connect(proxy.address('web'));
  const response = await client.ask('POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 3\r\n\r\n');
  assert.equal(response.text, 'ok');
  assert.deepEqual(response.trailers.map((t) => t.toLowerCase()), ['x-check: 1']);
});

scenario('Expect: 100-continue waits for the go-ahead', async ({ sluice, scripted, connect }) => {
  const server = await scripted(async (c) => {
    const head = await c.reader.until('\r\n\r\n');
    assert.match(head.toString(), /expect: 100-continue/i);
    await c.send('HTTP/1.1 100 Continue\r\n\r\n');
    assert.equal((await c.reader.exactly(4)).toString(), 'body');
    await c.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await connect(proxy.address('web'));
  const first = await client.ask('PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n');
  assert.equal(first.status, 100);
  await client.send('body');
  assert.equal((await client.readResponse()).text, 'ok');
});

scenario('interim answers of the origin reach the client before the final one', async ({ sluice, scripted, connect }) => {
  const server = await scripted(async (c) => {
    await c.readRequest();
    await c.send('HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n');
    await sleep(30);
    await c.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await connect(proxy.address('web'));
  const hint = await client.ask(get());
  assert.equal(hint.status, 103);
  assert.equal(hint.head.get('link'), '</a.css>');
  assert.equal((await client.readResponse()).status, 200);
});

scenario('answers without a body do not confuse the connection', async ({ sluice, scripted, connect }) => {
  const answers: Record<string, string> = {
    HEAD: 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n',
    GET: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\nETag: "a"\r\n\r\n',
    DELETE: 'HTTP/1.1 204 No Content\r\n\r\n',
  };
  const server = await scripted(async (c) => {
    for (;;) await c.send(answers[(await c.readRequest()).method] ?? '');
  });
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await connect(proxy.address('web'));
  for (const [method, status] of [['HEAD', 200], ['GET', 304], ['DELETE', 204], ['HEAD', 200]] as const) {
    const response = await client.ask(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.equal(response.status, status);
    if (method === 'HEAD') assert.equal(response.head.get('content-length'), '1000');
  }
  assert.ok(await client.reader.silentFor(50));
});

scenario('hop-by-hop fields stay on their hop', async ({ sluice, scripted, connect }) => {
  const server = await scripted(async (c) => {
    const { head } = await c.readRequest();
    for (const name of ['x-private', 'keep-alive', 'proxy-connection', 'te', 'upgrade', 'proxy-authorization']) {
      assert.equal(head.get(name), undefined, `${name} reached the origin`);
    }
    assert.equal(head.get('x-public'), '1');
    await c.send('HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Secret\r\nX-Secret: 1\r\nKeep-Alive: timeout=5\r\nX-Open: 1\r\nContent-Length: 0\r\n\r\n');
    await c.reader.closed();
  });
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await connect(proxy.address('web'));
  const response = await client.ask(get('/', 'Connection: X-Private, keep-alive\r\nX-Private: 1\r\nKeep-Alive: 5\r\nProxy-Connection: a\r\n'
    + 'TE: gzip\r\nProxy-Authorization: Basic eDp5\r\nX-Public: 1\r\n'));
  assert.equal(response.status, 200);
  assert.equal(response.head.get('x-open'), '1');
  assert.equal(response.head.get('x-secret'), undefined);
  assert.equal(response.head.get('keep-alive'), undefined);
});

scenario('Connection: close and HTTP/1.0 end the connection after the answer', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  const polite = await connect(proxy.address('web'));
  const response = await polite.ask(get('/', 'Connection: close\r\n'));
  assert.equal(response.text, 'origin');
  assert.equal(response.head.get('connection')?.toLowerCase(), 'close');
  assert.equal(await polite.reader.closed(), 'end');
  const old = await connect(proxy.address('web'));
  await old.send('GET / HTTP/1.0\r\nHost: a\r\n\r\n');
  assert.match((await old.reader.toEnd()).toString(), /^HTTP\/1\.[01] 200 .*\r\n\r\norigin$/s);
});

const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
const refused: ReadonlyArray<readonly [name: string, bytes: string]> = [
  ['Content-Length beside Transfer-Encoding', `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`],
  ['two different Content-Lengths', `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`],
  ['a list of Content-Lengths', `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0, 5\r\n\r\n${smuggled}`],
  ['a signed Content-Length', `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +0\r\n\r\n${smuggled}`],
  ['an enormous Content-Length', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n'],
  ['a transfer coding that is not chunked', `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n${smuggled}`],
  ['chunked that is not the last coding', `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${smuggled}`],
  ['chunked twice', `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`],
  ['Transfer-Encoding from HTTP/1.0', `POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`],
  ['a space before the colon', `GET / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\n${smuggled}`],
  ['a folded header line', `GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n Content-Length: 5\r\n\r\n${smuggled}`],
  ['a NUL in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX-A: a\0b\r\n\r\n'],
  ['a bare CR in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX-A: a\rb\r\n\r\n'],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
  ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
  ['a Host that is not one', 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n'],
  ['a method with a strange character', 'G@T / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['a control character in the target', 'GET /a\x01b HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['an unknown major version', 'GET / HTTP/3.7\r\nHost: a\r\n\r\n'],
];
for (const [name, bytes] of refused) {
  scenario(`refuses ${name}`, async ({ sluice, origin, connect }) => {
    const server = await origin();
    const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
    const client = await connect(proxy.address('web'));
    await client.send(bytes);
    const response = await client.readResponse();
    assert.ok(response.status === 400 || response.status === 501 || response.status === 505, `answered ${response.status}`);
    await client.reader.closed();
    assert.deepEqual(server.seen.map((s) => s.target), []);
  });
}

for (const [name, chunks] of [['is not hexadecimal', 'zz\r\n'], ['overflows', 'fffffffffffffffff\r\n'], ['has data longer than its size', '1\r\nabc\r\n']] as const) {
  scenario(`refuses a chunk that ${name}`, async ({ sluice, origin, connect }) => {
    const server = await origin((request, response) => {
      request.on('end', () => response.end());
      request.resume();
    });
    const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
    const client = await connect(proxy.address('web'));
    await client.send(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n${smuggled}`);
    const text = (await client.reader.toEnd()).toString();
    assert.doesNotMatch(text, /^HTTP\/1\.1 200/);
    assert.ok(!server.seen.some((s) => s.target === '/smuggled'));
  });
}

scenario('a head that is too large is refused with 431', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address], { http: { head_limit: '8KiB' } })] } });
  const fits = await connect(proxy.address('web'));
  assert.equal((await fits.ask(get('/', `X-Big: ${'a'.repeat(6000)}\r\n`))).status, 200);
  const client = await connect(proxy.address('web'));
  await client.send(get('/', `X-Big: ${'a'.repeat(9000)}\r\n`));
  assert.equal((await client.readResponse()).status, 431);
  await client.reader.closed();
  assert.equal(server.seen.length, 1);
});

scenario('a body beyond the limit is refused with 413', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address], { http: { body_limit: '1KiB' } })] } });
  const client = await connect(proxy.address('web'));
  await client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n`);
  assert.equal((await client.readResponse()).status, 413);
});

scenario('a client that does not finish its head is sent away', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address], { http: { head_timeout: '300ms' } })] } });
  const client = await connect(proxy.address('web'));
  await client.send('GET / HTTP/1.1\r\nHo');
  const text = (await client.reader.toEnd()).toString();
  assert.match(text, /^HTTP\/1\.1 408 /);
});

scenario('an idle keep-alive connection is closed after its time', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address], { http: { keepalive_timeout: '300ms' } })] } });
  const client = await connect(proxy.address('web'));
  assert.equal((await client.ask(get())).status, 200);
  const since = Date.now();
  assert.equal(await client.reader.closed(), 'end');
  assert.ok(Date.now() - since >= 250);
});

scenario('a client that goes away cancels its request at the origin', async ({ sluice, scripted, connect }) => {
  let how: string | undefined;
  const server = await scripted(async (c) => {
    await c.readRequest();
    how = await c.reader.closed();
  });
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await connect(proxy.address('web'));
  await client.send(get());
  await sleep(100);
  client.reset();
  await eventually('the origin connection being closed', () => how !== undefined, 2000);
});

scenario('a client that has only ended its own direction still gets its answer', async ({ sluice, origin, connect }) => {
  const server = await origin((_, response) => void setTimeout(() => response.end('late'), 200));
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await connect(proxy.address('web'));
  await client.send(get());
  await client.end();
  assert.equal((await client.readResponse()).text, 'late');
  assert.equal(await client.reader.closed(), 'end');
});

scenario('a hundred clients at once each get their own answer', async ({ sluice, origin, connect }) => {
  const server = await origin((request, response) => void setTimeout(() => response.end(request.url), 10));
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  const answers = await Promise.all(Array.from({ length: 100 }, async (_, i): Promise<Response> => {
    const client = await connect(proxy.address('web'));
    await client.ask(get(`/first/${i}`));
    return client.ask(get(`/${i}`));
  }));
  answers.forEach((answer, i) => assert.equal(answer.text, `/${i}`));
});
