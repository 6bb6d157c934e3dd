/**
 * `fetch` by the way that this machine reaches the network: through the proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY
 * names (NO_PROXY excepts hosts), as pip and git do. Node's own looks at none of them.
 */
import { EnvHttpProxyAgent, fetch as fetchThrough } from 'undici';
import { UserError } from './errors.js';

const named = (name: string): string | undefined => process.env[name.toLowerCase()] || process.env[name] || undefined;

let proxy: { key: string; agent: EnvHttpProxyAgent } | undefined;

/** @throws UserError when the proxy's address is none that can be used here */
export const fetchHere: typeof fetch = (input, init) => {
  const all = named('ALL_PROXY'), httpProxy = named('HTTP_PROXY') ?? all, httpsProxy = named('HTTPS_PROXY') ?? all;
  if (!httpProxy && !httpsProxy) return fetch(input, init);
  for (const address of [httpProxy, httpsProxy]) {
    if (address && !/^https?:\/\//.test(address)) throw new UserError(`The proxy ${address.replace(/\/\/.*@/, '//…@')} is none of http:// or https://: set HTTP_PROXY and HTTPS_PROXY to such ones.`);
  }
  const key = JSON.stringify([httpProxy, httpsProxy]);
  if (proxy?.key !== key) proxy = { key, agent: new EnvHttpProxyAgent({ ...(httpProxy && { httpProxy }), ...(httpsProxy && { httpsProxy }) }) };
  return fetchThrough(input as never, { ...init, dispatcher: proxy.agent } as never) as unknown as ReturnType<typeof fetch>;
};
