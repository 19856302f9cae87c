// Rules of routes, pages of errors, the slow-request log.
import { writeFileSync, mkdtempSync, rmSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert, binaries, reverse, runProgram, scenario, sleep, type JsonObject } from '../kit/index.js';

const get = (path = '/', more = ''): string => `GET ${path} HTTP/1.1\r\nHost: web.test:81\r\n${more}\r\n`;

scenario('a route changes paths and fields on the way', async ({ sluice, origin, connect }) => {
  const server = await origin((_, response) => {
    response.setHeader('Server', 'secret/1.0');
    response.setHeader('X-Old', '1');
    response.end('ok');
  });
  const route: JsonObject = {
    path: '/api', upstream: 'origin', replace_path: '/v2',
    request_fields: { remove: ['Cookie'], set: { 'X-Client': '${client}', 'X-Asked': '${authority}${target}' }, add: { 'X-Tag': 'b' } },
    response_fields: { remove: ['server'], set: { 'X-Old': '2', 'X-Path': '${path}' }, add: { 'Set-Cookie': 'a=1' } },
  };
  const proxy = await sluice({ config: { tenants: [reverse([server.address], { routes: [route, { upstream: 'origin' }] })] } });
  const client = await connect(proxy.address('web'));
  const response = await client.ask(get('/api/x?y', 'Cookie: c\r\nX-Client: spoofed\r\nX-Tag: a\r\n'));
  assert.equal(server.seen[0]?.target, '/v2/x?y');
  const headers = server.seen[0]?.headers ?? {};
  assert.deepEqual([headers.cookie, headers['x-client'], headers['x-asked'], headers['x-tag']], [undefined, '127.0.0.1', 'web.test:81/api/x?y', 'a, b']);
  assert.deepEqual([response.head.get('server'), response.head.get('x-old'), response.head.get('x-path'), response.head.get('set-cookie')], [undefined, '2', '/api/x', 'a=1']);
  const line = await proxy.log.waitFor('the line of the request', (record) => record['event'] === 'request');
  assert.equal(line['path'], '/api/x?y');
  assert.equal((await client.ask(get('/api/../x'))).status, 400);
  const plain = await connect(proxy.address('web'));
  assert.equal((await plain.ask(get('/other'))).head.get('server'), 'secret/1.0');
});

scenario('routes redirect and answer by configuration', async ({ sluice, connect }) => {
  const routes: JsonObject[] = [
    { hosts: ['old.test'], redirect: { to: 'https://new.test${target}', status: 301 } },
    { path: '/robots.txt', respond: { status: 200, body: 'User-agent: *\n', fields: { 'Cache-Control': 'max-age=60' } } },
    { path: '/gone', respond: { status: 410 } },
    { path: '/', redirect: { to: '${path}/' } },
  ];
  const proxy = await sluice({ config: { tenants: [reverse([], { routes }, { upstreams: [] })] } });
  const client = await connect(proxy.address('web'));
  const moved = await client.ask('GET /a?b HTTP/1.1\r\nHost: old.test\r\n\r\n');
  assert.deepEqual([moved.status, moved.head.get('location'), moved.text], [301, 'https://new.test/a?b', '']);
  const robots = await client.ask(get('/robots.txt'));
  assert.deepEqual([robots.status, robots.text, robots.head.get('content-type'), robots.head.get('cache-control')],
    [200, 'User-agent: *\n', 'text/plain; charset=utf-8', 'max-age=60']);
  assert.equal((await client.ask(get('/gone'))).status, 410);
  assert.equal((await client.ask(get('//evil.test'))).head.get('location'), '/evil.test/');
});

scenario('errors have the pages of the configuration', async ({ sluice, connect, after }) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-pages-'));
  after(() => rmSync(folder, { recursive: true }));
  chmodSync(folder, 0o755);
  const file = join(folder, 'error.html');
  writeFileSync(file, '<title>${status} ${reason}</title><code>${path}</code>');
  const pages: JsonObject[] = [{ type: 'html', file }, { type: 'json', text: '{"status": ${status}, "path": "${path}", "request": "${request_id}"}' }];
  const proxy = await sluice({ config: { tenants: [reverse(['127.0.0.1:1'], { error_pages: pages, routes: [{ path: '/x', upstream: 'origin' }] })] } });
  const client = await connect(proxy.address('web'));
  const html = await client.ask(get('/<script>'));
  assert.deepEqual([html.status, html.head.get('content-type'), html.text], [404, 'text/html; charset=utf-8', '<title>404 Not Found</title><code>/&lt;script&gt;</code>']);
  const json = await client.ask(get('/x', 'Accept: application/json\r\n'));
  assert.equal(json.head.get('content-type'), 'application/json');
  assert.deepEqual(JSON.parse(json.text), { status: 502, path: '/x', request: '1-2' });
  const bad = await connect(proxy.address('web'));
  assert.match((await bad.ask('GET / HTTP/1.1\r\nHost: a\r\nBad Field: x\r\n\r\n')).text, /400 Bad Request/);
  assert.equal((await proxy.upgrade({ until: 'commit' }))['outcome'], 'unchanged');  // pages from files are read again

  const config = join(folder, 'sluice.json');
  const check = async (page: JsonObject): Promise<string> => {
    writeFileSync(config, JSON.stringify({ tenants: [reverse(['127.0.0.1:1'], { error_pages: [page] })] }));
    const outcome = await runProgram('sluice', ['--check', '-c', config]);
    assert.equal(outcome.code, 2, outcome.stdout);
    return outcome.stdout + outcome.stderr;
  };
  assert.match(await check({ file: join(folder, 'missing.html') }), /error_pages\[0\]\.file: ".*missing.html" cannot be read.*ENOENT/);
  assert.match(await check({ text: '${statuz}' }), /unknown placeholder "\$\{statuz\}"/);
  assert.match(await check({}), /has not exactly one of file and text/);
  writeFileSync(file, '${nothing}');
  assert.match(await check({ file }), /unknown placeholder/);
  assert.ok(binaries.length > 0);
});

scenario('slow requests are logged with their phases', async ({ sluice, origin, connect }) => {
  const server = await origin((request, response) => {
    setTimeout(() => response.end('late'), request.url?.startsWith('/slow') === true ? 300 : 0);
  });
  const proxy = await sluice({ config: { tenants: [reverse([server.address], { http: { slow_request: '150ms' } })] } });
  const client = await connect(proxy.address('web'));
  await client.ask(get('/fast'));
  await client.ask(get('/slow?secret'));
  const line = await proxy.log.waitFor('the warning', (record) => record['event'] === 'slow request');
  assert.deepEqual([line['request'], line['endpoint'], line['path'], line['level']], [2, 'web', '/slow', 'warn']);
  assert.ok(Number(line['first_byte_us']) >= 250_000 && Number(line['total_us']) >= Number(line['first_byte_us']));
  assert.equal(line['dial_us'], 0);  // on a connection that was there
  await sleep(50);
  assert.equal(proxy.log.records.filter((record) => record['event'] === 'slow request').length, 1);
});
