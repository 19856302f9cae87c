// The control socket: newline-delimited JSON, one request line, one or more answer lines.
import { connect } from './connection.js';
import type { JsonObject } from './log.js';

/** One command; the answers up to and including the last. */
export async function control(path: string, command: string, parameters: JsonObject = {}): Promise<JsonObject[]> {
  const connection = await connect(`unix:${path}`);
  try {
    await connection.send(`${JSON.stringify({ command, ...parameters })}\n`);
    await connection.end();
    const text = (await connection.reader.toEnd(`the answer to ${command}`, 30_000)).toString('utf8');
    return text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as JsonObject);
  } finally {
    connection.close();
  }
}
