// HTTP/2 towards origins: connections that are shared, streams that fail, and what a translation may not do.
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http2';
import {
  assert, Authority, connect, eventually, h2, reverse, scenario, websocket, type Address, type Http2Origin, type Json,
  type JsonObject, type Kit, type Sluice,
} from '../kit/index.js';

const get = (path = '/', more = '', method = 'GET'): string => `${method} ${path} HTTP/1.1\r\nHost: web.test\r\n${more}\r\n`;

/** A tenant with one upstream that is spoken to in HTTP/2. */
const over2 = (server: string, upstream: JsonObject = {}, http: JsonObject = {}): JsonObject =>
  reverse([], {}, { upstreams: [{ name: 'origin', servers: [server], http: { versions: ['h2'], ...http }, ...upstream }] });

const start = (kit: Kit, server: string, upstream: JsonObject = {}, http: JsonObject = {}): Promise<Sluice> =>
  kit.sluice({ config: { tenants: [over2(server, upstream, http)] } });

async function open(kit: Kit, address: Address): Promise<h2.Http2Client> {
  const client = await h2.Http2Client.open(address);
  kit.after(() => client.close());
  return client;
}

async function once1(proxy: Sluice, request = get()): Promise<{ status: number; text: string; proxyStatus: string }> {
  const client = await connect(proxy.address('web'));
  try {
    const response = await client.ask(request);
    return { status: response.status, text: response.text, proxyStatus: response.head.get('proxy-status') ?? '' };
  } finally {
    client.close();
  }
}

scenario('requests of all clients share a connection, and nothing of HTTP/1 is left in them', async (kit) => {
  const origin = await kit.http2Origin((request, response) => {
    let size = 0;
    request.on('data', (part: Buffer) => { size += part.length; });
    request.on('end', () => response.end(`${request.method} ${size}`));
  });
  const proxy = await start(kit, origin.address);
  const one = await kit.connect(proxy.address('web'));
  assert.equal((await one.ask(get('/a?b', 'Connection: x-hop\r\nX-Hop: 1\r\nTE: trailers\r\nKeep-Alive: 5\r\nX-Mixed: Case\r\nCookie: a=b; c=d\r\n'))).text, 'GET 0');
  await one.send(`${get('/up', 'Transfer-Encoding: chunked\r\n', 'POST')}5\r\nhello\r\n3\r\n!!!\r\n0\r\n\r\n`);
  assert.equal((await one.readResponse('POST')).text, 'POST 8');
  const two = await open(kit, proxy.address('web'));
  const many = await Promise.all([...Array(30).keys()].map(() => two.ask({ ':method': 'PUT', ':path': '/many' }, 'x'.repeat(1000))));
  assert.ok(many.every((answer) => answer.text === 'PUT 1000'));
  assert.equal(origin.sessions.length, 1);
  const first = origin.seen[0];
  assert.deepEqual([first?.method, first?.target, first?.headers[':scheme'], first?.headers[':authority']], ['GET', '/a?b', 'http', 'web.test']);
  assert.deepEqual([first?.headers['x-mixed'], first?.headers['te'], first?.headers['cookie']], ['Case', 'trailers', 'a=b; c=d']);
  for (const name of ['connection', 'x-hop', 'keep-alive', 'host', 'transfer-encoding']) {
    for (const seen of origin.seen) assert.equal(seen.headers[name], undefined, name);
  }
  await eventually('the connection to idle', async () => {
    const rows = JSON.parse((await proxy.ctl('upstreams', '--json')).stdout) as JsonObject;
    return JSON.stringify(rows).includes('"idle":1');
  });
});

scenario('answers of every kind come through, to clients of both versions', async (kit) => {
  const big = Buffer.alloc(1_500_000, 'sluice');
  const origin = await kit.http2Origin((request, response) => {
    if (request.url === '/trailers') {
      response.stream.additionalHeaders({ ':status': 103, link: '</a.css>' });
      response.write('body');
      response.addTrailers({ 'x-sum': '42' });
      response.end();
    } else if (request.url === '/big') {
      response.end(big);
    } else if (request.url === '/length') {
      response.writeHead(200, { 'content-length': '5' });
      if (request.method === 'HEAD') response.end();
      else response.end('hello');
    } else {
      response.writeHead(Number(request.url.slice(1)));
      response.end();
    }
  });
  const proxy = await start(kit, origin.address);
  const one = await kit.connect(proxy.address('web'));
  const two = await open(kit, proxy.address('web'));
  await one.send(get('/trailers', 'TE: trailers\r\n'));
  const hints = await one.readResponse();
  assert.equal(hints.status, 103);
  const answer = await one.readResponse();
  assert.deepEqual([answer.status, answer.text, answer.head.get('transfer-encoding')], [200, 'body', 'chunked']);
  const other = await two.ask('/trailers');
  assert.deepEqual([other.text, other.trailers['x-sum'], other.interim[0]?.[':status']], ['body', '42', 103]);
  assert.ok((await one.ask(get('/big'))).text === big.toString('latin1'));
  assert.ok((await two.ask('/big')).text === big.toString('latin1'));
  assert.deepEqual([(await one.ask(get('/length'))).text, (await two.ask('/length')).text], ['hello', 'hello']);
  const head = await one.ask(get('/length', '', 'HEAD'));
  assert.deepEqual([head.status, head.head.get('content-length'), head.text], [200, '5', '']);
  for (const status of [204, 304, 200, 404]) {
    assert.equal((await one.ask(get(`/${status}`))).status, status);
    assert.equal((await two.ask(`/${status}`)).status, status);
  }
  assert.equal(origin.sessions.length, 1);
});

scenario('a full connection gets a second one, within the limit', async (kit) => {
  const waiting: Array<() => void> = [];
  const settings = { settings: { maxConcurrentStreams: 2 } };
  const origin = await kit.http2Origin((_, response) => { waiting.push(() => void response.end('late')); }, settings);
  const proxy = await kit.sluice({ config: { tenants: [over2(origin.address), { ...over2(origin.address, { pool: { max_connections: 1 } }), name: 'second',
    endpoints: [{ name: 'one', listen: ['127.0.0.1:0'], routes: [{ upstream: 'origin' }] }] }] } });
  const client = await open(kit, proxy.address('web'));
  const five = [...Array(5).keys()].map(() => client.ask('/'));
  await eventually('all to be asked', () => origin.seen.length === 5);
  assert.equal(origin.sessions.length, 3);
  for (const finish of waiting.splice(0)) finish();
  for (const answer of await Promise.all(five)) assert.equal(answer.text, 'late');
  const limited = await open(kit, proxy.address('one'));
  const more = [...Array(5).keys()].map(() => limited.ask('/'));
  for (let served = 0; served < 5;) {
    await eventually('the next ones', () => waiting.length > 0);
    served += waiting.length;
    for (const finish of waiting.splice(0)) finish();
  }
  for (const answer of await Promise.all(more)) assert.equal(answer.text, 'late');
  assert.equal(origin.sessions.length, 4);
});

scenario('what the origin has not looked at is sent again, a POST too', async (kit) => {
  const paths: string[] = [];
  const ok = (stream: number): Buffer => h2.head(stream, [[':status', '200'], ['content-length', '0']], 5);
  const origin = await kit.scripted(async (c, index) => {
    await h2.accept(c);
    for (;;) {
      const request = await h2.nextRequest(c);
      paths.push(`${index}:${request.stream}`);
      if (index === 0 && request.stream === 3) {
        await c.send(h2.frame(h2.type.goaway, 0, 0, Buffer.from([0, 0, 0, 1, 0, 0, 0, 0])));
      } else if (index === 1 && request.stream === 3) {
        await c.send(h2.frame(h2.type.reset, 0, 3, Buffer.from([0, 0, 0, 7])));
      } else {
        await c.send(ok(request.stream));
      }
    }
  });
  const proxy = await start(kit, origin.address);
  const client = await kit.connect(proxy.address('web'));
  const post = get('/', 'Content-Length: 0\r\n', 'POST');
  assert.equal((await client.ask(post)).status, 200);
  assert.equal((await client.ask(post)).status, 200);  // GOAWAY: on a new connection
  assert.equal((await client.ask(post)).status, 200);  // REFUSED_STREAM: once more
  assert.deepEqual(paths, ['0:1', '0:3', '1:1', '1:3', '1:5']);
  assert.equal((await proxy.metrics()).sum('sluice_upstream_retries_total', { upstream: 'origin' }), 2);
});

scenario('a stream that goes wrong fails alone, and the answer says why', async (kit) => {
  const status: [string, string] = [':status', '200'];
  const reset = (stream: number, code: number): Buffer => h2.frame(h2.type.reset, 0, stream, Buffer.from([0, 0, 0, code]));
  const cases: Array<{ name: string; frames: (stream: number) => Buffer[]; status: number; error: string }> = [
    { name: 'reset', frames: (s) => [reset(s, 2)], status: 502, error: 'connection_terminated' },
    { name: 'refused for ever', frames: (s) => [reset(s, 7)], status: 503, error: 'connection_limit_reached' },
    { name: 'a name in upper case', frames: (s) => [h2.head(s, [status, ['X-Upper', 'y']])], status: 502, error: 'http_protocol_error' },
    { name: 'a field of the connection', frames: (s) => [h2.head(s, [status, ['connection', 'close']])], status: 502, error: 'http_protocol_error' },
    { name: 'a transfer coding', frames: (s) => [h2.head(s, [status, ['transfer-encoding', 'chunked']])], status: 502, error: 'http_protocol_error' },
    { name: 'a line end in a value', frames: (s) => [h2.head(s, [status, ['x', 'a\r\nset-cookie: b']])], status: 502, error: 'http_protocol_error' },
    { name: 'a NUL in a value', frames: (s) => [h2.head(s, [status, ['x', 'a\0b']])], status: 502, error: 'http_protocol_error' },
    { name: 'no status', frames: (s) => [h2.head(s, [['x', 'y']])], status: 502, error: 'http_protocol_error' },
    { name: 'two statuses', frames: (s) => [h2.head(s, [status, status])], status: 502, error: 'http_protocol_error' },
    { name: 'a request field', frames: (s) => [h2.head(s, [status, [':path', '/']])], status: 502, error: 'http_protocol_error' },
    { name: 'a status that is none', frames: (s) => [h2.head(s, [[':status', '999']])], status: 502, error: 'http_protocol_error' },
    { name: 'a switch', frames: (s) => [h2.head(s, [[':status', '101']])], status: 502, error: 'http_protocol_error' },
    { name: 'less than its length', frames: (s) => [h2.head(s, [status, ['content-length', '5']], 5)], status: 502, error: 'http_protocol_error' },
    { name: 'two lengths', frames: (s) => [h2.head(s, [status, ['content-length', '1'], ['content-length', '2']])], status: 502, error: 'http_protocol_error' },
    { name: 'an end without an answer', frames: (s) => [h2.head(s, [[':status', '103']], 5)], status: 502, error: 'http_protocol_error' },
    { name: 'many fields', frames: (s) => [h2.head(s, [status, ...[...Array(120).keys()].map((i): [string, string] => [`x-${i}`, 'y'])])], status: 502, error: 'http_response_header_section_size' },
  ];
  let now = 0;
  const origin = await kit.scripted(async (c) => {
    await h2.accept(c);
    for (;;) {
      const request = await h2.nextRequest(c);
      const one = cases[now];
      await c.send(one === undefined ? h2.head(request.stream, [[':status', '204']], 5) : Buffer.concat(one.frames(request.stream)));
    }
  });
  const proxy = await start(kit, origin.address, { health: { passive: { enabled: false } } });
  for (now = 0; now < cases.length; now += 1) {
    const one = cases[now];
    const answer = await once1(proxy);
    assert.equal(answer.status, one?.status, one?.name);
    assert.ok(answer.proxyStatus.includes(`error=${one?.error ?? ''}`), `${one?.name ?? ''}: ${answer.proxyStatus}`);
  }
  assert.equal((await once1(proxy)).status, 204);
  assert.equal(origin.accepted, 1);
});

scenario('an answer that is cut looks cut', async (kit) => {
  const origin = await kit.scripted(async (c) => {
    await h2.accept(c);
    for (;;) {
      const { stream } = await h2.nextRequest(c);
      await c.send(Buffer.concat([h2.head(stream, [[':status', '200'], ['content-length', '10']]), h2.frame(h2.type.data, 0, stream, 'hello')]));
      await c.send(h2.frame(h2.type.data, 1, stream, ''));  // five bytes are missing
    }
  });
  const proxy = await start(kit, origin.address);
  const client = await kit.connect(proxy.address('web'));
  await assert.rejects(client.ask(get('/cut')));
  const line = await proxy.log.waitFor('the request', (r) => r['path'] === '/cut');
  assert.equal(line['ended'], 'origin');
  const two = await open(kit, proxy.address('web'));
  await assert.rejects(two.ask('/cut'), /reset|Stream closed/);
});

scenario('a client that leaves takes its stream along, and nobody else\'s', async (kit) => {
  let finish = (): void => undefined;
  let code = -1;
  const origin = await kit.http2Origin((request, response) => {
    if (request.url === '/never') request.stream.on('close', () => { code = request.stream.rstCode; });
    else finish = () => void response.end('late');
  });
  const proxy = await start(kit, origin.address);
  const other = await open(kit, proxy.address('web'));
  const late = other.ask('/late');
  await eventually('the first', () => origin.seen.length === 1);
  const client = await kit.connect(proxy.address('web'));
  await client.send(get('/never'));
  await eventually('the second', () => origin.seen.length === 2);
  client.reset();
  await eventually('the end of its stream', () => code === 8);
  finish();
  assert.equal((await late).text, 'late');
  assert.equal(origin.sessions.length, 1);
});

scenario('a client that does not read holds up nobody else on the origin\'s connection', async (kit) => {
  const origin = await kit.http2Origin((request, response) => { response.end('x'.repeat(request.url === '/large' ? 4_000_000 : 10)); });
  const proxy = await start(kit, origin.address);
  const lazy = await kit.connect(proxy.address('web'));
  lazy.socket.pause();
  await lazy.send(get('/large'));
  await eventually('it to be asked', () => origin.seen.length === 1);
  const client = await kit.connect(proxy.address('web'));
  for (let i = 0; i < 20; i += 1) assert.equal((await client.ask(get('/small'))).text.length, 10);
  lazy.socket.resume();
  assert.equal((await lazy.readResponse()).text.length, 4_000_000);
  assert.equal(origin.sessions.length, 1);
});

scenario('an origin that shows no sign of life is given up, and a server that is not one is found out', async (kit) => {
  const silent = await kit.scripted(async (c) => {
    await h2.accept(c);
    await h2.until(c, () => false);
  });
  const web = await kit.origin();
  const names = { silent: over2(silent.address, {}, { ping_interval: '200ms', ping_timeout: '200ms' }), old: over2(web.address) };
  const tenants = Object.entries(names).map(([name, tenant]) => ({ ...tenant, name, endpoints: [{ name, listen: ['127.0.0.1:0'], routes: [{ upstream: 'origin' }] }] }));
  const proxy = await kit.sluice({ config: { tenants } });
  const one = await kit.connect(proxy.address('silent'));
  assert.equal((await one.ask(get())).status, 504);
  const two = await kit.connect(proxy.address('old'));
  const answer = await two.ask(get());
  assert.equal(answer.status, 502);
  assert.equal(web.seen.length, 0);
});

scenario('an origin that floods loses its connection', async (kit) => {
  const origin = await kit.scripted(async (c, index) => {
    await h2.accept(c);
    const { stream } = await h2.nextRequest(c);
    if (index !== 0) {
      await c.send(h2.head(stream, [[':status', '204']], 5));
      await h2.until(c, () => false);
    }
    const empty = h2.frame(h2.type.data, 0, stream, '');
    await c.send(Buffer.concat([h2.head(stream, [[':status', '200']]), ...Array<Buffer>(2000).fill(empty)]));
    await h2.until(c, (f) => f.type === h2.type.goaway);
  });
  const proxy = await start(kit, origin.address);
  const client = await kit.connect(proxy.address('web'));
  assert.equal((await client.ask(get('/flood'))).status, 502);
  assert.equal((await once1(proxy)).status, 204);
});

scenario('a WebSocket goes to an HTTP/2 origin as an extended CONNECT, when it takes one', async (kit) => {
  const serve = async (enableConnectProtocol: boolean): Promise<Http2Origin> => {
    const origin = await kit.http2Origin((_, response) => { response.writeHead(426).end(); }, { settings: { enableConnectProtocol } });
    origin.onStream((stream, headers) => {
      if (headers[':protocol'] !== 'websocket') return;
      asked.push(headers);
      if (headers[':path'] === '/no') {
        stream.respond({ ':status': 403 }, { endStream: true });
        return;
      }
      stream.respond({ ':status': 200 });
      stream.on('data', (part: Buffer) => stream.write(part));
      stream.on('end', () => stream.end('bye'));
    });
    return origin;
  };
  const asked: IncomingHttpHeaders[] = [];
  const ready = await serve(true);
  const unready = await serve(false);
  const tenant = (name: string, origin: Http2Origin): JsonObject =>
    ({ ...over2(origin.address), name, endpoints: [{ name, listen: ['127.0.0.1:0'], routes: [{ upstream: 'origin' }] }] });
  const proxy = await kit.sluice({ config: { tenants: [tenant('ready', ready), tenant('unready', unready)] } });
  const sent = Buffer.alloc(150_000, 'sluice');
  const one = await kit.connect(proxy.address('ready'));
  assert.equal((await websocket.upgrade(one, 'web.test', '/chat')).status, 101);
  await one.send(sent);
  assert.ok((await one.reader.exactly(sent.length)).equals(sent));
  await one.end();
  assert.equal((await one.reader.exactly(3)).toString(), 'bye');
  await one.reader.closed();
  assert.deepEqual([asked[0]?.[':path'], asked[0]?.[':scheme'], asked[0]?.['sec-websocket-version']], ['/chat', 'http', '13']);
  for (const name of ['connection', 'upgrade', 'sec-websocket-key']) assert.equal(asked[0]?.[name], undefined, name);
  const refused = await kit.connect(proxy.address('ready'));
  assert.equal((await websocket.upgrade(refused, 'web.test', '/no')).status, 403);
  const two = await open(kit, proxy.address('ready'));
  if (two.session.remoteSettings.enableConnectProtocol !== true) await once(two.session, 'remoteSettings');
  const stream = two.session.request({ ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'http', ':path': '/both', ':authority': 'web.test' }, { endStream: false });
  let back = 0;
  stream.on('data', (part: Buffer) => { back += part.length; });
  stream.end(sent);
  await once(stream, 'end');
  assert.equal(back, sent.length + 3);
  const plain = await kit.connect(proxy.address('unready'));
  assert.equal((await websocket.upgrade(plain, 'web.test', '/chat')).status, 426);
  assert.equal(asked.length, 3);
});

scenario('a WebSocket goes on after a burst of its HTTP/2 origin that fills the window', async (kit) => {
  const burst = 65_536;
  const origin = await kit.http2Origin((_, response) => { response.writeHead(426).end(); }, { settings: { enableConnectProtocol: true } });
  origin.onStream((stream, headers) => {
    if (headers[':protocol'] !== 'websocket') return;
    stream.respond({ ':status': 200 });
    stream.on('data', () => stream.write(Buffer.alloc(burst)));
    stream.on('end', () => stream.end());
  });
  const proxy = await start(kit, origin.address, {}, { stream_window: '64KiB' });
  const client = await kit.connect(proxy.address('web'));
  assert.equal((await websocket.upgrade(client, 'web.test', '/')).status, 101);
  for (let i = 0; i < 5; i += 1) {
    await client.send('more');
    assert.equal((await client.reader.exactly(burst)).length, burst);
  }
  await client.end();
  await client.reader.closed();
});

const authority = Authority.make();
const good = authority.issue(['DNS:origin.test', 'IP:127.0.0.1']);

scenario('over TLS the server chooses the version', async (kit) => {
  const both = await kit.http2Origin(undefined, { cert: good.cert, key: good.key });
  const old = await kit.httpsOrigin({ cert: good.cert, key: good.key });
  const tls = { enabled: true, ca: authority.pem };
  const tenant = (name: string, server: string, versions: Json[]): JsonObject => ({
    ...over2(server, { tls }, { versions }), name, endpoints: [{ name, listen: ['127.0.0.1:0'], routes: [{ upstream: 'origin' }] }],
  });
  const proxy = await kit.sluice({ config: { tenants: [
    tenant('first', both.address, ['h2', 'http/1.1']), tenant('second', old.address, ['h2', 'http/1.1']), tenant('third', old.address, ['h2']),
  ] } });
  for (let i = 0; i < 3; i += 1) {
    for (const name of ['first', 'second']) assert.equal((await (await kit.connect(proxy.address(name))).ask(get())).text, 'origin', name);
  }
  assert.deepEqual(both.seen.map((seen) => [seen.session, seen.headers[':scheme']]), [[0, 'https'], [0, 'https'], [0, 'https']]);
  assert.deepEqual([old.seen.length, old.accepted, old.seen[0]?.alpn], [3, 1, 'http/1.1']);
  const refused = await (await kit.connect(proxy.address('third'))).ask(get());
  assert.equal(refused.status, 502);
  assert.match(refused.head.get('proxy-status') ?? '', /tls_(protocol_error|alert_received)/);
});

scenario('probes speak HTTP/2 too', async (kit) => {
  let well = true;
  const origin = await kit.http2Origin((request, response) => {
    response.writeHead(request.url === '/health' && !well ? 500 : 200);
    response.end();
  });
  const active = { enabled: true, path: '/health', interval: '100ms', fall: 1, rise: 1 };
  const proxy = await start(kit, origin.address, { health: { active, panic_threshold: 0 } });
  assert.equal((await once1(proxy)).status, 200);
  well = false;
  await proxy.log.waitFor('the server to be down', (r) => r['event'] === 'server down');
  assert.equal((await once1(proxy)).status, 503);
  well = true;
  await proxy.log.waitFor('the server to be up', (r) => r['event'] === 'server up');
  assert.equal((await once1(proxy)).status, 200);
});
