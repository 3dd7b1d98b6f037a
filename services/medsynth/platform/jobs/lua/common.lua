-- What every transition shares; put before each script.
--
-- ARGV[1]  reports of progress, and changes of state, kept for each job
-- ARGV[2]  microseconds after which a job that waits unclaimed is announced again
-- ARGV[3]  the script's own arguments begin here
--
-- Keys (one Redis, no cluster: a transition touches the keys of several jobs):
--   medsynth:job:{name}            hash: the record
--   medsynth:job:{name}:events     stream: what happened to it
--   medsynth:job:{name}:reached    hash: how far it ever got, by unit and phase
--   medsynth:job:{name}:pending    set: children that it waits for
--   medsynth:job:{name}:waiters    set: parents that wait for it
--   medsynth:job:{name}:parents    set: parents that have not ended, which may ask what it made
--   medsynth:job:{name}:requests   set: keys of the request ids that led to it
--   medsynth:index:{kind}:{state}  sorted set: names by order of creation
--   medsynth:unclaimed:{queue}     sorted set: names by the time of their next announcement
--   medsynth:leases                sorted set: names by the time their lease runs out
--   medsynth:request:{kind}:{id}   string: name and digest of the specification
--   medsynth:share:{kind}:{key}    string: name of the active job that has the share key
--   medsynth:sequence              counter: order of creation
local PREFIX = 'medsynth:'
local MAX_EVENTS = tonumber(ARGV[1])
local ANNOUNCE = tonumber(ARGV[2])

local ENDED = {SUCCEEDED = true, FAILED = true, CANCELLED = true}
local CLAIMABLE = {QUEUED = true, RECOVERING = true}
local HELD = {RUNNING = true, CANCELLING = true}

-- {queue, name, ...} of the jobs that became claimable and have to be announced.
local ready = {}

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

-- Lua's own conversion would write a time as 1.7e+15.
local function digits(number)
  return string.format('%.0f', number)
end

local function job_key(name, part)
  return PREFIX .. 'job:' .. name .. (part and ':' .. part or '')
end

local function index_key(kind, state)
  return PREFIX .. 'index:' .. kind .. ':' .. state
end

local function share_key_of(kind, key)
  return PREFIX .. 'share:' .. kind .. ':' .. key
end

local function load_job(name)
  local values = redis.call('HMGET', job_key(name), 'kind', 'queue', 'state', 'attempt',
    'sequence', 'share_key', 'failures', 'own')
  if not values[1] then
    return nil
  end
  return {name = name, key = job_key(name), kind = values[1], queue = values[2],
    state = values[3], attempt = values[4], sequence = values[5], share_key = values[6],
    failures = tonumber(values[7]), own = values[8]}
end

local function holds(job, attempt)
  return job and HELD[job.state] and job.attempt == attempt
end

local KEPT_EVENTS = {to = MAX_EVENTS, progress = MAX_EVENTS, message = math.ceil(MAX_EVENTS / 10)}

-- Removes the oldest event of a sort, wherever it stands between those of other sorts.
local function drop_oldest(job, sort)
  local key, field = job_key(job.name, 'events'), 'oldest_' .. sort
  local from = redis.call('HGET', job.key, field) or '-'
  while true do
    local entries = redis.call('XRANGE', key, from, '+', 'COUNT', 10)
    if #entries == 0 then
      return
    end
    for _, entry in ipairs(entries) do
      from = '(' .. entry[1]
      for place = 1, #entry[2], 2 do
        if entry[2][place] == sort then
          redis.call('XDEL', key, entry[1])
          redis.call('HSET', job.key, field, from)
          return
        end
      end
    end
  end
end

-- Each sort of event is limited by itself, so that reports never push out what happened.
--   sort  the field that tells it: `to`, `progress` or `message`
local function add_event(job, sort, ...)
  redis.call('XADD', job_key(job.name, 'events'), '*', 'attempt', job.attempt, ...)
  local count = 'events_' .. sort
  if redis.call('HINCRBY', job.key, count, 1) > KEPT_EVENTS[sort] then
    redis.call('HINCRBY', job.key, count, -1)
    drop_oldest(job, sort)
  end
end

-- Forgets the failures of a job once it gets further than in any attempt before.
local MAX_SERIES = 1000
local function note_reached(job, series, done)
  local key = job_key(job.name, 'reached')
  local before = redis.call('HGET', key, series)
  if before and done <= tonumber(before)
      or not before and redis.call('HLEN', key) >= MAX_SERIES then
    return
  end
  redis.call('HSET', key, series, digits(done))
  if job.failures > 0 then
    redis.call('HSET', job.key, 'failures', 0)
  end
end

local function move(job, to, reason)
  redis.call('HSET', job.key, 'state', to)
  redis.call('ZREM', index_key(job.kind, job.state), job.name)
  redis.call('ZADD', index_key(job.kind, to), job.sequence, job.name)
  add_event(job, 'to', 'from', job.state, 'to', to, 'reason', reason)
  job.state = to
end

-- Makes a job claimable: at once, or announced by the reconciler after `delay` microseconds.
local function set_ready(job, delay)
  local time = now()
  redis.call('HSET', job.key, 'ready', digits(time))
  if delay > 0 then
    redis.call('ZADD', PREFIX .. 'unclaimed:' .. job.queue, time + delay, job.name)
  else
    redis.call('ZADD', PREFIX .. 'unclaimed:' .. job.queue, time + ANNOUNCE, job.name)
    table.insert(ready, job.queue)
    table.insert(ready, job.name)
  end
end

local function drop_lease(job)
  redis.call('ZREM', PREFIX .. 'leases', job.name)
  redis.call('HDEL', job.key, 'token', 'worker')
end

-- Ends a job and steps the parents whose last child it was.
local function end_job(job, state, reason)
  drop_lease(job)
  redis.call('ZREM', PREFIX .. 'unclaimed:' .. job.queue, job.name)
  redis.call('HSET', job.key, 'ended', digits(now()))
  move(job, state, reason)
  if job.share_key ~= '' then
    local key = share_key_of(job.kind, job.share_key)
    if redis.call('GET', key) == job.name then
      redis.call('DEL', key)
    end
  end
  for _, parent_name in ipairs(redis.call('SMEMBERS', job_key(job.name, 'waiters'))) do
    redis.call('SREM', job_key(parent_name, 'pending'), job.name)
    local parent = load_job(parent_name)
    if parent and parent.state == 'WAITING'
        and redis.call('SCARD', job_key(parent_name, 'pending')) == 0 then
      move(parent, 'QUEUED', 'its jobs have ended')
      set_ready(parent, 0)
    end
  end
  redis.call('DEL', job_key(job.name, 'waiters'), job_key(job.name, 'pending'),
    job_key(job.name, 'reached'))
  for _, child in ipairs(cjson.decode(redis.call('HGET', job.key, 'children') or '[]')) do
    redis.call('SREM', job_key(child, 'parents'), job.name)
  end
end

local function cancel_job(job, reason)
  if ENDED[job.state] or job.state == 'CANCELLING' then
    return
  end
  if job.state == 'RUNNING' then
    move(job, 'CANCELLING', reason)
    return
  end
  for _, child_name in ipairs(redis.call('SMEMBERS', job_key(job.name, 'pending'))) do
    redis.call('SREM', job_key(child_name, 'waiters'), job.name)
    local child = load_job(child_name)
    if child and child.own == '0'
        and redis.call('SCARD', job_key(child_name, 'waiters')) == 0 then
      cancel_job(child, job.name .. ' was cancelled')
    end
  end
  end_job(job, 'CANCELLED', reason)
end

-- An attempt ended without a result: back to the queue, or the end.
--   counted  whether it counts against `limit`
--   pause    microseconds before the third attempt in a row; longer before each further one
--   failure  the record's error if the limit is reached
local MAX_PAUSE = 300000000
local function give_back(job, counted, limit, pause, reason, failure)
  if job.state == 'CANCELLING' then
    end_job(job, 'CANCELLED', reason)
  elseif not counted then
    drop_lease(job)
    move(job, 'QUEUED', reason)
    set_ready(job, 0)
  else
    job.failures = redis.call('HINCRBY', job.key, 'failures', 1)
    if job.failures >= limit then
      redis.call('HSET', job.key, 'error', failure)
      end_job(job, 'FAILED', reason)
      return
    end
    drop_lease(job)
    move(job, 'RECOVERING', reason)
    -- The first failure is tried again at once; what fails again and again is not.
    local grown = pause * 4 ^ math.min(job.failures - 2, 10)
    set_ready(job, job.failures > 1 and math.floor(math.min(MAX_PAUSE, grown)) or 0)
  end
end

-- The active job that has a share key, or nil. One that is being cancelled is of no use.
local function shared_job(kind, share_key)
  if share_key == '' then
    return nil
  end
  local name = redis.call('GET', share_key_of(kind, share_key))
  local job = name and load_job(name)
  if job and not ENDED[job.state] and job.state ~= 'CANCELLING' then
    return job
  end
  return nil
end

--   own  '1': a caller asked for it; '0': it exists for the jobs that wait for it
local function create_job(name, kind, queue, specification, share_key, request_id, parent, own)
  local sequence = redis.call('INCR', PREFIX .. 'sequence')
  local job = {name = name, key = job_key(name), kind = kind, queue = queue, state = 'UNSPECIFIED',
    attempt = '0', sequence = sequence, share_key = share_key, failures = 0, own = own}
  redis.call('HSET', job.key, 'kind', kind, 'queue', queue, 'attempt', 0, 'failures', 0,
    'sequence', sequence, 'specification', specification, 'share_key', share_key,
    'request_id', request_id, 'parent', parent, 'own', own, 'created', digits(now()))
  if share_key ~= '' then
    redis.call('SET', share_key_of(kind, share_key), name)
  end
  move(job, 'QUEUED', '')
  set_ready(job, 0)
  return job
end
