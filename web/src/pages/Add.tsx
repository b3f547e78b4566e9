// What can be connected: the vendors that are known, and the protocols for everything else.
import Box from '@mui/material/Box';
import Card from '@mui/material/Card';
import CardActionArea from '@mui/material/CardActionArea';
import Chip from '@mui/material/Chip';
import Stack from '@mui/material/Stack';
import TextField from '@mui/material/TextField';
import Typography from '@mui/material/Typography';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'react-router';
import { connectors, schemas } from '../api/queries';
import { found } from '../found';
import { Trouble } from '../parts/Trouble';
import { PROTOCOLS } from '../protocols';
import { count } from '../words';

interface Offer {
  to: string;
  name: string;
  description: string;
  type: string;
  chip: string;
}

export function Add() {
  const vendors = useQuery(connectors);
  const published = useQuery(schemas);
  const [text, setText] = useState('');
  const error = vendors.error ?? published.error;
  const known: Offer[] = (vendors.data ?? []).map((vendor) => ({
    to: `/add/connector/${encodeURIComponent(vendor.name)}`,
    name: vendor.title,
    description: vendor.description,
    type: vendor.categories.join(' '),
    chip: count(vendor.actions, 'action'),
  }));
  const types: Offer[] = Object.keys(published.data?.types ?? {}).map((type) => ({
    to: `/add/type/${encodeURIComponent(type)}`,
    name: PROTOCOLS[type]?.title ?? type,
    description: PROTOCOLS[type]?.description ?? '',
    type,
    // Its title says the same.
    chip: '',
  }));
  const services = found(known, text, '');
  const protocols = found(types, text, '');
  // What is not known by name is still reached by what it speaks.
  const others = types.filter(({ type }) => type === 'rest' || type === 'custom');
  const none = vendors.data && published.data && services.length === 0 && protocols.length === 0;
  return (
    <Stack spacing={3}>
      <Typography variant="h1">Add an integration</Typography>
      <TextField
        type="search"
        label="Search services and protocols"
        value={text}
        onChange={(event) => setText(event.target.value)}
        sx={{ maxWidth: 420 }}
      />
      {none && (
        <>
          <Typography role="status">Nothing here is called “{text.trim()}”. Any API over HTTP can be added as REST, anything else by a driver of your own.</Typography>
          <Offers title="By its protocol" offers={others} />
        </>
      )}
      {error && <Trouble error={error} retry={() => void Promise.all([vendors.refetch(), published.refetch()])} />}
      {/* Both at once: what comes first would be pushed down by the other. */}
      {(error || (vendors.data && published.data)) && (
        <>
          <Offers title="Services" offers={services} />
          <Offers title="Any other service, by its protocol" offers={protocols} />
        </>
      )}
    </Stack>
  );
}

function Offers({ title, offers }: { title: string; offers: Offer[] }) {
  if (offers.length === 0) {
    return null;
  }
  return (
    <Box component="section" aria-label={title}>
      <Typography variant="h2" sx={{ mb: 1 }}>
        {title}
      </Typography>
      <Box sx={{ display: 'grid', gap: 1.5, gridTemplateColumns: 'repeat(auto-fill, minmax(min(100%, 260px), 1fr))' }}>
        {offers.map((offer) => (
          <Card key={offer.to}>
            <CardActionArea component={Link} to={offer.to} sx={{ p: 2, height: '100%', display: 'block' }}>
              <Box sx={{ display: 'flex', justifyContent: 'space-between', gap: 1, mb: 0.5 }}>
                <Typography component="h3" sx={{ fontWeight: 650 }}>
                  {offer.name}
                </Typography>
                {offer.chip && <Chip size="small" label={offer.chip} sx={{ flex: 'none' }} />}
              </Box>
              <Typography variant="body2" color="textSecondary">
                {offer.description}
              </Typography>
            </CardActionArea>
          </Card>
        ))}
      </Box>
    </Box>
  );
}
