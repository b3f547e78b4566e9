// The server's objections find their places.
import { expect, test } from 'vitest';
import { placed } from './refused';

test('an objection that begins with a place that is shown belongs there', () => {
  expect(placed('rate_limit[0].requests: expected a nonzero u32', ['rate_limit'])).toMatchObject({
    property: '.rate_limit.0.requests',
    message: 'expected a nonzero u32',
  });
  expect(placed('inputs.secret_key: what was given does not match "^(sk|rk)_"', ['inputs'])).toMatchObject({
    property: '.inputs.secret_key',
    message: 'what was given does not match "^(sk|rk)_"',
  });
});

test('an objection of another kind, or about what is not shown, belongs nowhere', () => {
  expect(placed('an integration of this id exists; replace it with PUT, or choose another id', ['integration_id'])).toBeUndefined();
  expect(placed('tls.ca: is not a certificate', ['base_url'])).toBeUndefined();
  expect(placed(undefined, [])).toBeUndefined();
});
