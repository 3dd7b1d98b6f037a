-- name token worker lease -> OK attempt | TAKEN | MISSING
local name, token, worker, lease = ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])

local job = load_job(name)
if not job then
  return {'MISSING', ready}
end
-- The worker repeats itself because it did not see the answer.
if HELD[job.state] and redis.call('HGET', job.key, 'token') == token then
  redis.call('ZADD', PREFIX .. 'leases', now() + lease, name)
  return {'OK', ready, job.attempt}
end
if not CLAIMABLE[job.state] then
  return {'TAKEN', ready}
end
local time = now()
job.attempt = tostring(redis.call('HINCRBY', job.key, 'attempt', 1))
redis.call('HSET', job.key, 'token', token, 'worker', worker, 'claimed', digits(time))
redis.call('HSETNX', job.key, 'started', digits(time))
redis.call('ZREM', PREFIX .. 'unclaimed:' .. job.queue, name)
redis.call('ZADD', PREFIX .. 'leases', time + lease, name)
move(job, 'RUNNING', '')
return {'OK', ready, job.attempt}
