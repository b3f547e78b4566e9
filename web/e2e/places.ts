// Every page, on the server of crates/cli/tests/browser/pages.rs, and the sizes in which people see it.
import { type APIRequestContext, expect } from '@playwright/test';
import { told } from './base';

export const SIZES = { desk: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };

export const PAGES = {
  list: '/',
  add: '/add',
  'add-connector': '/add/connector/stripe',
  'add-type': '/add/type/rest',
  overview: '/integrations/shop',
  'overview-unhealthy': '/integrations/blocked',
  'overview-account': '/integrations/mail',
  try: '/integrations/shop/try',
  configure: '/integrations/shop/configure',
  'configure-connector': '/integrations/payments/configure',
  connections: '/integrations/shop/connections',
  connection: '/integrations/shop/connections/acme',
  connect: '/integrations/shop/connect',
  limits: '/integrations/shop/limits',
  webhooks: '/integrations/shop/webhooks',
  webhook: '/integrations/shop/webhooks/evt_1',
  'activity-of': '/integrations/shop/activity',
  activity: '/activity',
  settings: '/settings',
  missing: '/activity/nothing/here',
  // Of a call that failed at its second attempt too.
  record: '',
};

/** Makes that call, and waits until it is remembered. */
export async function pathOfRecord(request: APIRequestContext): Promise<string> {
  const headers = { 'Trunkline-Token': told('TRUNKLINE_TOKEN') };
  const failed = (await request.post('/api/v1/integrations/shop/call', { data: { endpoint: '/status/503' }, headers })).headers()['trunkline-request-id']!;
  await expect(async () => {
    expect(await (await request.get(`/api/v1/activity?request_id=${failed}`, { headers })).json()).toHaveLength(1);
  }).toPass();
  return `/activity/${failed}`;
}
