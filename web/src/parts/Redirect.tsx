// What has to be registered at a provider before a person can connect an account: said while one fills in the form.
import Alert from '@mui/material/Alert';

/** `id` is that of the integration, as far as it is typed. */
export function Redirect({ id }: { id: string }) {
  const uri = `${location.origin}/api/v1/oauth/callback/${encodeURIComponent(id)}`;
  return (
    <Alert severity="info" icon={false} sx={{ wordBreak: 'break-word' }}>
      To connect an account by browser, register this redirect URI at the provider: <code>{uri}</code>. Where <code>server.public_url</code> is another
      address, it begins with that; the page of the integration shows it once it is added.
    </Alert>
  );
}
