// A certified authorization server on a free port of loopback, with a resource that wants its tokens. Prints its
// origin when it is ready, and ends with its parent, when its standard input does.
//
// GET /resource     answers 200 to a token that is good, with what it was issued for, and 401 otherwise.
// POST /revoke-all  makes every token that was issued so far useless.
// GET /asked        says how many tokens were asked for.
// POST /reg         registers a client, with redirect URIs and grant types of its own (RFC 7591).
// GET /agree/{uid}  is the person: signs in and agrees to whatever is asked for; ?refuse=WORDS refuses with these words.
// GET /agree-device?user_code=CODE  does the same for a code of another device.
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
    features: {
      clientCredentials: { enabled: true }, deviceFlow: { enabled: true }, devInteractions: { enabled: false },
      registration: { enabled: true }, revocation: { enabled: true },
    },
    findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    interactions: { url: (_, interaction) => `/agree/${interaction.uid}` },
    issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
    ttl: { AccessToken: life, ClientCredentials: life },
  });
  provider.on('access_token.saved', (token) => issued.add(token));
  provider.on('client_credentials.saved', (token) => issued.add(token));
  const granted = async (clientId, scope) => {
    const grant = new provider.Grant({ accountId: 'person', clientId });
    if (scope) grant.addOIDCScope(scope);
    return grant.save();
  };
  const agree = async (request, response, refuse) => {
    if (refuse) {
      const no = { error: 'access_denied', error_description: refuse };
      return provider.interactionFinished(request, response, no, { mergeWithLastSubmission: false });
    }
    const { params } = await provider.interactionDetails(request, response);
    const grantId = await granted(params.client_id, params.scope);
    const yes = { login: { accountId: 'person' }, consent: { grantId } };
    return provider.interactionFinished(request, response, yes);
  };
  const agreeDevice = async (userCode, refuse) => {
    const code = await provider.DeviceCode.findByUserCode(userCode.replace(/-/g, ''));
    if (refuse) return Object.assign(code, { error: 'access_denied', errorDescription: refuse }).save();
    const { clientId, params } = code;
    const grantId = await granted(clientId, params.scope);
    return Object.assign(code, { accountId: 'person', grantId, scope: params.scope, authTime: Math.floor(Date.now() / 1000) }).save();
  };
  const oidc = provider.callback();
  listener.on('request', async (request, response) => {
    const json = (status, body) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    const { pathname, searchParams } = new URL(request.url, origin);
    if (pathname.startsWith('/agree/')) return agree(request, response, searchParams.get('refuse'));
    switch (pathname) {
      case '/agree-device':
        await agreeDevice(searchParams.get('user_code'), searchParams.get('refuse'));
        return json(200, {});
      case '/resource': {
        const value = (request.headers.authorization ?? '').replace(/^Bearer /, '');
        const token = await provider.ClientCredentials.find(value) ?? await provider.AccessToken.find(value);
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
// Who started this reads one line and no more; what the provider has to say besides is for nobody.
process.stdout.on('error', () => {});
process.stdin.on('end', () => process.exit()).resume();
