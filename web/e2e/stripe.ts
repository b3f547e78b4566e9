// Sends webhooks as Stripe does, which has no token and signs them.
import { createHmac } from 'node:crypto';
import type { APIRequestContext } from '@playwright/test';
import { told } from './base';

/** Where one goes, what it is, and what it is signed with. */
interface Sent {
  to: string;
  body: string | Buffer;
  type?: string;
  secret?: string;
}

/** Sends a webhook, and gives the status of the answer. */
export async function send(request: APIRequestContext, { to, body, type = 'application/json', secret = 'whsec_test' }: Sent): Promise<number> {
  const at = Math.floor(Date.now() / 1000);
  const tag = createHmac('sha256', secret).update(`${at}.`).update(body).digest('hex');
  const answer = await request.fetch(`${told('TRUNKLINE_URL')}/hooks/${to}`, {
    method: 'POST',
    data: body,
    headers: { 'Content-Type': type, 'User-Agent': 'Stripe/1.0', 'Stripe-Signature': `t=${at},v1=${tag}` },
  });
  return answer.status();
}

/** An event with more digits than JavaScript has. */
export function event(id: string): string {
  return `{"id":"${id}","type":"charge.succeeded","amount":12345678901234567890.50}`;
}
