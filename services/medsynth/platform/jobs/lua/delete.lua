-- name -> OK | MISSING | ACTIVE state | NEEDED parent
local name = ARGV[3]

local job = load_job(name)
if not job then
  return {'MISSING', ready}
end
if not ENDED[job.state] then
  return {'ACTIVE', ready, job.state}
end
local parent = redis.call('SRANDMEMBER', job_key(name, 'parents'))
if parent then
  return {'NEEDED', ready, parent}
end
for _, request_key in ipairs(redis.call('SMEMBERS', job_key(name, 'requests'))) do
  redis.call('DEL', request_key)
end
redis.call('ZREM', index_key(job.kind, job.state), name)
redis.call('DEL', job.key, job_key(name, 'events'), job_key(name, 'pending'),
  job_key(name, 'waiters'), job_key(name, 'requests'))
return {'OK', ready}
