// Registers an integration, then goes to it.
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from 'react-router';
import { useNotice } from '../parts/Notices';
import { api, value } from './client';
import { list } from './queries';

export function useRegister(): (document: Record<string, unknown>) => Promise<undefined> {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const notice = useNotice();
  return async (document) => {
    const registered = await value(api.POST('/api/v1/integrations/register', { body: document }));
    // Its page is among those that are known.
    await queries.invalidateQueries({ queryKey: list.queryKey });
    const id = registered.integration_id ?? '';
    await navigate(`/integrations/${encodeURIComponent(id)}`);
    notice({ text: [`${id} is added`, ...(registered.warnings ?? [])].join('. ') });
    return undefined;
  };
}
