-- Says that a server is there, and counts those that have said so lately.
--
-- KEYS: the servers, sorted by when they were heard of last, in milliseconds of this Redis's own clock.
-- ARGV: the server; for how many milliseconds it is believed.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZCARD', KEYS[1])
