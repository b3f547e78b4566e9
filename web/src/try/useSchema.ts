// What a service says it can be asked for: wanted once somebody begins to write, since it costs the service a call.
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, value } from '../api/client';

export interface Known {
  schema: unknown;
  /** Asks for it, the first time. */
  want: () => void;
  /** In words, for below the editor. */
  says: string;
}

export function useSchema(id: string, connection: string | undefined, at = false): Known {
  const [wanted, setWanted] = useState(at);
  const found = useQuery({
    queryKey: ['schema', id, connection ?? ''],
    queryFn: () =>
      connection
        ? value(api.GET('/api/v1/integrations/{id}/connections/{connection}/schema', { params: { path: { id, connection } } }))
        : value(api.GET('/api/v1/integrations/{id}/schema', { params: { path: { id } } })),
    enabled: wanted,
    staleTime: 300_000,
    retry: false,
  });
  const says = found.error ? `Nothing to complete by: ${found.error.message}` : '';
  return { schema: found.data, want: () => setWanted(true), says };
}
