import { SITE_CLAIMS } from './preauth.ts';
import { signToken } from './tokens.ts';
import { enter, said, tickets } from './way-in.ts';
import { WsClient } from './ws-client.ts';

/** The members of a message, or claims. */
export type Said = Readonly<Record<string, unknown>>;

/** Shows a token, and returns the next message. */
export async function show(client: WsClient, token: unknown, id = 1): Promise<Said> {
  client.send(JSON.stringify({ type: 'auth', id, token }));
  return await said(client);
}

/** Connects with a token of the site's, and returns the welcome, too. */
export async function enterByBearer(port: number, claims: Said) {
  const client = await WsClient.connect(`ws://127.0.0.1:${port}/ws`, {
    protocols: ['postern.v1'],
    headers: { Authorization: `Bearer ${await signToken({ ...SITE_CLAIMS, ...claims })}` },
  });
  return { client, welcome: await said(client) };
}

/** A page that is in, and what it gets when it preauthenticates for its session. */
export async function enterByPage(port: number, claims: Said = {}) {
  const client = await enter(port, await tickets(port, { claims }));
  const welcome = await said(client);
  const refreshTokenFor = async (later: Said = {}, body: Said = {}): Promise<unknown> => {
    const wish = JSON.stringify({ session: welcome['session'], ...body });
    return (await tickets(port, { claims: later, body: wish })).body['refreshToken'];
  };
  return { client, welcome, refreshTokenFor };
}

/** What a reply is, and its code. */
export const codeOf = ({ type, code }: Said): unknown => [type, code];
