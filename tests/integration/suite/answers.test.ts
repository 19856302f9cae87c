// What the proxy says when it answers itself: Proxy-Status, Via and loops, Max-Forwards.
import { assert, forward, merge, reverse, scenario, type Address } from '../kit/index.js';

const get = (path = '/', more = ''): string => `GET ${path} HTTP/1.1\r\nHost: web.test\r\n${more}\r\n`;

scenario('a chain of proxies is no loop, a request that comes back is', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const inner = await sluice({ config: { tenants: [reverse([server.address])] } });
  const outer = await sluice({ config: { tenants: [reverse([inner.address('web')])] } });
  const client = await connect(outer.address('web'));
  assert.equal((await client.ask(get())).status, 200);
  const via = server.seen[0]?.headers.via ?? '';
  assert.match(via, /^1\.1 sluice-[0-9a-f]{8}, 1\.1 sluice-[0-9a-f]{8}$/);
  for (const name of via.split(', ')) {
    const looped = await client.ask(get('/', `Via: 1.0 other, ${name.toUpperCase()} (comment)\r\n`));
    assert.equal(looped.status, 508);
    assert.match(looped.head.get('proxy-status') ?? '', /^sluice-[0-9a-f]{8}; error=proxy_loop_detected$/);
  }
  assert.equal(server.seen.length, 1);
});

scenario('an endless loop ends at once', async ({ sluice, scripted, connect }) => {
  let target: Address | undefined;
  const back = await scripted(async (c) => {  // the origin sends everything back to the proxy
    const head = await c.reader.until('\r\n\r\n');
    const client = await connect(target!);
    const { status } = await client.ask(head.toString());
    await c.send(`HTTP/1.1 ${status} Back\r\nContent-Length: 0\r\n\r\n`);
  });
  const proxy = await sluice({ config: { tenants: [reverse([back.address], { http: { via: 'edge' } })] } });
  target = proxy.address('web');
  const client = await connect(target);
  const response = await client.ask(get());
  assert.equal(response.status, 508);
  assert.equal(response.head.get('via'), '1.1 edge');
});

scenario('OPTIONS and TRACE are counted down, and answered at zero', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await connect(proxy.address('web'));
  assert.equal((await client.ask('OPTIONS /x HTTP/1.1\r\nHost: a\r\nMax-Forwards: 7\r\n\r\n')).status, 200);
  assert.equal(server.seen[0]?.headers['max-forwards'], '6');
  assert.equal((await client.ask(get('/', 'Max-Forwards: 0\r\n'))).status, 200);  // only of OPTIONS and TRACE
  const options = await client.ask('OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n');
  assert.equal(options.status, 204);
  assert.match(options.head.get('allow') ?? '', /GET, HEAD/);
  const trace = await client.ask('TRACE /x?y HTTP/1.1\r\nHost: a\r\nVia: 1.1 before\r\nCookie: secret=1\r\nAuthorization: Basic x\r\nX-Key: k\r\nMax-Forwards: 0\r\n\r\n');
  assert.equal(trace.status, 200);
  assert.equal(trace.head.get('content-type'), 'message/http');
  assert.equal(trace.text, 'TRACE /x?y HTTP/1.1\r\nHost: a\r\nVia: 1.1 before\r\nMax-Forwards: 0\r\n\r\n');
  for (const value of ['-1', 'x', '1\r\nMax-Forwards: 1', '99999999999']) {
    const other = await connect(proxy.address('web'));
    assert.equal((await other.ask(`OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: ${value}\r\n\r\n`)).status, 400, value);
  }
  assert.equal(server.seen.length, 2);
});

scenario('Proxy-Status says what went wrong, at which stage', async ({ sluice, scripted, connect }) => {
  const answers: Record<string, string> = {
    '/syntax': 'HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n',
    '/framing': 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    '/large': `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`,
    '/gone': '',
    '/coding': 'HTTP/1.1 203 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n',
  };
  const server = await scripted(async (c) => {
    const head = (await c.reader.until('\r\n\r\n')).toString();
    const path = head.split(' ')[1] ?? '';
    if (path === '/late') return new Promise<void>((done) => { setTimeout(done, 800); });
    await c.send(answers[path] ?? '');
    return undefined;
  });
  const tenant = reverse([server.address], { http: { via: '1edge' } }, { upstreams: [{ name: 'origin', servers: [server.address], first_byte_timeout: '300ms' }] });
  const proxy = await sluice({ config: { tenants: [tenant] } });
  const expected: Record<string, [number, string]> = {
    '/syntax': [502, '"1edge"; error=http_protocol_error'],
    '/framing': [502, '"1edge"; error=http_protocol_error; received-status=200'],
    '/large': [502, '"1edge"; error=http_response_header_section_size'],
    '/gone': [502, '"1edge"; error=connection_terminated'],
    '/late': [504, '"1edge"; error=http_response_timeout'],
    '/coding': [502, '"1edge"; error=http_response_transfer_coding; received-status=203'],
  };
  for (const [path, [status, text]] of Object.entries(expected)) {
    const client = await connect(proxy.address('web'));
    const response = await client.ask(get(path));
    assert.equal(response.head.get('proxy-status'), text, path);
    assert.equal(response.status, status, path);
  }
});

scenario('Proxy-Status tells as much as it is allowed to', async ({ sluice, connect }) => {
  const dead = (detail: string): ReturnType<typeof reverse> => reverse(['127.0.0.1:1'], { http: { via: 'edge', proxy_status: detail } });
  const ask = async (detail: string): Promise<string | undefined> => {
    const proxy = await sluice({ config: { tenants: [dead(detail)] } });
    const client = await connect(proxy.address('web'));
    const response = await client.ask(get());
    assert.equal(response.status, 502);
    return response.head.get('proxy-status');
  };
  assert.equal(await ask('off'), undefined);
  assert.equal(await ask('brief'), 'edge; error=connection_refused');
  assert.match(await ask('full') ?? '', /^edge; error=connection_refused; details=".*127\.0\.0\.1:1.*"$/);
});

scenario('a forward proxy blames whom it should', async ({ sluice, connect }) => {
  const hosts = { resolver: { servers: ['127.0.0.1:1'], timeout: '100ms', attempts: 1, hosts: { 'meta.example': ['169.254.169.254'] } } };
  const proxy = await sluice({ config: { tenants: [forward({ http: { via: 'p', proxy_status: 'full' } }, merge({}, hosts))] } });
  const expected: Array<[string, number, RegExp]> = [
    ['http://meta.example/', 403, /^p; error=destination_ip_prohibited$/],  // why is not the client's business
    [`http://${'a'.repeat(64)}.test/`, 400, /^p; error=http_request_error; details="not a host name/],
    ['http://127.0.0.1:1/', 502, /^p; error=connection_refused/],
    ['http://unknown.test/', 0, /^p; error=dns_(error|timeout)/],
    ['/', 400, /^p; error=http_request_error/],
  ];
  for (const [target, status, text] of expected) {
    const client = await connect(proxy.address('proxy'));
    const response = await client.ask(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.match(response.head.get('proxy-status') ?? '', text, target);
    if (status !== 0) assert.equal(response.status, status, target);
  }
  const reversed = await sluice({ config: { tenants: [reverse(['127.0.0.1:1'])] } });
  const client = await connect(reversed.address('web'));
  const refused = await client.ask('CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n');
  assert.equal(refused.status, 405);
  assert.match(refused.head.get('allow') ?? '', /GET/);
  assert.match(refused.head.get('proxy-status') ?? '', /error=http_request_error$/);
});
