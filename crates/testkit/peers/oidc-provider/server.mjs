// A certified authorization server on a free port of loopback, with a resource that wants its tokens. Prints its
// origin when it is ready, and ends with its parent, when its standard input does.
//
// GET /resource     answers 200 to a token that is good, with what it was issued for, and 401 otherwise.
// POST /revoke-all  makes every token that was issued so far useless.
// GET /asked        says how many tokens were asked for.
import http from 'node:http';
import { Provider } from 'oidc-provider';

const life = Number(process.argv[2] ?? 3600);
const clients = [
  { client_id: 'me & co', client_secret: 'p@ss:/%40word', token_endpoint_auth_method: 'client_secret_basic' },
  { client_id: 'poster', client_secret: 'posted', token_endpoint_auth_method: 'client_secret_post' },
  { client_id: 'narrow', client_secret: 'narrow', token_endpoint_auth_method: 'client_secret_basic', scope: 'read' },
  { client_id: 'coder', client_secret: 'coder', token_endpoint_auth_method: 'client_secret_basic', grant_types: ['authorization_code'] },
].map((client) => ({
  grant_types: ['client_credentials'], redirect_uris: [], response_types: [], ...client,
  ...(client.grant_types ? { redirect_uris: ['https://client.test/back'], response_types: ['code'] } : {}),
}));

let asked = 0;
const issued = new Set();
const listener = http.createServer();
listener.listen(0, '127.0.0.1', () => {
  const origin = `http://127.0.0.1:${listener.address().port}`;
  const provider = new Provider(origin, {
    clients,
    scopes: ['read', 'write'],
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
    ttl: { ClientCredentials: life },
  });
  provider.on('client_credentials.saved', (token) => issued.add(token));
  const oidc = provider.callback();
  listener.on('request', async (request, response) => {
    const json = (status, body) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    switch (new URL(request.url, origin).pathname) {
      case '/resource': {
        const value = (request.headers.authorization ?? '').replace(/^Bearer /, '');
        const token = await provider.ClientCredentials.find(value);
        if (!token || token.isExpired) {
          response.setHeader('www-authenticate', 'Bearer error="invalid_token"');
          return json(401, { error: 'invalid_token' });
        }
        return json(200, { client: token.clientId, scope: token.scope });
      }
      case '/revoke-all':
        await Promise.all([...issued].map((token) => token.destroy()));
        issued.clear();
        return json(200, {});
      case '/asked':
        return json(200, { asked });
      case '/token':
        asked += 1;
      // falls through
      default:
        return oidc(request, response);
    }
  });
  console.log(origin);
});
process.stdin.on('end', () => process.exit()).resume();
