// Configurations as objects. JSON is a subset of the YAML that Sluice reads, so an object goes into the file as it is.
// The helpers build the two usual tenants; everything in them can be replaced by `over`.
import type { Address } from './connection.js';
import type { Json, JsonObject } from './log.js';

const isObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

/** `over` laid over `base`: objects are merged, everything else is replaced. */
export function merge(base: JsonObject, over: JsonObject): JsonObject {
  const result: JsonObject = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const old = result[key];
    result[key] = isObject(old) && isObject(value) ? merge(old, value) : value;
  }
  return result;
}

/** A tenant with one reverse-proxy endpoint `web` on a port of the kernel's choice; `endpoint` is laid over the endpoint. */
export function reverse(origins: readonly Address[], endpoint: JsonObject = {}, tenant: JsonObject = {}): JsonObject {
  return merge({
    name: 'main',
    workers: 1,
    endpoints: [merge({ name: 'web', listen: ['127.0.0.1:0'], mode: 'reverse', routes: [{ upstream: 'origin' }] }, endpoint)],
    upstreams: [{ name: 'origin', servers: [...origins] }],
  }, tenant);
}

/** A tenant with one forward-proxy endpoint `proxy` that may reach this machine, where the tests' origins are. */
export function forward(endpoint: JsonObject = {}, tenant: JsonObject = {}): JsonObject {
  return merge({
    name: 'main',
    workers: 1,
    endpoints: [merge({ name: 'proxy', listen: ['127.0.0.1:0'], mode: 'forward' }, endpoint)],
    egress: { allow_private: true },
  }, tenant);
}
