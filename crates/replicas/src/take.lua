-- Takes what an attempt weighs from all limits, or from none: what rate_limit/bucket.rs of trunkline-layers does in
-- memory. The generic cell rate algorithm paces, and counts in slots of time keep pace and burst together below the
-- limit. All times are whole microseconds of this Redis's own clock, so that clocks of servers do not matter.
--
-- KEYS: a hash for each limit: `done`, when all that was taken would be done at an even pace; `head`, the number of
-- the latest slot; `sum`, of all slots; and the slots, by their numbers modulo SLOTS.
-- ARGV: 1 to take it in any case; then for each limit: requests, its time, burst, weight, and what it has not seen:
-- 1 if there may be such, taken by this server, by others up to.
-- Gives how long to wait, 0 if it was taken; then for each limit the sum, and how far `done` is ahead of now.

local SLOTS = 64
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local function text(number)
  return string.format('%.0f', number)
end

-- How long until enough of the slots have fallen out, the oldest first.
local function room(limit, excess)
  local fields = {}
  for slot = limit.head - SLOTS + 1, limit.head do
    fields[#fields + 1] = slot % SLOTS
  end
  for n, count in ipairs(redis.call('HMGET', limit.key, unpack(fields))) do
    local slot = limit.head - SLOTS + n
    if slot > limit.number - SLOTS then
      excess = excess - (tonumber(count) or 0)
      if excess <= 0 then
        return (slot + SLOTS) * limit.slot - now
      end
    end
  end
  return (math.max(limit.head, limit.number) + SLOTS) * limit.slot - now
end

local limits, wait = {}, 0
for n, key in ipairs(KEYS) do
  local at = 2 + (n - 1) * 7
  local limit = { key = key, requests = tonumber(ARGV[at]), per = tonumber(ARGV[at + 1]) }
  local burst, weight = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local pace = math.ceil(limit.per / limit.requests)
  -- One of the slots is partly outside the limit's time.
  limit.slot = math.ceil(limit.per / (SLOTS - 1))
  limit.number = math.floor(now / limit.slot)

  local held = redis.call('HMGET', key, 'done', 'head', 'sum')
  local known = held[1]
  local done = tonumber(known or now)
  limit.head, limit.sum = tonumber(held[2] or limit.number), tonumber(held[3] or 0)
  limit.added = 0
  if limit.head > limit.number + SLOTS then
    -- The clock was set back by more than the limit's time. What was taken counts as taken now.
    redis.call('DEL', key)
    done, limit.head, limit.added, limit.changed = now + limit.per, limit.number, limit.sum, true
  end

  -- Slots whose time has come round again are empty.
  limit.gone = {}
  for slot = math.max(limit.head, limit.number - SLOTS) + 1, limit.number do
    limit.gone[#limit.gone + 1] = slot % SLOTS
  end
  if #limit.gone > 0 then
    for _, count in ipairs(redis.call('HMGET', key, unpack(limit.gone))) do
      limit.sum = limit.sum - (tonumber(count) or 0)
    end
  end

  if ARGV[at + 4] == '1' then
    local sum = math.max(limit.sum + tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6]))
    limit.added, limit.sum = limit.added + sum - limit.sum, sum
    -- What is not known grants no burst.
    if not known then
      done = now + pace * (burst - 1)
    end
    limit.changed = true
  end

  limit.done = math.max(done, now)
  wait = math.max(wait, limit.done - pace * (burst - weight) - now)
  -- At a burst of one the pace alone keeps the limit.
  if burst > 1 and limit.sum + weight > limit.requests then
    wait = math.max(wait, room(limit, limit.sum + weight - limit.requests))
  end
  limit.cost, limit.weight = pace * weight, weight
  limits[n] = limit
end

local taken = wait == 0 or ARGV[1] == '1'
local reply = { taken and 0 or wait }
for _, limit in ipairs(limits) do
  if taken then
    limit.done = limit.done + limit.cost
    limit.sum = limit.sum + limit.weight
    limit.added = limit.added + limit.weight
  end
  if taken or limit.changed then
    if #limit.gone > 0 then
      redis.call('HDEL', limit.key, unpack(limit.gone))
    end
    local head = math.max(limit.head, limit.number)
    redis.call('HSET', limit.key, 'done', text(limit.done), 'head', text(head), 'sum', text(limit.sum))
    redis.call('HINCRBY', limit.key, head % SLOTS, text(limit.added))
    -- After this time it is as if nothing had been taken.
    local until_gone = math.max(limit.done - now, (head + SLOTS) * limit.slot - now)
    redis.call('PEXPIRE', limit.key, text(math.ceil(until_gone / 1000) + 1))
  end
  reply[#reply + 1] = limit.sum
  reply[#reply + 1] = limit.done - now
end
return reply
