// Where others reach this server: what a provider or a service has to be told.
import { useQuery } from '@tanstack/react-query';
import { version } from './operate';

export interface Address {
  /** Without a slash at its end. Where the server does not know it, that of this page. */
  url: string;
  /** Whether the server knows it; not told yet while it is asked. */
  known: boolean | undefined;
}

export function useAddress(): Address {
  const { data } = useQuery({ ...version, staleTime: 60_000 });
  return { url: data?.public_url ?? location.origin, known: data && data.public_url !== undefined };
}
