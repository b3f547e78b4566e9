// Whether an integration takes webhooks: by its own configuration, or by that of its connector.
import { useQuery } from '@tanstack/react-query';
import { connector, integration } from './queries';

/** Not known while it is being read. */
export function useHooked(id: string): boolean | undefined {
  const read = useQuery(integration(id));
  const name = read.data?.document.connector;
  const vendor = useQuery(connector(typeof name === 'string' ? name : ''));
  const known = [read.data?.document, vendor.data?.integration];
  return known.some((one) => one?.webhooks !== undefined) || (read.data && !vendor.isLoading ? false : undefined);
}
