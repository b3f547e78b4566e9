// Removes an integration, once the person has confirmed it.
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Dialog from '@mui/material/Dialog';
import DialogActions from '@mui/material/DialogActions';
import DialogContent from '@mui/material/DialogContent';
import DialogTitle from '@mui/material/DialogTitle';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { api, value } from '../api/client';
import { list } from '../api/queries';
import { useNotice } from './Notices';
import { Trouble } from './Trouble';
import { GONE } from './Unsaved';

export function Delete({ id, etag }: { id: string; etag: string }) {
  const [open, setOpen] = useState(false);
  const queries = useQueryClient();
  const navigate = useNavigate();
  const notice = useNotice();
  const remove = useMutation({
    mutationFn: () =>
      value(api.DELETE('/api/v1/integrations/{id}', { params: { path: { id } }, headers: { 'If-Match': etag } })),
    onSuccess: async () => {
      await navigate('/', { state: GONE });
      queries.setQueryData(list.queryKey, (items) => items?.filter((item) => item.integration_id !== id));
      queries.removeQueries({ queryKey: ['integration', id] });
      notice({ text: `${id} is removed` });
    },
  });
  return (
    <Box>
      <Button color="error" variant="outlined" onClick={() => setOpen(true)}>
        Remove this integration
      </Button>
      <Dialog open={open} onClose={() => setOpen(false)} aria-labelledby="remove">
        <DialogTitle id="remove">Remove {id}?</DialogTitle>
        <DialogContent>
          Its configuration, credentials and connections go with it and cannot be brought back. Calls to it fail from then
          on. To stop it for a while, switch it off instead.
          {remove.error && <Trouble error={remove.error} />}
        </DialogContent>
        <DialogActions>
          <Button autoFocus onClick={() => setOpen(false)}>
            Keep it
          </Button>
          <Button color="error" variant="contained" disabled={remove.isPending} onClick={() => remove.mutate()}>
            Remove
          </Button>
        </DialogActions>
      </Dialog>
    </Box>
  );
}
