// A certified authorization server on a free port of loopback, with a resource that wants its tokens, and a person who
// agrees to everything. Prints its origin when it is ready, and ends with its parent, when its standard
// input does.
//
// GET  /resource            answers 200 to a token that is good, with what it was issued for, and 401 otherwise.
// POST /revoke-all          makes every access token that was issued so far useless.
// POST /revoke-grants       the person withdraws everything they agreed to.
// GET  /asked               says how many tokens were asked for.
// GET  /key                 the private key that the client `signer` and the issuer of assertions sign with.
// GET  /refresh-token       a refresh token of the client `web`, as if the person had agreed.
// POST /reg                 registers a client, with redirect URIs and grant types of its own (RFC 7591).
// GET  /agree/{uid}         is the person: signs in and agrees to whatever is asked for; ?refuse=WORDS refuses so.
// POST /in-person           from now on /agree/{uid} is a page on which somebody signs in and agrees, or refuses.
// GET  /agree-device?user_code=CODE  does the same for a code of another device.
// POST /fault?NAME          what happens to the next answer of the token endpoint; see `spoil`.
import http from 'node:http';
import zlib from 'node:zlib';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { Provider, errors } from 'oidc-provider';

const ASSERTION = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const PERSON = 'alice';

const life = Number(process.argv[2] ?? 3600);
// What says that it lives for a second is good for a minute all the same: one that is shown in time, and gets here late
// on a busy machine, is not refused.
const good = Math.max(life, 60);
// A key of these tests alone. Made here it could hang: Node.js 20 may collect the job that made a key while the key is
// written out, and waits for itself.
const privateKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgRkv6NBC03LbrowXl
tTa6kloRFPnMhMgCYRaPvQ7T46ahRANCAAT+pKWo2i4Mo6H9Sj8s0YiQbSEsyAhf
uPnhbDK3g7WJBkFFLBh8CnzxCzdomvxi7ECT8zoYTE0RDG98dd5tKwPR
-----END PRIVATE KEY-----
`;
const publicKey = { kty: 'EC', crv: 'P-256', x: '_qSlqNouDKOh_Uo_LNGIkG0hLMgIX7j54Wwyt4O1iQY', y: 'QUUsGHwKfPELN2ia_GLsQJPzOhhMTREMb3x13m0rA9E' };
const jwks = { keys: [{ ...publicKey, kid: 'one', alg: 'ES256', use: 'sig' }] };
const person = { grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] };
const basic = { token_endpoint_auth_method: 'client_secret_basic' };
const clients = [
  { client_id: 'me & co', client_secret: 'p@ss:/%40word', ...basic },
  { client_id: 'poster', client_secret: 'posted', token_endpoint_auth_method: 'client_secret_post' },
  { client_id: 'narrow', client_secret: 'narrow', ...basic, scope: 'read' },
  { client_id: 'coder', client_secret: 'coder', ...basic, ...person },
  { client_id: 'signer', token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: 'ES256', jwks },
  { client_id: 'secretive', client_secret: 'a secret to sign with, of 32 bytes', token_endpoint_auth_method: 'client_secret_jwt' },
  { client_id: 'asserter', token_endpoint_auth_method: 'none', grant_types: [ASSERTION] },
  { client_id: 'web', client_secret: 'webs secret', ...basic, ...person },
  { client_id: 'public', token_endpoint_auth_method: 'none', ...person },
  { client_id: 'device', token_endpoint_auth_method: 'none', grant_types: [DEVICE, 'refresh_token'] },
].map((client) => ({
  grant_types: ['client_credentials'], response_types: [], ...client,
  redirect_uris: client.response_types ? ['https://client.test/back'] : [],
}));

// Where a person signs in and agrees, or refuses.
const PAGE = `<!doctype html><html lang="en"><title>Sign in</title><link rel="icon" href="data:,"><h1>Sign in and agree</h1>
<form><label>Name <input name="name" value="${PERSON}"></label><button name="agree" value="yes">Agree</button>
<button name="refuse" value="not today">Refuse</button></form></html>`;

let asked = 0;
let fault;
let inPerson = false;
const issued = new Set();
const grants = new Set();

// What is done to an answer of the token endpoint: before it is made, or to what it says.
const instead = {
  html: [200, 'text/html', '<html>Welcome</html>'],
  empty: [200, 'application/json', '{}'],
  huge: [200, 'application/json', '"' + 'x'.repeat(1 << 20) + '"'],
  down: [503, 'text/html', 'down'],
  redirect: [307, 'text/plain', ''],
};
const spoil = {
  no_expiry: (answer) => delete answer.expires_in,
  negative: (answer) => (answer.expires_in = -1),
  string: (answer) => (answer.expires_in = String(answer.expires_in)),
  zero: (answer) => (answer.expires_in = 0),
  endless: (answer) => (answer.expires_in = 1e18),
  mac: (answer) => (answer.token_type = 'mac'),
  same: (answer) => delete answer.refresh_token,
};

// Has the answer say something else than was meant.
function rewrite(response, change) {
  const end = response.end.bind(response);
  response.end = (body) => {
    const answer = JSON.parse(body);
    change(answer);
    const text = JSON.stringify(answer);
    response.setHeader('content-length', Buffer.byteLength(text));
    return end(text);
  };
}

function faulty(request, response, origin) {
  const name = fault;
  fault = undefined;
  if (name in instead) {
    const [status, type, body] = instead[name];
    response.writeHead(status, { 'content-type': type, location: origin.replace('127.0.0.1', 'localhost') + '/token' });
    response.end(body);
    return true;
  }
  if (name === 'bomb') {
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
    response.end(zlib.gzipSync(Buffer.alloc(64 << 20, 32)));
    return true;
  }
  const end = response.end.bind(response);
  if (name === 'slow') {
    // The server has acted, and takes its time to say so.
    response.end = (body) => setTimeout(() => end(body), 1000);
  } else if (name === 'lost') {
    // The server has acted, and nobody hears of it.
    response.end = () => request.socket.destroy();
  } else if (name in spoil) {
    rewrite(response, spoil[name]);
  }
  return false;
}

const listener = http.createServer();
listener.listen(0, '127.0.0.1', () => {
  const origin = `http://127.0.0.1:${listener.address().port}`;
  const provider = new Provider(origin, {
    clients,
    scopes: ['openid', 'offline_access', 'read', 'write'],
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      deviceFlow: { enabled: true },
      registration: { enabled: true },
      revocation: { enabled: true },
    },
    interactions: { url: (_, interaction) => `/agree/${interaction.uid}` },
    issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    ttl: { ClientCredentials: good, AccessToken: good, Grant: 86400, Interaction: 600, Session: 86400, RefreshToken: 86400, DeviceCode: life, AuthorizationCode: 60, IdToken: 60 },
  });
  for (const kind of ['client_credentials', 'access_token']) provider.on(`${kind}.saved`, (token) => issued.add(token));
  provider.registerGrantType(ASSERTION, async (ctx) => {
    const { client, params } = ctx.oidc;
    try {
      await jwtVerify(params.assertion, createLocalJWKSet(jwks), { issuer: 'asserter', audience: `${origin}/token`, maxTokenAge: 600 });
    } catch (error) {
      throw new errors.InvalidGrant(error.message);
    }
    const token = new provider.ClientCredentials({ client, scope: params.scope });
    ctx.body = { access_token: await token.save(), expires_in: token.expiration, token_type: 'Bearer' };
  }, ['assertion', 'scope'], []);
  const oidc = provider.callback();

  async function agreed(clientId, scope) {
    const grant = new provider.Grant({ accountId: PERSON, clientId });
    if (scope) grant.addOIDCScope(scope);
    const id = await grant.save();
    grants.add(id);
    return id;
  }

  async function agree(request, response, said) {
    const refuse = said.get('refuse');
    if (inPerson && !refuse && !said.has('agree')) {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
      return response.end(PAGE);
    }
    if (refuse) {
      const no = { error: 'access_denied', error_description: refuse };
      return provider.interactionFinished(request, response, no, { mergeWithLastSubmission: false });
    }
    const { params } = await provider.interactionDetails(request, response);
    const grantId = await agreed(params.client_id, params.scope);
    const yes = { login: { accountId: PERSON }, consent: { grantId } };
    return provider.interactionFinished(request, response, yes);
  }

  async function agreeDevice(userCode, refuse) {
    const code = await provider.DeviceCode.findByUserCode(userCode.replace(/-/g, ''));
    if (refuse) return Object.assign(code, { error: 'access_denied', errorDescription: refuse }).save();
    const { clientId, params: { scope } } = code;
    const grantId = await agreed(clientId, scope);
    return Object.assign(code, { accountId: PERSON, grantId, scope, authTime: Math.floor(Date.now() / 1000) }).save();
  }

  listener.on('request', async (request, response) => {
    const url = new URL(request.url, origin);
    const json = (status, body) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    if (url.pathname.startsWith('/agree/')) return agree(request, response, url.searchParams);
    switch (url.pathname) {
      case '/resource': {
        const value = (request.headers.authorization ?? '').replace(/^Bearer /, '');
        const token = (await provider.ClientCredentials.find(value)) ?? (await provider.AccessToken.find(value));
        if (!token || token.isExpired) {
          response.setHeader('www-authenticate', 'Bearer error="invalid_token"');
          return json(401, { error: 'invalid_token' });
        }
        return json(200, { client: token.clientId, scope: token.scope, person: token.accountId });
      }
      case '/revoke-all':
        await Promise.all([...issued].map((token) => token.destroy()));
        issued.clear();
        return json(200, {});
      case '/revoke-grants':
        for (const id of grants) {
          for (const kind of ['AccessToken', 'RefreshToken', 'AuthorizationCode', 'DeviceCode']) await provider[kind].revokeByGrantId(id);
          await (await provider.Grant.find(id))?.destroy();
        }
        return json(200, {});
      case '/asked':
        return json(200, { asked });
      case '/key':
        return json(200, { key_id: 'one', private_key: privateKey });
      case '/refresh-token': {
        const client = await provider.Client.find('web');
        const scope = 'openid offline_access';
        const token = new provider.RefreshToken({ accountId: PERSON, client, grantId: await agreed('web', scope), gty: 'authorization_code', scope, authTime: Math.floor(Date.now() / 1000) });
        return json(200, { refresh_token: await token.save() });
      }
      case '/in-person':
        inPerson = true;
        return json(200, {});
      case '/agree-device':
        await agreeDevice(url.searchParams.get('user_code'), url.searchParams.get('refuse'));
        return json(200, {});
      case '/fault':
        fault = url.search.slice(1);
        return json(200, {});
      case '/token':
        asked += 1;
        if (fault && faulty(request, response, origin)) return undefined;
        if (life < good) rewrite(response, (answer) => answer.expires_in && (answer.expires_in = life));
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
