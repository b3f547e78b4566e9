// What has to be registered at a provider before a person can connect an account: said while one fills in the form.
import Alert from '@mui/material/Alert';
import { useAddress } from '../api/address';

/** `id` is that of the integration, as far as it is typed. */
export function Redirect({ id }: { id: string }) {
  const { url, known } = useAddress();
  if (known === false) {
    return (
      <Alert severity="warning" icon={false}>
        To connect an account by browser, the server has to know its own address: set <code>server.public_url</code>, or <code>TRUNKLINE_PUBLIC_URL</code>,
        and start it again. Here stands then what to register at the provider.
      </Alert>
    );
  }
  return (
    <Alert severity="info" icon={false} sx={{ wordBreak: 'break-word' }}>
      To connect an account by browser, register this redirect URI at the provider: <code>{`${url}/api/v1/oauth/callback/${encodeURIComponent(id)}`}</code>
    </Alert>
  );
}
